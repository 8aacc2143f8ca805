"""The cycle: one function for every waker. Gather, decide, apply; then write what is to be synced.

A webhook, the sweep, a person's choice and the command line all end here, so that all of them decide alike.
"""

import datetime as dt
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile

from msgspec.structs import replace

from reconciler import flag_log
from reconciler.compare import mark
from reconciler.counted import Counted
from reconciler.deciding import Deciders, Here, Question, answered, within_room
from reconciler.deeds import Historian
from reconciler.enclosing import wanted
from reconciler.errors import RateLimited, Temporary
from reconciler.hours import Waits
from reconciler.milestone_port import Notice
from reconciler.model import ZERO, Decision, Link, Milestone, Sifted, Verdict
from reconciler.notes import Annotator
from reconciler.notice import make_notice
from reconciler.organisation import Books, Mode, Organisation
from reconciler.pace import OF_CONTACTS, OF_LISTS, of_rights
from reconciler.ports import Clock, Ledger, Report
from reconciler.push import Pusher, Tally
from reconciler.reading import Reader, missing_accepted
from reconciler.reasons import Action, Reason
from reconciler.recovery import Recovery
from reconciler.resting import Rest
from reconciler.turns import OwnTurn, Turn
from reconciler.xero_port import Xero

CHUNK = 1000
HOUR = dt.timedelta(hours=1)
PATIENCE_SECONDS = 10.0
ALERTS = frozenset(
    {Reason.CONNECTION_LOST, Reason.WRONG_ORGANISATION, Reason.FACTS_STALE, Reason.MASS_CHANGE, Reason.CAP_REACHED}
)


def paused(organisation: str) -> str:
    """The name under which it is remembered that, and by whom, writing was paused."""
    return f"paused:{organisation}"


def go_ahead(organisation: str) -> str:
    """The name under which it is remembered until when the hourly caps are lifted."""
    return f"go-ahead:{organisation}"


def settings(organisation: str) -> str:
    """The name under which it is remembered under which settings milestones were decided last."""
    return f"settings:{organisation}"


class Cycle:
    """One organisation's turns. A turn is for one thread at a time, of all processes; others wait for it.

    Mails wait for more of their kind as `waits` says. Once `halt` is set, nothing more is written to Xero.
    """

    def __init__(
        self,
        organisation: Organisation,
        xero: Xero,
        ledger: Ledger,
        clock: Clock,
        waits: Waits,
        halt: threading.Event,
        jitter: Callable[[], float] = random.random,
        turn: Turn | None = None,
        deciders: Deciders | None = None,
    ) -> None:
        self.organisation = organisation
        self.lock = turn or OwnTurn()
        self.reader = Reader(organisation, xero, ledger, clock, jitter)
        self._xero = xero
        self._key, self._ledger, self._clock, self._waits = organisation.key, ledger, clock, waits
        self._halt = halt
        self._resting = Rest()
        self._deciders = deciders or Here(ledger.milestones)
        self._count = Counted()
        self._pusher = Pusher(organisation, xero, ledger, self.reader, clock, self.decide_again, self.may_write)
        self._annotator = Annotator(self._key, xero, ledger)
        self._historian = Historian(self._key, organisation.history_reads, xero, ledger, clock)
        self._recovery = Recovery(organisation, ledger, self.reader, self._pusher, clock, self.may_write)

    @contextmanager
    def in_person(self) -> Iterator[None]:
        """The organisation's turn for somebody who waits: they get what is left of Xero's limits for people.

        Raises `Temporary` when it is not our turn within seconds.
        """
        if not self.lock.acquire(timeout=PATIENCE_SECONDS):
            raise Temporary("Xero is being read and written for this organisation right now; try again in a minute.")
        try:
            with self._xero.for_person():
                yield
        finally:
            self.lock.release()

    def look(self, keys: Sequence[str]) -> list[Decision]:
        """`refresh` for a person who is about to act on it: raises `RateLimited` when Xero could not be asked."""
        decisions = self.refresh(keys)
        if isinstance(self.reader.trouble, RateLimited):
            raise self.reader.trouble
        return decisions

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The organisation's turn; at its end it is kept what its calls to Xero have cost."""
        with self.lock:
            try:
                yield
            finally:
                self._xero.settle()

    def turn(self, *, sweep: bool = False) -> Report:
        """Bring milestones and bills in step, as far as that can be done now.

        1. read what changed in Xero; 2. settle what earlier writes left open; 3. decide every milestone whose facts
        changed; 4. write what is to be synced, and decide it once more on what Xero then holds.
        """
        with self._alone():
            began, tally = self._clock(), Tally()
            count = self._count = Counted()
            self._follow_settings()
            self._read(sweep)
            self._recovery.settle()
            self._pusher.verify(tally)
            self._decide_dirty(count)
            written = self._pusher.push()
            self._decide_dirty(count)
            self._annotate(written)
            self._historian.ask()
            self._alert(written)
            self._rest(count, written, began)
            return self._report(count, written, tally)

    def refresh(self, keys: Sequence[str]) -> list[Decision]:
        """Read the organisation and these milestones' bills now, and decide on that; nothing is written to Xero."""
        with self._alone():
            decisions = self._ledger.milestones.standing(self._key, keys)
            reasons = {d.verdict.reason for d in decisions}
            asked = {"lists": OF_LISTS, "contacts": OF_CONTACTS, "rights": of_rights(self.organisation)}
            bills = [bill_id for d in decisions for bill_id in d.case.link.bill_ids]
            self.reader.refresh(organisation=True, **{name: bool(reasons & set(of)) for name, of in asked.items()})
            if self.reader.trouble is None:
                self.reader.read(bills)
            return self.decide_again(keys)

    def confirm(self) -> None:
        """A person says that what is held is meant: the caps are lifted for an hour, missing bills count as missing."""
        with self.lock:
            self._ledger.state.put(go_ahead(self._key), (self._clock() + HOUR).isoformat())
            self._ledger.state.put(missing_accepted(self._key), str(self._ledger.mirror.missing_count(self._key)))
            self._ledger.milestones.touch(self._key)

    def preview(self, wished: Milestone) -> Decision:
        """What would be decided if the platform said this of the milestone, by the facts read last; nothing is kept."""
        case = self._ledger.milestones.wished(wished, self.organisation.policy.near_days)
        return self._question([wished.key], self.books()).decide(case)

    def rehearse(self) -> list[Decision]:
        """What a turn would decide anew after a complete sweep; nothing but the mirror is written, and no verdict."""
        with self._alone():
            self.reader.sweep()
            near, decisions = self.organisation.policy.near_days, []
            for question in self._questions(self.books()):
                cases = self._ledger.milestones.gather(self._key, question.keys, near)
                decisions += [question.decide(case) for case in cases]
            return decisions

    def tick(self) -> Report | None:
        """A turn, if one would find something to do other than wait, and nobody has it; called every second or so."""
        if not self._wanted() or not self.lock.acquire(timeout=0):
            return None
        try:  # whoever had the turn just now may have left nothing to do
            return self.turn(sweep=self._blind()) if self._wanted() else None
        finally:
            self.lock.release()

    def sweep(self, every: dt.timedelta) -> Report | None:
        """A turn with a sweep, unless somebody has swept within that time."""
        swept_at = self._ledger.mirror.books(self._key).swept_at
        return None if swept_at and self._clock() - swept_at < every else self.turn(sweep=True)

    def _wanted(self) -> bool:
        return self.reader.may_try() and (self._blind() or self._due())

    def _blind(self) -> bool:
        """Whether we are held up by not having read Xero, so that reading is what helps."""
        books, fresh = self._ledger.mirror.books(self._key), self.organisation.policy.fresh_minutes
        stale = books.swept_at is None or self._clock() - books.swept_at > dt.timedelta(minutes=fresh)
        return stale or books.hold in (Reason.XERO_UNAVAILABLE, Reason.CONNECTION_LOST)

    def _due(self) -> bool:
        mirror, now = self._ledger.mirror, self._clock()
        if mirror.dirty_bills(self._key, limit=1):
            return True
        if self._resting.lasts(now):
            return False
        if mirror.linked_unread(self._key, limit=1):
            return True
        milestones = self._ledger.milestones
        if milestones.dirty_keys(self._key, now, limit=1) or self._ledger.attempts.open(self._key):
            return True
        return self._writes() and bool(milestones.ready(self._key, limit=1))

    def books(self) -> Books:
        """The books as the decision sees them: with a person's pause, and the room under the caps."""
        books = self._ledger.mirror.books(self._key)
        by = self._ledger.state.get(paused(self._key))
        if by is not None:
            books = replace(books, hold=Reason.PAUSED, hold_detail=by)
        return self._with_room(books)

    def decide_again(self, keys: Sequence[str]) -> list[Decision]:
        """Decide these milestones on the mirror as it is now; how they then stand."""
        books = self.books()
        self._keep(answered(self._ledger.milestones, self._question(keys, books)), books, self._count)
        return self._ledger.milestones.standing(self._key, keys)

    def _follow_settings(self) -> None:
        """What was decided under other settings is decided anew."""
        ours = self.organisation
        silent = replace(ours, people={}, persons=(), reply_to="", lock_day=0)
        now = mark(replace(silent, sync_points=frozenset()), sorted(ours.sync_points))
        if self._ledger.state.get(settings(self._key)) != now:
            self._ledger.milestones.touch(self._key)
            self._ledger.state.put(settings(self._key), now)

    def _read(self, sweep: bool) -> None:
        if sweep:
            self.reader.sweep()
        elif self.reader.may_try():
            self.reader.catch_up()

    def _decide_dirty(self, count: Counted) -> None:
        count.leave_held()
        books = self.books()
        questions = takewhile(lambda asked: self._goes_on(asked.books), self._questions(books))
        for sifted in self._deciders.answer(questions):
            books = self._keep(sifted, books, count)

    def _goes_on(self, books: Books) -> bool:
        """Whether it is of use to decide on: what is marked stays so on halting, and when the books have moved on."""
        return not self._halt.is_set() and self._ledger.mirror.books(self._key).version == books.version

    def _questions(self, books: Books) -> Iterator[Question]:
        """What is marked, a portion at a time."""
        milestones, after = self._ledger.milestones, ""
        while keys := milestones.dirty_keys(self._key, self._clock(), CHUNK, after):
            yield self._question(keys, books)
            after = keys[-1]

    def _question(self, keys: Sequence[str], books: Books) -> Question:
        return Question(self.organisation, books, tuple(keys), self._clock())

    def _keep(self, sifted: Sifted, books: Books, count: Counted) -> Books:
        """Keep what was decided; the books with what the new bills take of the room under the caps."""
        now = self._clock()
        sifted, books = within_room(sifted, self.organisation, books, now)
        if self.organisation.attach_documents and (papers := wanted(sifted.news)):
            self._ledger.enclosures.owe(self._key, papers, now)
        applied = self._ledger.milestones.keep(self._key, sifted, self.notice(), now)
        flag_log.tell(applied)
        count.add(sifted, applied)
        return books

    def notice(self) -> Notice:
        """Who is mailed about which reason, and when: after others had time to join, and when they want it."""
        now, zone = self._clock(), self._ledger.mirror.books(self._key).zone
        return make_notice(self.organisation, zone, self._ledger.outbox.shut(now), self._waits, now)

    def _annotate(self, written: Tally) -> None:
        if self.organisation.history_notes and not written.stopped and self.may_write():
            self._annotator.write()

    def may_write(self) -> bool:
        """Whether anything may be written to Xero now."""
        return self._writes() and self.lock.holds()

    def _writes(self) -> bool:
        if self._halt.is_set() or self.organisation.mode is not Mode.SYNC:
            return False
        return self._ledger.state.get(paused(self._key)) is None

    def _with_room(self, books: Books) -> Books:
        policy, now = self.organisation.policy, self._clock()
        lifted = self._ledger.state.get(go_ahead(self._key))
        if lifted and now < dt.datetime.fromisoformat(lifted):
            return books
        made = [e.write.terms.total for e in self._ledger.attempts.written_since(self._key, now - HOUR)]
        money = policy.new_money_per_hour
        return replace(
            books,
            room=policy.new_bills_per_hour - len(made),
            room_money=None if money is None else money - sum(made, ZERO),
        )

    def _rest(self, count: Counted, written: Tally, began: dt.datetime) -> None:
        now = self._clock()
        if written.limited_until is not None:
            self._resting.limited(now, written.limited_until)
        else:
            self._resting.begin(now, now - began, held=count.held, stopped=bool(written.stopped))

    def _alert(self, written: Tally) -> None:
        """Tell the organisation's people once about a hold that lasts, and end it when it is over."""
        books, now = self._ledger.mirror.books(self._key), self._clock()
        if written.lost:
            books = replace(books, hold=Reason.CONNECTION_LOST, hold_detail=written.stopped.rstrip("."))
        fresh = dt.timedelta(minutes=self.organisation.policy.fresh_minutes)
        reasons = {books.hold} & ALERTS
        if books.swept_at is not None and now - books.swept_at > fresh and not reasons:
            reasons = {Reason.FACTS_STALE}
        if self._ledger.milestones.any_under(self._key, [Reason.CAP_REACHED]):
            reasons |= {Reason.CAP_REACHED}
        for reason in filter(None, reasons):
            verdict = Verdict(Action.HOLD, reason, Link(), message=books.hold_detail)
            self._ledger.milestones.raise_alert(self._key, verdict, self.notice(), now)
        self._ledger.milestones.clear_alerts(self._key, [r for r in reasons if r], self.notice(), now)

    def _report(self, count: Counted, written: Tally, before: Tally) -> Report:
        hold = self.books().hold
        return Report(
            organisation=self._key,
            verdicts=dict(+count.verdicts),
            created=written.created,
            updated=written.updated,
            refused=written.refused + before.refused,
            opened=tuple(count.opened),
            closed=tuple(count.closed),
            hold=hold,
            detail=written.stopped or str(self.reader.trouble or ""),
        )
