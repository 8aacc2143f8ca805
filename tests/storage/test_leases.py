"""One process at a time has a turn; one that was killed or frozen loses it, and can write no more on its behalf."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from ledger_samples import NOW, ORG, milestone

from reconciler.errors import StorageError
from storage.leases import Leases, SharedTurn
from storage.ledger import Ledger

pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
Open = Callable[[], Ledger]
SHORT = 0.6


@contextmanager
def _process(ledger: Ledger, taken: Callable[[], None] = lambda: None) -> Iterator[tuple[Leases, SharedTurn]]:
    """A process of its own, as far as turns go."""
    leases = Leases(ledger._store, SHORT)
    yield leases, SharedTurn(leases, ledger._store, "organisation trust", taken)
    leases.close()


def test_one_at_a_time_has_the_turn(open_ledger: Open) -> None:
    with _process(open_ledger()) as (_, ours), _process(open_ledger()) as (_, theirs):
        with ours:
            assert ours.holds()
            assert not theirs.acquire(timeout=0)
            assert not theirs.acquire(timeout=0.3)
        assert theirs.acquire(timeout=0)
        assert not ours.acquire(timeout=0)
        theirs.release()


def test_whoever_has_the_turn_may_take_it_again(open_ledger: Open) -> None:
    with _process(open_ledger()) as (_, ours), ours:
        with ours:
            pass
        assert ours.holds()


def test_a_turn_lasts_as_long_as_its_holder_lives(open_ledger: Open) -> None:
    with _process(open_ledger()) as (_, ours), _process(open_ledger()) as (_, theirs), ours:
        assert not theirs.acquire(timeout=2 * SHORT)
        assert ours.holds()


def test_who_was_frozen_has_lost_the_turn_and_writes_no_more(open_ledger: Open) -> None:
    ledger = open_ledger()
    with _process(ledger) as (leases, ours), _process(open_ledger()) as (_, theirs):
        ours.acquire()
        leases.close()  # from now on, nothing moves the end of the turn on
        began = time.monotonic()
        assert theirs.acquire(timeout=10)
        assert time.monotonic() - began < 5 * SHORT
        assert not ours.holds()
        with pytest.raises(StorageError, match="has taken over the turn of “organisation trust”"):
            ledger.milestones.put([milestone()], NOW)
        assert theirs.holds()
        ours.release()
        assert theirs.holds(), "what is given back late is not taken from its new holder"
        theirs.release()
        assert ledger.milestones.put([milestone()], NOW) == (1, 0, 0)
    assert ledger.milestones.dirty_keys(ORG, NOW, 10) == ["M1"]


def test_what_another_process_left_behind_is_read_when_the_turn_comes_back(open_ledger: Open) -> None:
    read: list[str] = []
    with (
        _process(open_ledger(), lambda: read.append("ours")) as (_, ours),
        _process(open_ledger(), lambda: read.append("theirs")) as (_, theirs),
    ):
        for turn in (ours, ours, theirs, ours, ours):
            with turn:
                pass
    assert read == ["theirs", "ours"]


def test_tokens_are_renewed_by_one_process_at_a_time(open_ledger: Open) -> None:
    ours, theirs = open_ledger().tokens, open_ledger().tokens
    with ours.alone("client"):
        assert not theirs.alone("client").acquire(timeout=0)
        with theirs.alone("another"):
            pass
    with theirs.alone("client"):
        assert theirs.put("client", b"blob", 0)
