"""What the API needs of the others: the platform's side of the house."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from receiver.api.shapes import Exempt, Fault, KeyedWish, Wish
from receiver.dashboard.ports import Listed, Place, Story
from receiver.ports import Done
from reconciler.model import Decision
from reconciler.organisation import Books, Organisation
from reconciler.progress import Change
from reconciler.reasons import Reason


class NotUsable(Exception):
    """A milestone whose fields are of the right form, but do not make sense: what is wrong with which."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.pointer} {fault.detail}" for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold for a put: one of these versions is the present one (`None`: no matter which), or there is none
    yet (`absent`), or there is one (`present`). `stated` tells whether a version was named at all.
    """

    versions: frozenset[int] | None = None
    absent: bool = False
    present: bool = False

    @property
    def stated(self) -> bool:
        """Whether the caller said anything of what it replaces."""
        return self.versions is not None or self.absent or self.present

    def holds(self, version: int | None) -> bool:
        """Whether it holds of a milestone of that version (`None`: there is no such milestone)."""
        if version is None:
            return self.versions is None and not self.present
        return not self.absent and (self.versions is None or version in self.versions)


@dataclass(frozen=True, slots=True)
class Put:
    """What became of a milestone: its version before (`None`: there was none) and now."""

    key: str
    before: int | None
    version: int

    @property
    def outcome(self) -> str:
        """`new`, `changed` or `same`."""
        if self.before is None:
            return "new"
        return "same" if self.before == self.version else "changed"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would be decided of a wished milestone, with what it rests on; `new` when there is none of its key."""

    decision: Decision
    organisation: Organisation
    books: Books
    new: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """An organisation, what is known of it, and its milestones by reason; `paused` says by whom writing was stopped."""

    organisation: Organisation
    books: Books
    counts: Mapping[Reason | None, int]
    paused: str | None


class Platform(Protocol):
    """Where the API asks and acts. Every method may raise `reconciler.errors.BillwatchError`.

    The organisation must be one of `organisations()`.
    """

    def organisations(self) -> Sequence[str]:
        """The keys of all there are, in the order of the configuration."""
        ...

    def standing(self, organisations: Collection[str]) -> Sequence[Standing]:
        """These organisations, in the order of the configuration."""
        ...

    def put(self, organisation: str, key: str, wish: Wish, condition: Condition) -> Put | None:
        """Keep the milestone if the condition holds; `None` when it does not. Raises `NotUsable`."""
        ...

    def put_many(self, organisation: str, wishes: Sequence[KeyedWish]) -> Sequence[Put | NotUsable]:
        """Keep these milestones, each judged by itself; what became of each, in their order."""
        ...

    def preview(self, organisation: str, key: str, wish: Wish) -> Foreseen:
        """What would be decided if the milestone were put so; nothing is kept. Raises `NotUsable`."""
        ...

    def milestone(self, organisation: str, key: str) -> Story | None:
        """One milestone; `None` when there is none of that key."""
        ...

    def milestones(
        self, organisation: str, limit: int, after: Place, reasons: Collection[Reason | None] | None, text: str
    ) -> Sequence[Listed]:
        """Milestones from that place on; `reasons` of `None` stands for all."""
        ...

    def resync(self, organisation: str, key: str, by: str) -> Done:
        """Read Xero anew and sync the milestone if nothing stands in the way."""
        ...

    def exempt(self, organisation: str, key: str, wish: Exempt, by: str) -> Done:
        """Exempt the milestone."""
        ...

    def end_exemption(self, organisation: str, key: str, by: str) -> bool:
        """Undo an exemption and decide the milestone again; `False` when it has none."""
        ...

    def changes(self, organisation: str, after: int, limit: int) -> Sequence[Change]:
        """What became known after that change, oldest first, as far as it is kept."""
        ...

    def forgotten(self, organisation: str) -> int:
        """The number of the newest change that is not kept any more; 0 where all are."""
        ...

    def now(self) -> dt.datetime:
        """The present moment."""
        ...
