"""Xero's limits are never run into twice, and nobody sleeps for long."""

import datetime as dt
import threading

import pytest

from reconciler.errors import RateLimited
from reconciler.xero.limits import AT_ONCE, Limits
from reconciler.xero.usage import Spent, Usage

from .conftest import START, Clock

SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def limits(clock: Clock, waits: list[float]) -> Limits:
    return Limits(clock, waits.append, patience_seconds=5.0, day_reserve=50, jitter=lambda: 0.5)


def left(minute: int = 59, day: int = 900, app: int = 9_000) -> dict[str, str]:
    return {
        "x-minlimit-remaining": str(minute),
        "x-daylimit-remaining": str(day),
        "x-appminlimit-remaining": str(app),
    }


def call(limits: Limits, *, writes: bool = False) -> None:
    with limits.slot(writes=writes):
        pass


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


def test_a_short_wait_is_waited_out(limits: Limits, clock: Clock, waits: list[float]) -> None:
    limits.learn(left(minute=5))
    clock.advance(57)
    limits.learn(left(minute=0))
    call(limits)
    assert waits == [3.0]


def test_the_last_calls_of_a_day_are_kept_for_writes(limits: Limits) -> None:
    limits.learn(left(day=50))
    with pytest.raises(RateLimited):
        call(limits)
    call(limits, writes=True)


def test_a_used_up_day_stops_writes_too_and_is_looked_at_again_after_an_hour(limits: Limits, clock: Clock) -> None:
    limits.learn(left(day=0))
    with pytest.raises(RateLimited) as caught:
        call(limits, writes=True)
    assert caught.value.retry_at == START + dt.timedelta(hours=1)
    clock.advance(3_600)
    call(limits, writes=True)


def test_a_fresh_day_opens_at_once(limits: Limits) -> None:
    limits.learn(left(day=0))
    limits.learn(left(day=5_000))
    call(limits)


def test_the_apps_own_minute_counts_as_well(limits: Limits) -> None:
    limits.learn(left(app=0))
    with pytest.raises(RateLimited):
        call(limits)


@pytest.mark.parametrize("seconds", [22, 66_975])
def test_retry_after_is_honoured(limits: Limits, clock: Clock, seconds: int) -> None:
    refusal = limits.refused({"retry-after": str(seconds), "x-rate-limit-problem": "day"}, "corr-1")
    assert (refusal.retry_at, refusal.correlation) == (START + seconds * SECOND, "corr-1")
    with pytest.raises(RateLimited):
        call(limits)
    clock.advance(seconds)
    call(limits)


def test_too_many_at_once_is_over_after_a_moment(limits: Limits, waits: list[float]) -> None:
    limits.refused({"x-rate-limit-problem": "concurrent"}, "")
    call(limits)
    assert waits == [1.0]


@pytest.mark.parametrize("problem", ["minute", "appminute", "app-minute"])
def test_a_minute_breach_without_retry_after_is_taken_for_a_minute(limits: Limits, problem: str) -> None:
    assert limits.refused({"x-rate-limit-problem": problem}, "").retry_at == START + 60 * SECOND


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


def test_never_more_than_five_calls_are_under_way(limits: Limits) -> None:
    inside, most, lock = 0, 0, threading.Lock()
    full = threading.Barrier(AT_ONCE)

    def work() -> None:
        nonlocal inside, most
        with limits.slot(writes=False):
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
    for _ in range(AT_ONCE + 1):
        with pytest.raises(ZeroDivisionError), limits.slot(writes=False):
            raise ZeroDivisionError


def test_calls_and_bytes_are_counted_by_operation() -> None:
    usage = Usage()
    usage.count("bills", 100)
    usage.count("bills", 50)
    usage.count("accounts", 7)
    assert usage.snapshot() == {"accounts": Spent(1, 7), "bills": Spent(2, 150)}
