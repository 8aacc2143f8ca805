"""What the voice needs of the ledger."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Protocol

from reconciler.model import Decision
from reconciler.organisation import Books
from reconciler.ports import Notice
from reconciler.records import Choice, Flag, Mail


class Outbox(Protocol):
    """Mails owed. A mail is sent when the server has accepted it, and only then marked so."""

    def claim(self, now: dt.datetime, limit: int, lease: dt.timedelta) -> list[Mail]:
        """Mails whose time has come, claimed for the length of the lease: nobody else gets them until it ends.

        A claimed mail collects no more flags. Flags that have closed meanwhile are left out; a warning or alert without
        open flags is not owed any more.
        """
        ...

    def sent(self, mail_id: int, now: dt.datetime) -> None:
        """The server has accepted the mail."""
        ...

    def failed(self, mail_id: int, error: str, next_try_at: dt.datetime | None) -> None:
        """It has not; try again then, or (`None`) never: the address was refused for good."""
        ...

    def owe_result(self, organisation: str, flags: Sequence[Flag], choice: Choice, notice: Notice) -> None:
        """Owe a mail about a choice to all who were warned of these flags, and to whoever `notice` names."""
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
