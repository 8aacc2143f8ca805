"""What the voice needs of the ledger."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from notify.digests import Outlook, Week
from notify.watching import Watched
from reconciler.model import Decision
from reconciler.organisation import Books
from reconciler.records import Mail, MailKind
from reconciler.reminding import Again, Open


class Outbox(Protocol):
    """Mails owed. A mail is sent when the server has accepted it, and only then marked so."""

    def claim(self, now: dt.datetime, limit: int, lease: dt.timedelta) -> list[Mail]:
        """Mails whose time has come, claimed for the length of the lease: nobody else gets them until it ends.

        A claimed mail collects no more flags. A warning or alert that has nothing to tell any more is dropped.
        """
        ...

    def sent(self, mail_id: int, now: dt.datetime) -> None:
        """The server has accepted the mail."""
        ...

    def failed(self, mail_id: int, error: str, next_try_at: dt.datetime, now: dt.datetime) -> None:
        """It has not; try again then."""
        ...

    def dropped(self, mail_id: int, now: dt.datetime) -> None:
        """There is nothing to tell any more."""
        ...

    def refused(self, mail: Mail, said: str, heir: str, send_after: dt.datetime, now: dt.datetime) -> None:
        """The recipient is refused for good: owe the mail to the heir, if there is one, who does not have it yet."""
        ...

    def shut(self, now: dt.datetime) -> frozenset[str]:
        """The addresses that were refused for good, lately."""
        ...


class Rounds(Protocol):
    """Mails that come round by themselves."""

    def owe_round(
        self,
        name: str,
        round_: str,
        organisation: str,
        kind: MailKind,
        recipients: Mapping[str, dt.datetime],
        now: dt.datetime,
    ) -> bool:
        """Owe a mail to each recipient at their time, once per round; `False` when this round was owed."""
        ...

    def shut(self, now: dt.datetime) -> frozenset[str]:
        """The addresses that were refused for good, lately."""
        ...


class Reminders(Protocol):
    """Open flags that wait for somebody."""

    def waiting(self, organisation: str, opened_by: dt.datetime, today: dt.date) -> list[Open]:
        """Open flags that were opened by then, or are to be brought up today, with who was told of them and when."""
        ...

    def bring_up(self, again: Sequence[Again], send_after: Mapping[str, dt.datetime], now: dt.datetime) -> int:
        """Owe mails that bring flags up again, save where something newer did; returns how many flags that were."""
        ...


class Facts(Protocol):
    """What the digests tell."""

    def week(self, organisation: str, until: dt.datetime) -> Week:
        """What the seven days before brought, and what waits now."""
        ...

    def outlook(self, organisation: str, now: dt.datetime) -> Outlook:
        """What the usual lock would hold up, and which drafts fall due unapproved."""
        ...

    def watched(self, organisation: str) -> Watched:
        """Signs that something is about to stop."""
        ...


class Tickets(Protocol):
    """Links in mails, by the hash of their token."""

    def make(
        self,
        mail_id: int,
        address: str,
        flag_ids: Collection[int],
        token_hash: bytes,
        now: dt.datetime,
        expires: dt.datetime,
    ) -> None:
        """Keep a link; the same hash again changes nothing."""
        ...


class Standing(Protocol):
    """How milestones stand."""

    def standing(self, organisation: str, keys: Collection[str]) -> list[Decision]:
        """The cases of these keys with the verdicts recorded last, in key order; undecided ones are left out."""
        ...


class Mirror(Protocol):
    """What is known of an organisation."""

    def books(self, organisation: str) -> Books:
        """The books as last read."""
        ...


class Ledger(Protocol):
    """The memory, by topic."""

    @property
    def outbox(self) -> Outbox: ...
    @property
    def tickets(self) -> Tickets: ...
    @property
    def milestones(self) -> Standing: ...
    @property
    def mirror(self) -> Mirror: ...


class State(Protocol):
    """Small facts, by name."""

    def get(self, name: str) -> str | None:
        """The fact, or `None`."""
        ...

    def put(self, name: str, value: str | None) -> None:
        """Keep the fact."""
        ...


class Calendar(Protocol):
    """The part of the memory that the diary is kept in."""

    @property
    def outbox(self) -> Rounds: ...
    @property
    def reminders(self) -> Reminders: ...
    @property
    def mirror(self) -> Mirror: ...
    @property
    def state(self) -> State: ...
