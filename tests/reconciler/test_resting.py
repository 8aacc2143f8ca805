"""What waits is looked at again soon, and the rarer the more it is and the longer nothing helps."""

import datetime as dt

import pytest

from reconciler.resting import LONGEST, SHORTEST, Rest

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
MOMENT = dt.timedelta(microseconds=1)


def _ends(rest: Rest, after: dt.timedelta) -> bool:
    """Whether it lasts just so long."""
    return rest.lasts(1, NOW + after - MOMENT) and not rest.lasts(1, NOW + after)


def test_before_the_first_turn_and_after_one_that_leaves_nothing_there_is_no_rest() -> None:
    rest = Rest()
    assert not rest.lasts(0, NOW)
    rest.begin(0, 1, NOW, stopped=False)
    assert not rest.lasts(1, NOW)


@pytest.mark.parametrize(
    ("held", "after"),
    [
        (1, SHORTEST),
        (30_000, SHORTEST),
        (60_000, 2 * SHORTEST),
        (1_000_000, dt.timedelta(seconds=500)),
        (50_000_000, LONGEST),
    ],
)
def test_the_more_is_on_hold_the_longer_it_is_left_alone(held: int, after: dt.timedelta) -> None:
    rest = Rest()
    rest.begin(held, 1, NOW, stopped=False)
    assert _ends(rest, after)


def test_the_longer_writing_fails_the_rarer_it_is_tried() -> None:
    rest = Rest()
    for after in (2 * SHORTEST, 4 * SHORTEST, 8 * SHORTEST):
        rest.begin(0, 1, NOW, stopped=True)
        assert _ends(rest, after)
    for _ in range(100):
        rest.begin(0, 1, NOW, stopped=True)
    assert _ends(rest, LONGEST)
    rest.begin(1, 1, NOW, stopped=False)
    assert _ends(rest, SHORTEST)


def test_what_xero_has_said_counts_and_tries_are_not_counted_for_it() -> None:
    rest = Rest()
    rest.limited(NOW + 10 * LONGEST, 1)
    assert _ends(rest, 10 * LONGEST)
    rest.begin(1, 1, NOW, stopped=False)
    assert _ends(rest, SHORTEST)


def test_a_rest_ends_once_the_books_move_on() -> None:
    rest = Rest()
    rest.begin(1, 1, NOW, stopped=False)
    assert not rest.lasts(2, NOW)
