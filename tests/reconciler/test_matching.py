"""Which bills may be a milestone's: what is proposed, how sure it is, and in which words."""

import datetime as dt
from decimal import Decimal

import pytest
from case_builders import BILL_ID, URL, a_bill, a_milestone, an_organisation, day, exempt, some_books, unbilled

from reconciler.matching import Match, matchable, matches, reason_in_words
from reconciler.model import Bill, Case, Link
from reconciler.reasons import Reason

BOOKS = some_books()
OURS = an_organisation()


def found(case: Case | list[Case], *bills: Bill) -> list[Match]:
    return matches(case if isinstance(case, list) else [case], bills, OURS, BOOKS)


def only(case: Case, *bills: Bill) -> Match:
    (match,) = found(case, *bills)
    return match


def by_hand(**changes: object) -> Bill:
    """A bill of the payee and amount that bears no name of ours."""
    return a_bill(**({"number": "INV-7", "url": ""} | changes))


@pytest.mark.parametrize(
    ("bill", "sure", "why"),
    [
        (a_bill(url=""), True, "Same number, contact and amount."),
        (a_bill(number="m 1", url=""), True, "Same number, contact and amount."),
        (a_bill(number="Grant M1 (paid)", url=""), True, "Same number, contact and amount."),
        (by_hand(), True, "Same contact and amount."),
        (by_hand(date=day("2026-07-20")), True, "Same contact and amount, dated 20 July 2026 instead of 1 July 2026."),
        (by_hand(date=day("2026-09-20")), False, "Same contact and amount, dated 20 September 2026 instead of 1"),
        (a_bill(number="", date=day("2026-01-20")), False, "Same link to the milestone, contact and amount, dated"),
        (a_bill(url="", total=Decimal(1)), False, "Same number and contact, but NZ$1.00 instead of NZ$15,000.00."),
        (a_bill(url="", currency="AUD"), False, "Same number and contact, but A$15,000.00 instead of NZ$15,000.00."),
        (
            a_bill(contact_id="x", contact_name="Tūī"),
            False,
            "Same number, link to the milestone and amount, but for Tūī",
        ),
    ],
)
def test_a_bill_that_may_be_the_milestones_is_proposed_with_its_reason(bill: Bill, sure: bool, why: str) -> None:
    match = only(unbilled(), bill)
    assert match.sure is sure
    assert reason_in_words(match, OURS, BOOKS).startswith(why)


@pytest.mark.parametrize(
    "bill",
    [
        by_hand(total=Decimal("14999.00")),
        by_hand(contact_id="contact-2"),
        by_hand(date=day("2024-07-01")),
        by_hand(currency="AUD"),
        a_bill(number="GRANT-M10", url="", contact_id="contact-2"),
        a_bill(number="GRANT-M", url="", contact_id="contact-2"),
    ],
)
def test_a_bill_of_which_too_little_agrees_is_not_proposed(bill: Bill) -> None:
    assert found(unbilled(), bill) == []


def test_a_bill_that_somebody_said_is_another_is_not_proposed_again() -> None:
    link = Link(accepted=((Reason.POSSIBLE_DUPLICATE, BILL_ID),))
    assert found(unbilled(link=link), by_hand()) == []


def test_two_bills_that_fit_alike_are_both_proposed_and_neither_is_sure() -> None:
    told = found(unbilled(), by_hand(), by_hand(bill_id="bill-2"))
    assert [(match.bill.bill_id, match.sure) for match in told] == [("bill-1", False), ("bill-2", False)]
    assert reason_in_words(told[0], OURS, BOOKS) == "Same contact and amount, another one fits too."


def test_two_milestones_that_one_bill_fits_are_both_proposed_and_neither_is_sure() -> None:
    twin = unbilled(a_milestone(key="M2", links=a_milestone().links.__class__()))
    told = found([unbilled(), twin], by_hand())
    assert [(match.key, match.sure) for match in told] == [("M1", False), ("M2", False)]


def test_monthly_milestones_of_one_amount_each_get_the_bill_of_their_day() -> None:
    days = [dt.date(2026, month, 1) for month in range(1, 7)]
    cases = [unbilled(a_milestone(key=f"M-{at.month}", date=at)) for at in days]
    bills = [by_hand(bill_id=f"b{at.month}", number="", date=at) for at in days]
    told = found(cases, *bills)
    assert [(match.key, match.bill.bill_id) for match in told] == [(f"M-{n}", f"b{n}") for n in range(1, 7)]
    assert all(match.sure for match in told)


def test_a_number_counts_for_more_than_the_same_amount() -> None:
    twin = unbilled(a_milestone(key="M2"))
    told = found([unbilled(), twin], a_bill(url=""), by_hand(bill_id="bill-2", number="GRANT-M2"))
    assert [(match.key, match.bill.bill_id, match.sure) for match in told] == [
        ("M1", "bill-1", True),
        ("M2", "bill-2", True),
    ]


def test_a_bill_beside_the_one_with_the_number_makes_it_unsure() -> None:
    (match,) = found(unbilled(), a_bill(), by_hand(bill_id="bill-2"))
    assert (match.bill.bill_id, match.sure, match.rivals) == ("bill-1", False, 1)


def test_no_bill_is_sure_for_two_milestones() -> None:
    cases = [unbilled(a_milestone(key=f"M{n}")) for n in range(1, 20)]
    told = found(cases, *(by_hand(bill_id=f"b{n}", number=f"X {n}") for n in range(5)), a_bill(url=URL))
    sure = [match for match in told if match.sure]
    assert len({match.bill.bill_id for match in sure}) == len({match.key for match in sure}) == len(sure)


@pytest.mark.parametrize(
    ("case", "holds"),
    [
        (unbilled(), True),
        (unbilled(a_milestone(cancelled=True)), False),
        (unbilled(a_milestone(stages=frozenset())), False),
        (unbilled(a_milestone(amount=Decimal(0))), False),
        (unbilled(exemption=exempt()), False),
        (unbilled(link=Link(bill_id=BILL_ID)), False),
        (unbilled(link=Link(pending_attempt=1)), False),
    ],
)
def test_only_a_milestone_that_is_to_be_billed_and_is_not_yet_gets_proposals(case: Case, holds: bool) -> None:
    assert matchable(case, OURS) is holds
