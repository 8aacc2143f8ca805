"""The office: what the dashboard asks of ledger and desk (`receiver.dashboard.ports.Office`)."""

import datetime as dt
import threading
from collections.abc import Collection, Mapping, Sequence
from zoneinfo import ZoneInfo

from billwatch.desk import Desk
from billwatch.foresight import if_locked, unapproved
from billwatch.secret import KeyRing
from billwatch.watch import calls_left
from billwatch.wiring import House
from receiver.dashboard.door import Door, Entrance
from receiver.dashboard.pages import Dashboard
from receiver.dashboard.ports import Foresight, Place, Standing, Story
from receiver.dashboard.sessions import User
from receiver.ports import Done, Sheet
from reconciler.cycle import Cycle, paused
from reconciler.model import Bill
from reconciler.organisation import Books, Organisation
from reconciler.ports import Clock
from reconciler.reasons import Reason, Role
from reconciler.records import Choice
from reconciler.xero_port import Budget
from storage import Ledger
from storage.listing import Exempted, Turned
from storage.overview import Listed

HISTORY_DAYS = 60
KEPT = dt.timedelta(minutes=5)
SHOWN_AT_MOST = 500

Day = tuple[dt.date, Mapping[Reason | None, int]]


class Office:
    """Answers by the facts read last; acts through the desk, which reads Xero first."""

    def __init__(self, ledger: Ledger, desk: Desk, cycles: Mapping[str, Cycle], clock: Clock) -> None:
        self._ledger, self._desk, self._cycles, self._clock = ledger, desk, cycles, clock
        self._organisations: dict[str, Organisation] = {key: cycle.organisation for key, cycle in cycles.items()}
        self._history: tuple[dt.datetime, list[Day]] | None = None
        self._one_history = threading.Lock()

    def standing(self) -> Sequence[Standing]:
        """Every organisation, in the order of the configuration."""
        ledger, keys, now = self._ledger, list(self._organisations), self._clock()
        books, budgets, bounced = ledger.mirror.all_books(), ledger.budgets.all(), ledger.outbox.bounced()
        census, stopped = ledger.census, ledger.state.held([paused(key) for key in keys])
        counts, owed, undecided = census.counts(keys), census.owed(keys), census.undecided(keys)
        heard_at, mail_error = census.heard_at(keys), census.mail_error(keys)
        return [
            Standing(
                organisation=organisation,
                books=books.get(key, Books()),
                counts=counts[key],
                owed=owed[key],
                undecided=undecided.get(key, 0),
                heard_at=heard_at.get(key),
                paused=stopped.get(paused(key)),
                calls_left=calls_left(budgets.get(key, Budget()), now),
                refused=[one for one in bounced if one.address in organisation.addresses(tuple(Role))],
                mail_error=mail_error.get(key, ""),
            )
            for key, organisation in self._organisations.items()
        ]

    def history(self) -> Sequence[Day]:
        """Milestones by reason at the end of each of the last days, worked out anew every five minutes at most; and of
        today as they stand now, so that the last day agrees with `standing`."""
        with self._one_history:
            now = self._clock()
            if self._history is None or now - self._history[0] >= KEPT:
                self._history = now, self._past(now)
            *before, (today, _) = self._history[1]
        return [*before, (today, self._counts())]

    def milestones(
        self,
        organisations: Collection[str],
        limit: int,
        after: Place,
        reasons: Collection[Reason | None] | None,
        text: str,
    ) -> Sequence[Listed]:
        """Milestones from `after` on, of those organisations that there are."""
        known = [key for key in self._organisations if key in organisations]
        return self._ledger.listing.page(known, limit, after, reasons, text)

    def milestone(self, organisation: str, key: str) -> Story | None:
        """One milestone with all that happened to it."""
        if organisation not in self._organisations:
            return None
        overview, listing = self._ledger.overview, self._ledger.listing
        found = overview.listed(organisation, [key])
        if not found:
            return None
        exempted = [listing.exemptions([organisation], SHOWN_AT_MOST, ended=ended, key=key) for ended in (False, True)]
        return Story(
            organisation=self._organisations[organisation],
            books=self._ledger.mirror.books(organisation),
            listed=found[0],
            sheet=self._desk.stored(organisation, [key]),
            moments=overview.timeline(organisation, key),
            exemptions=[one for some in exempted for one in some],
        )

    def exemptions(self, *, ended: bool) -> Sequence[Exempted]:
        """Exemptions that stand, or the latest that were undone."""
        return self._ledger.listing.exemptions(list(self._organisations), SHOWN_AT_MOST, ended=ended)

    def foresight(self, lock: dt.date | None, days: int) -> Sequence[Foresight]:
        """The forecast of every organisation."""
        return [self._foresight(organisation, lock, days) for organisation in self._organisations.values()]

    def sheet(self, organisation: str, keys: Collection[str]) -> Sheet | None:
        """How these milestones stand, by facts read before."""
        return self._desk.stored(organisation, list(keys)) if organisation in self._organisations else None

    def act(self, organisation: str, keys: Sequence[str], choice: Choice, fingerprint: str) -> Done:
        """Make the choice on facts read just now, if they are those of the fingerprint."""
        return self._desk.decide(organisation, keys, choice, fingerprint)

    def made(self, organisation: str, keys: Sequence[str], shown: str) -> Done | None:
        """What was decided of these milestones on the facts of that fingerprint, and how they stand since."""
        return self._desk.made_of(organisation, keys, shown)

    def find(self, organisation: str, key: str, text: str) -> Bill:
        """The bill that somebody names, read just now."""
        return self._desk.find_for(organisation, key, text)

    def end_exemption(self, organisation: str, key: str, by: str) -> bool:
        """Undo an exemption, and decide the milestone again at once."""
        ended = self._ledger.milestones.end_exemption(organisation, key, by, self._clock())
        if ended:
            self._cycles[organisation].turn()
        return ended

    def _foresight(self, organisation: Organisation, lock: dt.date | None, days: int) -> Foresight:
        now, books = self._clock(), self._ledger.mirror.books(organisation.key)
        today = now.astimezone(ZoneInfo(books.zone)).date()
        seen = if_locked(self._ledger, organisation, lock, now) if lock else None
        return Foresight(organisation, books, seen, unapproved(self._ledger, organisation, today, days))

    def _past(self, now: dt.datetime) -> list[Day]:
        books = self._ledger.mirror.all_books()
        zones = {key: ZoneInfo(books.get(key, Books()).zone) for key in self._organisations}
        turned = self._ledger.listing.turned(zones, now - dt.timedelta(days=HISTORY_DAYS))
        today = max((now.astimezone(zone).date() for zone in zones.values()), default=now.date())
        return past(self._counts(), turned, today)

    def _counts(self) -> dict[Reason | None, int]:
        counts: dict[Reason | None, int] = {}
        for each in self._ledger.census.counts(self._organisations).values():
            for reason, number in each.items():
                counts[reason] = counts.get(reason, 0) + number
        return counts


def past(counts: Mapping[Reason | None, int], turned: Sequence[Turned], today: dt.date) -> list[Day]:
    """How the counts of today came about: the counts at the end of each day before, oldest first.

    A milestone's first verdict is taken for its beginning: before it, it is not counted.
    """
    by_day: dict[dt.date, list[Turned]] = {}
    for turn in turned:
        by_day.setdefault(turn.day, []).append(turn)
    days: list[Day] = []
    now = dict(counts)
    first = min(by_day, default=today)
    for back in range((today - first).days + 1):
        day = today - dt.timedelta(days=back)
        days.append((day, dict(now)))
        for turn in by_day.get(day, ()):
            now[turn.after] = max(0, now.get(turn.after, 0) - turn.number)
            if turn.before:
                now[turn.before] = now.get(turn.before, 0) + turn.number
    return days[::-1]


def office(house: House) -> Office:
    """The office of this house."""
    return Office(house.ledger, house.desk, house.cycles, house.clock)


def dashboard(house: House) -> Dashboard:
    """The dashboard of this house, for the users of its configuration."""
    server = house.config.server
    users = [User(each.name, each.password_hash, each.role == "act") for each in house.config.user]
    keys = KeyRing(house.config.keys.links)
    entrance = Entrance(server.public_url, server.user_header, server.proxies)
    door = Door(users, keys, house.clock, entrance)
    return Dashboard(office(house), door, house.clock)
