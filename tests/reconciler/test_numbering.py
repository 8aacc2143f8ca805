"""A number that did not come is told of; other orders, repetition, a new subscription and skipped numbers are not."""

import datetime as dt
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.numbering import GIVEN_UP, MOST_RUNS, Gap, Numbering, gaps, heard, missing
from reconciler.records import Delivery, Event

NOON = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def delivery(first: int, last: int, at: dt.datetime) -> Delivery:
    return Delivery(
        [Event("tenant", "INVOICE", f"bill {n}", "UPDATE", at) for n in range(first, last + 1)], first, last
    )


def after(*spans: tuple[int, int], held: Numbering | None = None, begin: dt.datetime = NOON) -> Numbering:
    """The numbering after these requests, one a minute; each event happened in the minute in which it came."""
    held = held or Numbering()
    for minute, (first, last) in enumerate(spans):
        at = begin + minute * MINUTE
        held = heard(held, delivery(first, last, at), at)
    return held


def regular(number: int = 40) -> Numbering:
    """So many requests of one event each, numbered from 1 on."""
    return after(*((n, n) for n in range(1, number + 1)))


LATER = NOON + dt.timedelta(hours=3)


def test_what_did_not_come_is_told_of_since_later_ones_did() -> None:
    held = after((44, 44), (45, 50), held=regular(), begin=LATER)
    assert gaps(held, LATER) == [Gap(3, LATER)]


def test_what_comes_late_fills_its_place() -> None:
    held = after((44, 44), (42, 42), held=regular(), begin=LATER)
    assert [gap.number for gap in gaps(held, LATER)] == [1, 1]
    held = heard(held, delivery(41, 43, NOON), LATER + dt.timedelta(hours=20))
    assert gaps(held, LATER) == []
    assert [(run.first, run.last) for run in held.runs] == [(1, 44)]


@given(st.randoms(use_true_random=False), st.integers(20, 40))
def test_no_order_and_no_repetition_of_all_leaves_a_gap(dice, number) -> None:
    sent = [delivery(n, n, NOON + n * MINUTE) for n in range(1, number + 1)]
    came = [*sent, *dice.choices(sent, k=10)]
    dice.shuffle(came)
    held = Numbering()
    for one in came:
        held = heard(held, one, LATER)
    assert gaps(held, LATER) == []
    assert [(run.first, run.last) for run in held.runs] == [(1, number)]
    assert held.anew == 0


@given(st.sets(st.integers(1, 60), min_size=1), st.randoms(use_true_random=False))
def test_runs_are_just_the_numbers_that_came(numbers, dice) -> None:
    order = dice.sample(sorted(numbers), len(numbers))
    held = Numbering()
    for n in order:
        held = heard(held, delivery(n, n, NOON), NOON)
    assert {n for run in held.runs for n in range(run.first, run.last + 1)} == numbers
    assert all(below.last + 1 < above.first for below, above in pairwise(held.runs))


def test_a_new_subscription_begins_anew_and_is_no_gap() -> None:
    held = after((45, 45), held=regular(), begin=LATER)
    assert gaps(held, LATER)
    days = LATER + dt.timedelta(days=1)
    held = after((1, 1), (2, 2), held=held, begin=days)
    assert gaps(held, days) == []
    assert [(run.first, run.last) for run in held.runs] == [(1, 2)]
    assert held.anew == 1


def test_a_first_request_may_have_any_number() -> None:
    assert gaps(after((900, 905)), NOON) == []


def test_xeros_check_of_an_address_has_no_numbers_and_changes_nothing() -> None:
    held = regular()
    assert heard(held, Delivery([], 0, 0), LATER) == held
    assert heard(held, Delivery([], 9, 7), LATER) == held


def test_where_numbers_skip_as_a_rule_a_gap_tells_nothing() -> None:
    held = after(*((3 * n, 3 * n) for n in range(1, 30)))
    assert gaps(held, NOON) == []


def test_where_two_counters_are_mixed_up_a_gap_tells_nothing() -> None:
    held, at = Numbering(), NOON
    for n in range(1, 40):
        at += dt.timedelta(hours=2)
        held = heard(held, delivery(n, n, at), at)
        held = heard(held, delivery(500 + n, 500 + n, at + MINUTE), at + MINUTE)
        assert gaps(held, at) == []


def test_what_nothing_will_fill_any_more_is_given_up() -> None:
    held = after((44, 44), held=regular(), begin=LATER)
    assert gaps(held, LATER + GIVEN_UP - MINUTE)
    assert gaps(held, LATER + GIVEN_UP) == []
    held = heard(held, delivery(45, 45, LATER), LATER + GIVEN_UP)
    assert len(held.runs) == 1
    assert held.lost == 1


def test_what_is_kept_stays_small_whatever_comes() -> None:
    held = after(*((2 * n, 2 * n) for n in range(1, 3 * MOST_RUNS)))
    assert len(held.runs) == MOST_RUNS


def test_the_gaps_of_several_subscriptions_are_told_as_one() -> None:
    one, other = after((43, 43), held=regular(), begin=LATER), after((46, 46), held=regular(), begin=LATER - MINUTE)
    assert missing([one, other, Numbering()], LATER) == Gap(7, LATER - MINUTE)
    assert missing([regular()], LATER) is None
