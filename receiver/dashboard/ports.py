"""What the dashboard needs of the others: facts as last read, and a way to act on them."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from receiver.ports import Done, Sheet
from reconciler.forecast import Forecast
from reconciler.model import Bill, Case, Exemption, Milestone, Verdict
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Reason
from reconciler.records import Bounce, Choice

Place = tuple[str, str]


class Owed(Protocol):
    """Work that waits: of which kind, how much, since when, and when the next of it is tried (`None`: at once)."""

    @property
    def what(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def since(self) -> dt.datetime | None: ...
    @property
    def next_try(self) -> dt.datetime | None: ...


class Listed(Protocol):
    """A milestone with its bill, and its earlier ones, and the verdict recorded last (`None`: not decided yet).

    `dirty` tells that something has changed since.
    """

    @property
    def milestone(self) -> Milestone: ...
    @property
    def bill(self) -> Bill | None: ...
    @property
    def parts(self) -> Sequence[Bill]: ...
    @property
    def verdict(self) -> Verdict | None: ...
    @property
    def decided_at(self) -> dt.datetime | None: ...
    @property
    def dirty(self) -> bool: ...


class Exempted(Protocol):
    """An exemption and whose it is; `ended_at` and `ended_by` once it was undone."""

    @property
    def organisation(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def payee(self) -> str: ...
    @property
    def exemption(self) -> Exemption: ...
    @property
    def ended_at(self) -> dt.datetime | None: ...
    @property
    def ended_by(self) -> str: ...


class Moment(Protocol):
    """Something that happened to a milestone: `what` it was, and the value that it names."""

    @property
    def at(self) -> dt.datetime: ...
    @property
    def what(self) -> str: ...
    @property
    def value(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """An organisation: what is known of it, and what waits.

    `counts` are milestones by reason; `undecided` are due to be decided again; `paused` says by whom writing was
    stopped; `calls_left` are Xero's for today, where known. `refused` are addresses of its people that the mail server
    takes nothing for, `mail_error` is what it said last of a mail that is still owed.
    """

    organisation: Organisation
    books: Books
    counts: Mapping[Reason | None, int]
    owed: Sequence[Owed]
    undecided: int
    heard_at: dt.datetime | None
    paused: str | None
    calls_left: int | None
    refused: Sequence[Bounce] = ()
    mail_error: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """One milestone: how it stands (`sheet`; `None` before it was decided), and all that happened to it."""

    organisation: Organisation
    books: Books
    listed: Listed
    sheet: Sheet | None
    moments: Sequence[Moment]
    exemptions: Sequence[Exempted]


@dataclass(frozen=True, slots=True)
class Foresight:
    """What a lock date would do to one organisation, and which drafts fall due unapproved. `forecast` may be missing:
    then no lock date was named.
    """

    organisation: Organisation
    books: Books
    forecast: Forecast | None
    late: Sequence[Case]


class Office(Protocol):
    """Where the dashboard asks and acts. Every method may raise `reconciler.errors.BillwatchError`."""

    def standing(self) -> Sequence[Standing]:
        """Every organisation, in the order of the configuration."""
        ...

    def history(self) -> Sequence[tuple[dt.date, Mapping[Reason | None, int]]]:
        """Milestones by reason at the end of each of the last days of their organisations, oldest first."""
        ...

    def milestones(
        self,
        organisations: Collection[str],
        limit: int,
        after: Place,
        reasons: Collection[Reason | None] | None,
        text: str,
    ) -> Sequence[Listed]:
        """Milestones from `after` (organisation, key) on; `reasons` of `None` stands for all."""
        ...

    def milestone(self, organisation: str, key: str) -> Story | None:
        """One milestone; `None` when there is none of that name."""
        ...

    def exemptions(self, *, ended: bool) -> Sequence[Exempted]:
        """Exemptions that stand, or the latest that were undone."""
        ...

    def foresight(self, lock: dt.date | None, days: int) -> Sequence[Foresight]:
        """The forecast of every organisation, with the drafts that fall due within so many days."""
        ...

    def sheet(self, organisation: str, keys: Collection[str]) -> Sheet | None:
        """How these milestones stand, by facts read before; `None` when none of them is decided."""
        ...

    def act(self, organisation: str, keys: Sequence[str], choice: Choice, fingerprint: str) -> Done:
        """Read Xero anew, check that the facts are those of the fingerprint, make the choice, run the cycle.

        Raises `receiver.ports.Changed`, or `reconciler.errors.InputError` for a choice that does not fit.
        """
        ...

    def made(self, organisation: str, keys: Sequence[str], shown: str) -> Done | None:
        """What was decided of these milestones on the facts of that fingerprint, and how they stand since."""
        ...

    def find(self, organisation: str, key: str, text: str) -> Bill:
        """The bill that somebody names by number, id or address. Raises `reconciler.errors.InputError`."""
        ...

    def end_exemption(self, organisation: str, key: str, by: str) -> bool:
        """Undo an exemption and decide the milestone again; `False` when it has none."""
        ...
