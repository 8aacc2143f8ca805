"""Who writes next: one at a time, those in line in turn, those in haste before them."""

import threading
import time

import pytest

from reconciler.errors import StorageError
from storage.turnstile import Turnstile

PATIENCE = 10


def test_whoever_is_in_haste_goes_before_all_who_stand_in_line() -> None:
    turnstile, order, inside, leave = Turnstile(), list[str](), threading.Event(), threading.Event()

    def first() -> None:
        with turnstile.in_line(PATIENCE):
            inside.set()
            assert leave.wait(PATIENCE)
        with turnstile.in_line(PATIENCE):
            order.append("again")

    def slow(name: str) -> None:
        with turnstile.in_line(PATIENCE):
            order.append(name)

    def hasty() -> None:
        with turnstile.ahead(PATIENCE):
            order.append("hasty")

    holder = threading.Thread(target=first)
    holder.start()
    assert inside.wait(PATIENCE)
    hurrying = threading.Thread(target=hasty)
    hurrying.start()
    deadline = time.monotonic() + PATIENCE
    while not turnstile._next.locked():
        assert time.monotonic() < deadline, "whoever is in haste does not stand next"
        time.sleep(0.001)
    others = [threading.Thread(target=slow, args=(name,)) for name in "ab"]
    for other in others:
        other.start()
    leave.set()
    for thread in (holder, hurrying, *others):
        thread.join(PATIENCE)
    assert (order[0], sorted(order[1:])) == ("hasty", ["a", "again", "b"])


def test_one_writes_at_a_time() -> None:
    turnstile, writing, most = Turnstile(), 0, 0

    def write(hasty: bool) -> None:
        nonlocal writing, most
        for _ in range(200):
            with turnstile.ahead(PATIENCE) if hasty else turnstile.in_line(PATIENCE):
                writing += 1
                most = max(most, writing)
                writing -= 1

    threads = [threading.Thread(target=write, args=(hasty,)) for hasty in (True, False, False, True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert (most, writing) == (1, 0)


def test_waiting_has_an_end_and_leaves_the_way_free() -> None:
    turnstile = Turnstile()
    for turn in (turnstile.ahead, turnstile.in_line):
        with turnstile.ahead(PATIENCE), pytest.raises(StorageError, match=r"not been free for 0\.01 s"), turn(0.01):
            raise AssertionError("somebody else is inside")
    with turnstile.ahead(PATIENCE):
        pass
    with turnstile.in_line(PATIENCE):
        pass


def test_whoever_fails_inside_leaves_the_way_free() -> None:
    turnstile = Turnstile()
    for turn in (turnstile.in_line, turnstile.ahead):
        with pytest.raises(ValueError, match="failed"), turn(PATIENCE):
            raise ValueError("failed")
    with turnstile.in_line(PATIENCE):
        pass
