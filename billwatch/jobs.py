"""The clock's jobs: what is done when, for one organisation or for all, and what wakes what."""

import datetime as dt
import math
import secrets
import threading
from collections.abc import Callable, Collection
from functools import partial

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from billwatch.metrics import Metrics
from billwatch.wiring import House, wall_clock
from reconciler.cycle import Cycle
from reconciler.errors import BillwatchError
from reconciler.ports import Report

DOCUMENTS_SECONDS = 5
REMINDERS_SECONDS = 60
WATCH_SECONDS = 60
# How many organisations are asked about in a second, so that thousands who have nothing to do keep no core busy.
LOOKS_A_SECOND = 1_000
DOCUMENTS_A_SECOND = 100
WOKEN_AT_ONCE = 100
WATCHED_A_SECOND = 10
APART_SECONDS = 0.1
# The threads of what is done for one organisation, and of what is done for all.
OF_ONE, OF_ALL = "default", "common"
MOST_THREADS = 32

log = structlog.get_logger(__name__)


class Turns:
    """Who is next, where more are due than can be woken at once: by name, round and round, from whoever was last.

    So whoever stays due is woken within as many times as it takes to wake everybody, whoever else comes and goes.
    """

    def __init__(self, most: int) -> None:
        self._most, self._last = most, ""

    def next(self, due: Collection[str]) -> list[str]:
        """Whom to wake now, at most so many of those who are due."""
        names = sorted(due)
        some = [*(one for one in names if one > self._last), *(one for one in names if one <= self._last)][: self._most]
        self._last = some[-1] if some else ""
        return some


class Jobs:
    """All jobs of one process: drain, mail and watches, and per organisation tick, sweep and documents."""

    def __init__(self, house: House, metrics: Metrics) -> None:
        self._house, self._metrics = house, metrics
        self._waking, self._expected = threading.Lock(), False
        self._held: set[str] = set()
        self._turns = Turns(WOKEN_AT_ONCE)
        # What is done for all has threads of its own: however many organisations wait for Xero, mail goes out.
        workers = {
            OF_ONE: ThreadPoolExecutor(min(MOST_THREADS, 3 * len(house.cycles))),
            OF_ALL: ThreadPoolExecutor(min(MOST_THREADS, 3 + len(house.config.hook))),
        }
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = BackgroundScheduler(executors=workers, job_defaults=defaults, timezone=dt.UTC, daemon=True)

    def start(self) -> None:
        """Begin with all of them."""
        pace = self._house.config.reconciler
        self._drain = self._every("drain", pace.tick_seconds, self._drained)
        for number, cycle in enumerate(self._house.cycles.values()):
            self._follow(cycle, number)
        self._every("look", self._paced(pace.tick_seconds, LOOKS_A_SECOND), self._look)
        watchman, diary, halted = self._house.watchman(), self._house.diary(), self._house.halt.is_set
        self._every("retention", 24 * 3600, self._house.forget)
        self._every("watch", self._paced(WATCH_SECONDS, WATCHED_A_SECOND), partial(watchman.look, halted))
        couriers = {f"events to {each.endpoint.name}": each for each in self._house.couriers(self._metrics.hooked)}
        for name, courier in couriers.items():
            self._every(name, pace.tick_seconds, courier.deliver)
        postman = self._house.postman()
        if postman:
            self._every("mail", pace.tick_seconds, lambda: self._metrics.mailed(postman.deliver()))
            self._every("reminders", self._paced(REMINDERS_SECONDS, WATCHED_A_SECOND), partial(diary.look, halted))
        self._scheduler.start()

    def halt(self) -> None:
        """From now on nothing new begins."""
        with self._waking:
            self._house.halt.set()

    def stop(self) -> None:
        """Return once all that runs has ended."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def heard(self) -> None:
        """Webhook requests were kept: drain them as soon as things may have been quiet for long enough."""
        with self._waking:
            if self._expected or self._house.halt.is_set() or not self._scheduler.running:
                return
            self._expected = True
            quiet = dt.timedelta(seconds=self._house.config.reconciler.quiet_seconds)
            self._scheduler.add_job(self._drain_expected, "date", run_date=wall_clock() + quiet, executor=OF_ALL)

    def _drain_expected(self) -> None:
        self._expected = False
        self._drain()

    def _follow(self, cycle: Cycle, number: int) -> None:
        """Tick, sweep and documents of one organisation; those of all are spread over time.

        A tick comes whenever the look or a webhook wakes it, and once in a while all the same.
        """
        key, share = cycle.organisation.key, number / len(self._house.cycles)
        seconds = self._house.config.reconciler.sweep_minutes * 60
        after = min(number * APART_SECONDS, share * seconds)
        ticked, swept = self._timed(cycle, "tick", cycle.tick), self._timed(cycle, "sweep", self._swept(cycle))
        self._every(f"tick {key}", seconds, self._turn(ticked), OF_ONE, wakes=["mail"], after=after + seconds)
        self._every(f"sweep {key}", seconds, self._turn(swept), OF_ONE, wakes=["mail"], after=after)
        if clerk := self._house.clerks.get(key):
            often, work = self._paced(DOCUMENTS_SECONDS, DOCUMENTS_A_SECOND), self._in_turn(cycle, clerk.work)
            self._every(f"documents {key}", often, work, OF_ONE, after=share * often)

    def _paced(self, seconds: int, most: int) -> int:
        """So many seconds, or more where else more than so many organisations would be looked at in a second."""
        return max(seconds, math.ceil(len(self._house.cycles) / most))

    def _look(self) -> None:
        """Wake the ticks of organisations that have something to do, and of those that are held until Xero answers.

        Where there are many of them they take turns, so that a webhook need not wait behind all of them.
        """
        self._wake([f"tick {key}" for key in self._turns.next(self._house.due() | self._held)])

    def _drained(self) -> None:
        if drained := self._house.drain():
            self._wake([f"tick {key}" for key in drained.told_of])

    def _every(
        self,
        name: str,
        seconds: int,
        work: Callable[[], object],
        threads: str = OF_ALL,
        *,
        wakes: Collection[str] = (),
        after: float = 0,
    ) -> Callable[[], None]:
        """Work every so many seconds, first after some; when it came to something, the jobs it wakes run at once."""

        def job() -> None:
            if not self._house.halt.is_set() and work():
                self._wake(wakes)

        run, first = guarded(name, job, self._metrics.failed), wall_clock() + dt.timedelta(seconds=after)
        self._scheduler.add_job(run, "interval", seconds=seconds, id=name, next_run_time=first, executor=threads)
        return run

    def _timed(self, cycle: Cycle, kind: str, work: Callable[[], Report | None]) -> Callable[[], Report | None]:
        return lambda: self._metrics.turn(cycle.organisation.key, kind, work)

    def _swept(self, cycle: Cycle) -> Callable[[], Report | None]:
        """A sweep, and word to the outside when it went well."""
        sweep = self._sweep(cycle)

        def swept() -> Report | None:
            report = sweep()
            self._house.beat()
            return report

        return swept

    def _sweep(self, cycle: Cycle) -> Callable[[], Report | None]:
        """A sweep; where others sweep too, only if none of them just has."""
        if not self._house.ledger.shared:
            return lambda: cycle.turn(sweep=True)
        pace = self._house.config.reconciler
        every = dt.timedelta(minutes=pace.sweep_minutes) - dt.timedelta(seconds=pace.tick_seconds)
        return lambda: cycle.sweep(every)

    def _turn(self, work: Callable[[], Report | None]) -> Callable[[], Report | None]:
        """The work, with a line in the log when it came to something."""

        def turn() -> Report | None:
            report = work()
            if report and report.hold:
                self._held.add(report.organisation)
            elif report:
                self._held.discard(report.organisation)
            if report and (report.verdicts or report.hold):
                _tell(report)
            return report

        return turn

    def _in_turn(self, cycle: Cycle, work: Callable[[], object]) -> Callable[[], object]:
        """The work, where others share it only by whoever has the organisation's turn: its limits are one's to keep."""

        def job() -> object:
            if not cycle.lock.acquire(timeout=0):
                return None
            try:
                return work()
            finally:
                cycle.lock.release()

        return job if self._house.ledger.shared else work

    def _wake(self, names: Collection[str]) -> None:
        # Under the lock, since a scheduler that is stopping holds its own while it waits for running jobs.
        with self._waking:
            for job in () if self._house.halt.is_set() else filter(None, map(self._scheduler.get_job, names)):
                job.modify(next_run_time=wall_clock())


def guarded(
    name: str, work: Callable[[], object], failed: Callable[[str], None] = lambda _name: None
) -> Callable[[], None]:
    """The work, such that no failure ends the job: what can be expected is one line, the rest is told in full."""

    def job() -> None:
        # Every line of one run carries its id, down to the calls to Xero.
        with structlog.contextvars.bound_contextvars(run=secrets.token_hex(4)):
            try:
                work()
            except BillwatchError as error:
                failed(name)
                log.warning("job failed", job=name, error=str(error))
            except Exception:
                failed(name)
                log.exception("job failed unexpectedly", job=name)

    return job


def _tell(report: Report) -> None:
    log.info(
        "turn",
        organisation=report.organisation,
        verdicts={reason.value: count for reason, count in report.verdicts.items()},
        created=report.created,
        updated=report.updated,
        refused=report.refused,
        hold=report.hold,
        stopped=report.detail,
    )
