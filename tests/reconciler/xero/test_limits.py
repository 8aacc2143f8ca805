"""Xero's limits are never run into twice, and nobody sleeps for long."""

import datetime as dt
import threading
from collections.abc import Mapping

import pytest

from reconciler.errors import RateLimited
from reconciler.xero.limits import AT_ONCE, MINUTE_RESERVE, Limits, for_person
from reconciler.xero.purse import Purse
from reconciler.xero.usage import Usage
from reconciler.xero.windows import Windows
from reconciler.xero_port import Budget, Spent, Window

from .conftest import START, Clock

SECOND = dt.timedelta(seconds=1)


class Kept:
    """A store that holds what it is told; `writes` counts how often that was."""

    def __init__(self) -> None:
        self.budgets: dict[str, Budget] = {}
        self.spent: dict[tuple[dt.date, str], Spent] = {}
        self.writes = 0

    def budget(self, name: str) -> Budget:
        return self.budgets.get(name, Budget())

    def keep(
        self, budgets: Mapping[str, Budget], organisation: str, spent: Mapping[tuple[dt.date, str], Spent]
    ) -> None:
        assert organisation == "trust"
        self.writes += 1
        self.budgets |= budgets
        for name, one in spent.items():
            before = self.spent.get(name, Spent())
            self.spent[name] = Spent(before.calls + one.calls, before.bytes + one.bytes)


@pytest.fixture
def limits(clock: Clock, waits: list[float]) -> Limits:
    return made(clock, waits)


def made(clock: Clock, waits: list[float], *, own: Budget | None = None, app: Windows | None = None) -> Limits:
    def wait(seconds: float) -> None:
        waits.append(seconds)
        clock.advance(seconds)

    return Limits(
        clock, wait, own=Windows(own or Budget()), app=app, patience_seconds=5.0, day_reserve=50, jitter=lambda: 0.5
    )


def left(minute: int = 59, day: int = 900, app: int = 9_000) -> dict[str, str]:
    return {
        "x-minlimit-remaining": str(minute),
        "x-daylimit-remaining": str(day),
        "x-appminlimit-remaining": str(app),
    }


def call(limits: Limits) -> None:
    with limits.slot():
        pass


def call_for_person(limits: Limits) -> None:
    with for_person():
        call(limits)


def test_before_anything_is_known_calls_are_made(limits: Limits, waits: list[float]) -> None:
    call(limits)
    assert waits == []


def test_a_used_up_minute_ends_at_the_latest_a_minute_after_we_first_saw_it(limits: Limits, clock: Clock) -> None:
    limits.learn(left(minute=59))
    clock.advance(40)
    limits.learn(left(minute=0))
    with pytest.raises(RateLimited) as caught:
        call(limits)
    assert caught.value.retry_at == START + 60 * SECOND
    clock.advance(20)
    call(limits)


def test_a_new_minute_begins_when_more_is_left_than_before(limits: Limits, clock: Clock) -> None:
    limits.learn(left(minute=10))
    clock.advance(50)
    limits.learn(left(minute=59))
    limits.learn(left(minute=0))
    with pytest.raises(RateLimited) as caught:
        call(limits)
    assert caught.value.retry_at == START + 110 * SECOND


def test_an_answer_that_was_overtaken_by_a_later_one_opens_nothing(limits: Limits, clock: Clock) -> None:
    with limits.slot(), limits.slot():
        limits.learn(left(minute=MINUTE_RESERVE))
        clock.advance(1)
        limits.learn(left(minute=MINUTE_RESERVE + 1))
    with pytest.raises(RateLimited):
        call(limits)


def test_calls_under_way_count_as_used(limits: Limits) -> None:
    limits.learn(left(minute=MINUTE_RESERVE + 2))
    with limits.slot(), limits.slot(), pytest.raises(RateLimited):
        call(limits)
    call(limits)


def test_a_short_wait_is_waited_out(limits: Limits, clock: Clock, waits: list[float]) -> None:
    limits.learn(left(minute=50))
    clock.advance(57)
    limits.learn(left(minute=0))
    call(limits)
    assert waits == [3.0]


def test_who_may_not_wait_is_told_at_once(limits: Limits, clock: Clock, waits: list[float]) -> None:
    limits.learn(left(minute=50))
    clock.advance(57)
    limits.learn(left(minute=0))
    with pytest.raises(RateLimited), limits.slot(2.0):
        pass
    assert waits == []


@pytest.mark.parametrize("found", [left(day=50), left(minute=MINUTE_RESERVE)])
def test_the_last_calls_of_a_day_and_of_a_minute_are_kept_for_people(limits: Limits, found: dict[str, str]) -> None:
    limits.learn(found)
    with pytest.raises(RateLimited, match="kept for people"):
        call(limits)
    call_for_person(limits)
    with pytest.raises(RateLimited):
        call(limits)


@pytest.mark.parametrize("found", [left(day=51), left(minute=MINUTE_RESERVE + 1)])
def test_above_the_floor_nobody_is_held_up(limits: Limits, found: dict[str, str]) -> None:
    limits.learn(found)
    call(limits)


def test_a_used_up_day_stops_people_too_and_is_looked_at_again_after_an_hour(limits: Limits, clock: Clock) -> None:
    limits.learn(left(day=0))
    with pytest.raises(RateLimited, match="day limit is used up until") as caught:
        call_for_person(limits)
    assert caught.value.retry_at == START + dt.timedelta(hours=1)
    clock.advance(3_600)
    call(limits)


def test_a_fresh_day_opens_at_once(limits: Limits) -> None:
    limits.learn(left(day=0))
    limits.learn(left(day=5_000))
    call(limits)


def test_the_apps_minute_is_shared_by_its_organisations(clock: Clock, waits: list[float]) -> None:
    app = Windows(Budget())
    one, two, other = made(clock, waits, app=app), made(clock, waits, app=app), made(clock, waits)
    one.learn(left(app=0))
    for limits in (one, two):
        with pytest.raises(RateLimited, match="app minute"):
            call(limits)
    call(other)
    clock.advance(60)
    call(two)


def test_a_429_of_the_app_stops_all_its_organisations(clock: Clock, waits: list[float]) -> None:
    app = Windows(Budget())
    one, two = made(clock, waits, app=app), made(clock, waits, app=app)
    one.refused({"retry-after": "30", "x-rate-limit-problem": "appminute"}, "")
    with pytest.raises(RateLimited):
        call(two)


@pytest.mark.parametrize("seconds", [22, 66_975])
def test_retry_after_is_honoured(limits: Limits, clock: Clock, seconds: int) -> None:
    refusal = limits.refused({"retry-after": str(seconds), "x-rate-limit-problem": "day"}, "corr-1")
    assert (refusal.retry_at, refusal.correlation) == (START + seconds * SECOND, "corr-1")
    with pytest.raises(RateLimited):
        call_for_person(limits)
    clock.advance(seconds)
    call(limits)


def test_too_many_at_once_is_over_after_a_moment_and_longer_each_time(limits: Limits, waits: list[float]) -> None:
    for _ in range(3):
        limits.refused({"x-rate-limit-problem": "concurrent"}, "")
        call(limits)
    assert waits == [1.0, 2.0, 4.0]
    limits.learn(left())
    limits.refused({}, "")
    call(limits)
    assert waits[3:] == [1.0]


@pytest.mark.parametrize(
    ("problem", "seconds"), [("minute", 60), ("appminute", 60), ("app-minute", 60), ("day", 3_600)]
)
def test_a_breach_without_retry_after_is_taken_for_as_long_as_its_window(
    limits: Limits, problem: str, seconds: int
) -> None:
    assert limits.refused({"x-rate-limit-problem": problem}, "").retry_at == START + seconds * SECOND


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "\u0663x", "9" * 40])
def test_headers_that_are_no_numbers_change_nothing(limits: Limits, text: str) -> None:
    limits.learn({"x-minlimit-remaining": text, "x-daylimit-remaining": text})
    call(limits)
    assert limits.remaining().minute is None


def test_what_is_left_can_be_told(limits: Limits) -> None:
    limits.learn(left(minute=0, day=800))
    found = limits.remaining()
    assert (found.minute, found.day, found.app_minute) == (0, 800, 9_000)
    assert found.opens_at == START + 60 * SECOND


def test_what_was_kept_before_a_restart_holds_after_it(clock: Clock, waits: list[float], limits: Limits) -> None:
    limits.learn(left(day=0))
    limits.refused({"retry-after": "7200", "x-rate-limit-problem": "day"}, "")
    again = made(clock, waits, own=limits.budgets()[0])
    with pytest.raises(RateLimited) as caught:
        call(again)
    assert caught.value.retry_at == START + 7_200 * SECOND


@pytest.mark.parametrize("began", [START - dt.timedelta(days=2), START + dt.timedelta(hours=1)])
def test_a_window_of_long_ago_or_of_a_clock_set_back_is_not_believed(
    clock: Clock, waits: list[float], began: dt.datetime
) -> None:
    call(made(clock, waits, own=Budget({"day": Window(0, began, began)})))


def test_never_more_than_five_calls_are_under_way(limits: Limits) -> None:
    inside, most, lock = 0, 0, threading.Lock()
    full = threading.Barrier(AT_ONCE)

    def work() -> None:
        nonlocal inside, most
        with limits.slot():
            with lock:
                inside += 1
                most = max(most, inside)
            full.wait(5)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(AT_ONCE * 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == AT_ONCE


def test_a_failed_call_gives_its_place_back(limits: Limits) -> None:
    limits.learn(left(minute=MINUTE_RESERVE + 1))
    for _ in range(AT_ONCE + 1):
        with pytest.raises(ZeroDivisionError), limits.slot():
            raise ZeroDivisionError


def test_calls_and_bytes_are_counted_by_operation_and_day(clock: Clock) -> None:
    usage, today = Usage(clock), START.date()
    usage.count("bills", 100)
    usage.count("bills", 50)
    assert usage.take() == {(today, "bills"): Spent(2, 150)}
    clock.advance(86_400)
    usage.count("bills", 1)
    usage.count("accounts", 7)
    tomorrow = today + dt.timedelta(days=1)
    assert usage.take() == {(tomorrow, "bills"): Spent(1, 1), (tomorrow, "accounts"): Spent(1, 7)}
    assert usage.take() == {}
    assert usage.snapshot() == {"accounts": Spent(1, 7), "bills": Spent(3, 151)}


def test_what_has_not_changed_is_not_kept_again(limits: Limits, clock: Clock) -> None:
    store, usage = Kept(), Usage(clock)
    purse = Purse("trust", "app:id", limits, usage, store)
    purse.settle()
    limits.learn(left(day=700))
    usage.count("bills", 10)
    purse.settle()
    purse.settle()
    assert store.writes == 2
    assert store.budgets["trust"].windows["day"].left == 700
    assert store.budgets["app:id"].windows["app minute"].left == 9_000
    assert store.spent == {(START.date(), "bills"): Spent(1, 10)}
