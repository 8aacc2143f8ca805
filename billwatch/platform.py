"""The grants platform's side of the house: what the API asks of ledger and desk (`receiver.api.ports.Platform`)."""

import datetime as dt
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from billwatch.importing import cells
from billwatch.importing.cells import ISO, Unusable
from billwatch.importing.papers import documents
from billwatch.office import office
from billwatch.wiring import House
from receiver.api.auth import Guard
from receiver.api.ports import Condition, Foreseen, NotUsable, Put, Standing
from receiver.api.routes import Api
from receiver.api.shapes import Exempt, Fault, KeyedWish, Wish
from receiver.api.views import AMOUNTS
from receiver.dashboard.ports import Listed, Place, Story
from receiver.ports import Done
from reconciler.cycle import paused
from reconciler.model import Links, Milestone
from reconciler.organisation import Books
from reconciler.progress import Change
from reconciler.reasons import Choose, Reason
from reconciler.records import Choice

CHUNK = 200
SENSES = {told: sense for sense, told in AMOUNTS.items()}
_text = cells.text(255)
READERS: Mapping[str, Callable[[str], Any]] = {
    "title": _text,
    "payee": _text,
    "amount": cells.amount,
    "date": cells.dates(ISO),
    "due_date": cells.dates(ISO),
    "currency": cells.currency,
    "description": cells.text(4000),
    "contact_id": cells.uuid,
    "account": cells.text(10),
    "tax": cells.text(50),
}
NEEDED = ("title", "payee")


class Platform:
    """Answers by the facts read last; acts through the desk, which reads Xero first."""

    def __init__(self, house: House) -> None:
        self._house, self._ledger = house, house.ledger
        self._office = office(house)
        attaching = [each for each in house.config.organisation if each.documents.attach]
        self._hosts = {each.key: each.documents.hosts for each in attaching}

    def now(self) -> dt.datetime:
        """The present moment."""
        return self._house.clock()

    def organisations(self) -> Sequence[str]:
        """The keys of all there are."""
        return list(self._house.organisations)

    def standing(self, organisations: Collection[str]) -> Sequence[Standing]:
        """These organisations."""
        books, counts = self._ledger.mirror.all_books(), self._ledger.census.counts(organisations)
        stopped = self._ledger.state.held([paused(key) for key in organisations])
        return [
            Standing(organisation, books.get(key, Books()), counts[key], stopped.get(paused(key)))
            for key, organisation in self._house.organisations.items()
            if key in organisations
        ]

    def put(self, organisation: str, key: str, wish: Wish, condition: Condition) -> Put | None:
        """Keep the milestone if the condition holds; `None` when it does not."""
        milestone = self._milestone(organisation, key, wish)
        with self._ledger.together():
            before = self._ledger.milestones.versions(organisation, [key]).get(key)
            if not condition.holds(before):
                return None
            return self._put([milestone])[0]

    def put_many(self, organisation: str, wishes: Sequence[KeyedWish]) -> Sequence[Put | NotUsable]:
        """Keep these milestones, in transactions of some hundred each."""
        read = [self._read(organisation, wish) for wish in wishes]
        good = [each for each in read if isinstance(each, Milestone)]
        done: list[Put] = []
        for start in range(0, len(good), CHUNK):
            with self._ledger.together():
                done += self._put(good[start : start + CHUNK])
        left = iter(done)
        return [next(left) if isinstance(each, Milestone) else each for each in read]

    def preview(self, organisation: str, key: str, wish: Wish) -> Foreseen:
        """What would be decided if the milestone were put so."""
        cycle = self._house.cycles[organisation]
        decision = cycle.preview(self._milestone(organisation, key, wish))
        new = not self._ledger.milestones.versions(organisation, [key])
        return Foreseen(decision, cycle.organisation, cycle.books(), new)

    def milestone(self, organisation: str, key: str) -> Story | None:
        """One milestone with all that happened to it."""
        return self._office.milestone(organisation, key)

    def milestones(
        self, organisation: str, limit: int, after: Place, reasons: Collection[Reason | None] | None, text: str
    ) -> Sequence[Listed]:
        """Milestones from that place on."""
        return self._office.milestones([organisation], limit, after, reasons, text)

    def resync(self, organisation: str, key: str, by: str) -> Done:
        """Read Xero anew and sync the milestone."""
        return self._office.act(organisation, [key], Choice(Choose.RESYNC, by, self.now()), "")

    def exempt(self, organisation: str, key: str, wish: Exempt, by: str) -> Done:
        """Exempt the milestone."""
        until = cells.dates(ISO)(wish.until) if wish.until else None
        choice = Choice(Choose.EXEMPT, by, self.now(), reason=wish.reason, until=until)
        return self._office.act(organisation, [key], choice, "")

    def end_exemption(self, organisation: str, key: str, by: str) -> bool:
        """Undo an exemption."""
        return self._office.end_exemption(organisation, key, by)

    def changes(self, organisation: str, after: int, limit: int) -> Sequence[Change]:
        """What became known after that change."""
        return self._ledger.changes.after([organisation], after, limit)

    def forgotten(self, organisation: str) -> int:
        """The newest change that is not kept any more."""
        return self._ledger.changes.forgotten(organisation)

    def _put(self, milestones: Sequence[Milestone]) -> list[Put]:
        """Keep milestones of one organisation in the caller's transaction."""
        organisation, keys = milestones[0].organisation, [each.key for each in milestones]
        before = self._ledger.milestones.versions(organisation, keys)
        self._ledger.milestones.put(milestones, self.now())
        after = self._ledger.milestones.versions(organisation, keys)
        return [Put(key, before.get(key), after[key]) for key in keys]

    def _read(self, organisation: str, wish: KeyedWish) -> Milestone | NotUsable:
        try:
            return self._milestone(organisation, wish.key, wish)
        except NotUsable as error:
            return error

    def _milestone(self, organisation: str, key: str, wish: Wish) -> Milestone:
        """The milestone as it would come in by a file, cell by cell. Raises `NotUsable`."""
        return milestone_of(organisation, key, wish, self._hosts.get(organisation))


def milestone_of(organisation: str, key: str, wish: Wish, hosts: Collection[str] | None) -> Milestone:
    """What the platform says, as a file says it too, so that the same rules hold; `hosts` are those of documents.

    Raises `NotUsable`.
    """
    row = _Row()
    values = {name: row.read(name, reader, getattr(wish, name) or "") for name, reader in READERS.items()}
    option, papers = cells.text(100), documents(Path("/nowhere"), hosts)
    milestone = Milestone(
        organisation=organisation,
        key=row.read("key", cells.key, key),
        **values | {"due_date": values["due_date"] or None},
        stages=row.read("stages", cells.stages, _list(wish.stages), frozenset()),
        cancelled=wish.cancelled,
        sense=SENSES[wish.amounts] if wish.amounts else None,
        tracking=tuple(
            sorted(tuple(row.read("tracking", option, cell) for cell in pair) for pair in wish.tracking.items())
        ),
        links=Links(
            *(row.read(f"links/{name}", cells.link, getattr(wish.links, name)) for name in Links.__struct_fields__)
        ),
        documents=row.read("documents", papers, _list(wish.documents), ()),
    )
    if row.faults:
        raise NotUsable(row.faults)
    return milestone


class _Row:
    """What is read cell by cell, with what is wrong with which."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def read(self, name: str, reader: Callable[[str], Any], cell: str, default: Any = "") -> Any:
        """The value of a cell; the default of one that is empty or not usable."""
        try:
            value = reader(cell) if cell else default
        except Unusable as flaw:
            self.faults.append(Fault(pointer=f"/{name}", detail=f"{flaw}."))
            return default
        if not value and name in NEEDED:
            self.faults.append(Fault(pointer=f"/{name}", detail="has nothing in it that can be seen."))
        return value


def _list(texts: Sequence[str]) -> str:
    """A list as a cell holds it."""
    return json.dumps(texts) if texts else ""


def guard_of(house: House) -> Guard:
    """Who lets programs in, by their keys."""
    return Guard(house.ledger.apikeys, house.clock, house.config.api.requests_per_minute)


def api(house: House, guard: Guard) -> Api:
    """The API of this house."""
    options = house.config.api
    return Api(
        Platform(house),
        guard,
        version("billwatch"),
        public_url=house.config.server.public_url,
        require_if_match=options.require_if_match,
    )
