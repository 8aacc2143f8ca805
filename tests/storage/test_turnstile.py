"""Who writes next: one at a time, those in line in turn, those in haste before them."""

import threading

import pytest

from storage.turnstile import Turnstile

PATIENCE = 10


def test_whoever_is_in_haste_goes_before_all_who_stand_in_line() -> None:
    turnstile, order, inside, leave = Turnstile(), list[str](), threading.Event(), threading.Event()

    def first() -> None:
        with turnstile.in_line():
            inside.set()
            assert leave.wait(PATIENCE)

    def slow(name: str) -> None:
        with turnstile.in_line():
            order.append(name)

    def hasty() -> None:
        with turnstile.ahead(PATIENCE):
            order.append("hasty")

    holder = threading.Thread(target=first)
    holder.start()
    assert inside.wait(PATIENCE)
    hurrying = threading.Thread(target=hasty)
    hurrying.start()
    while not turnstile._next.locked():  # the hasty one is next
        threading.Event().wait(0.001)
    others = [threading.Thread(target=slow, args=(name,)) for name in "ab"]
    for other in others:
        other.start()
    leave.set()
    for thread in (holder, hurrying, *others):
        thread.join(PATIENCE)
    assert (order[0], sorted(order[1:])) == ("hasty", ["a", "b"])


def test_one_writes_at_a_time() -> None:
    turnstile, writing, most = Turnstile(), 0, 0

    def write(hasty: bool) -> None:
        nonlocal writing, most
        for _ in range(200):
            with turnstile.ahead(PATIENCE) if hasty else turnstile.in_line():
                writing += 1
                most = max(most, writing)
                writing -= 1

    threads = [threading.Thread(target=write, args=(hasty,)) for hasty in (True, False, False, True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert (most, writing) == (1, 0)


def test_haste_has_an_end_and_leaves_the_way_free() -> None:
    turnstile = Turnstile()
    with turnstile.in_line(), pytest.raises(TimeoutError, match="too long"), turnstile.ahead(0.01):
        raise AssertionError("somebody else is inside")
    with turnstile.ahead(PATIENCE):
        pass
    with turnstile.in_line():
        pass


def test_whoever_fails_inside_leaves_the_way_free() -> None:
    turnstile = Turnstile()
    for turn in (turnstile.in_line, lambda: turnstile.ahead(PATIENCE)):
        with pytest.raises(ValueError, match="failed"), turn():
            raise ValueError("failed")
    with turnstile.in_line():
        pass
