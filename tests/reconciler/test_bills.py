"""How far a bill is, and what its lines say taken together, in the shape in which it is compared."""

import pytest
from case_builders import a_bill, a_line, coded, two_lines
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model import Sense, Status

PAIRS = st.tuples(st.sampled_from(["Fund", "Region", "Team"]), st.sampled_from(["Arts", "North", ""]))


@pytest.mark.parametrize("status", Status)
def test_a_bill_waits_for_approval_or_is_firm_or_has_ended(status: Status) -> None:
    assert [status.unapproved, status.firm, not status.live].count(True) == 1


def test_a_bill_without_lines_says_nothing() -> None:
    said = a_bill(lines=()).terms(Sense.INCLUSIVE)
    assert (said.description, said.account, said.tax, said.tracking, said.lines) == ("", "", "", (), 0)


def test_several_lines_say_what_each_of_them_does_once() -> None:
    said = two_lines().terms(Sense.INCLUSIVE)
    assert (said.description, said.account, said.tax, said.lines) == ("Second stage, Travel", "480, 429", "NONE", 2)


def test_a_line_that_leaves_something_open_adds_nothing() -> None:
    bill = two_lines()
    blank = a_line(description="", account="", tax="")
    assert replace(bill, lines=(blank, *bill.lines)).terms(Sense.INCLUSIVE) == replace(
        bill.terms(Sense.INCLUSIVE), lines=3
    )


@given(st.lists(PAIRS))
def test_a_line_says_the_same_in_whatever_order_its_tracking_comes(pairs: list[tuple[str, str]]) -> None:
    said = coded(tracking=tuple(pairs)).terms(Sense.INCLUSIVE)
    assert said.tracking == tuple(sorted(set(pairs)))


@given(st.lists(PAIRS), st.integers(2, 4))
def test_a_line_that_is_split_says_what_the_whole_one_did(pairs: list[tuple[str, str]], parts: int) -> None:
    line = a_line(tracking=tuple(pairs))
    whole, split = (a_bill(lines=lines).terms(Sense.INCLUSIVE) for lines in ((line,), (line,) * parts))
    assert replace(split, lines=1) == whole
