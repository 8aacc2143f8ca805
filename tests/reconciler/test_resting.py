"""What waits is looked at again soon, and the rarer the longer nothing helps."""

import datetime as dt

import pytest

from reconciler.resting import LONGEST, SHORTEST, Rest

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
MOMENT = dt.timedelta(microseconds=1)
NO_TIME = dt.timedelta(0)


def _ends(rest: Rest, after: dt.timedelta) -> bool:
    """Whether it lasts just so long."""
    return rest.lasts(NOW) and rest.lasts(NOW + after - MOMENT) and not rest.lasts(NOW + after)


def test_before_the_first_turn_and_after_one_that_leaves_nothing_there_is_no_rest() -> None:
    rest = Rest()
    assert not rest.lasts(NOW)
    rest.begin(NOW, LONGEST, held=False, stopped=False)
    assert not rest.lasts(NOW)


@pytest.mark.parametrize(
    ("took", "after"),
    [(NO_TIME, SHORTEST), (SHORTEST, SHORTEST), (3 * SHORTEST, 3 * SHORTEST), (2 * LONGEST, LONGEST)],
)
def test_a_rest_is_at_least_as_long_as_the_turn_was(took: dt.timedelta, after: dt.timedelta) -> None:
    rest = Rest()
    rest.begin(NOW, took, held=True, stopped=False)
    assert _ends(rest, after)


def test_the_longer_writing_fails_the_rarer_it_is_tried() -> None:
    rest = Rest()
    for after in (2 * SHORTEST, 4 * SHORTEST, 8 * SHORTEST):
        rest.begin(NOW, NO_TIME, held=False, stopped=True)
        assert _ends(rest, after)
    for _ in range(100):
        rest.begin(NOW, NO_TIME, held=False, stopped=True)
    assert _ends(rest, LONGEST)
    rest.begin(NOW, NO_TIME, held=True, stopped=False)
    assert _ends(rest, SHORTEST)


def test_what_xero_has_said_counts() -> None:
    rest = Rest()
    rest.limited(NOW, NOW + 10 * LONGEST)
    assert _ends(rest, 10 * LONGEST)
    rest.begin(NOW, NO_TIME, held=True, stopped=False)
    assert _ends(rest, SHORTEST)


def test_a_clock_that_was_set_back_ends_it() -> None:
    rest = Rest()
    rest.begin(NOW, NO_TIME, held=True, stopped=False)
    assert not rest.lasts(NOW - MOMENT)
