"""When the money comes, for every reason, in words that may be passed on."""

import pytest
from case_builders import AMOUNT, NOW, a_bill, a_milestone, billed, day, decided, some_books, unbilled
from decision_table import DEARER, HALF, TABLE, Row
from msgspec.structs import replace

from reconciler.decide import decide
from reconciler.model import Bill, Decision, Status
from reconciler.outlook import when_paid
from reconciler.reasons import Action, Reason, words

BOOKS = some_books()
PAID = day("2026-07-03")
PLANNED = day("2026-07-20")


def bill(status: Status = Status.AUTHORISED, **changes: object) -> Bill:
    return a_bill(status=status, **changes)


@pytest.mark.parametrize(
    ("held", "text"),
    [
        (bill(Status.DRAFT), "Prepared, not yet up for approval."),
        (bill(Status.SUBMITTED), "Waiting for approval."),
        (bill(planned_on=PLANNED), "Approved; planned to be paid on 20 July 2026."),
        (bill(), "Approved; due on 15 July 2026."),
        (bill(due_date=None), "Approved."),
        (
            bill(paid=HALF, paid_on=PAID, planned_on=PLANNED),
            "NZ$7,500.00 was paid on 3 July 2026; the other NZ$7,500.00 is planned to be paid on 20 July 2026.",
        ),
        (bill(paid=HALF), "NZ$7,500.00 was paid; the other NZ$7,500.00 is due on 15 July 2026."),
        (bill(credited=HALF), "NZ$7,500.00 was credited; the other NZ$7,500.00 is due on 15 July 2026."),
        (bill(paid=HALF, due_date=None), "NZ$7,500.00 was paid; the other NZ$7,500.00 is due."),
        (bill(Status.PAID, paid_on=PAID), "Paid on 3 July 2026."),
        (bill(Status.PAID), "Paid."),
        (bill(Status.PAID, credited=AMOUNT, paid_on=PAID), "Settled by a credit on 3 July 2026."),
    ],
)
def test_a_bill_that_equals_its_milestone_tells_when_it_is_paid(held: Bill, text: str) -> None:
    link = replace(billed().link, settled=held.settled)
    assert when_paid(decided(billed(bill=held, link=link)), BOOKS) == text


@pytest.mark.parametrize(
    ("decision", "text"),
    [
        (decided(unbilled()), "Not billed yet: NZ$15,000.00 is to come."),
        (decided(unbilled(a_milestone(cancelled=True))), "The milestone was withdrawn, and will not be paid."),
        (decided(unbilled(a_milestone(stages=frozenset()))), "The milestone is not due for billing yet."),
        (decided(billed(DEARER)), "Waiting for approval."),
        (
            decided(billed(DEARER, bill())),
            "Approved; due on 15 July 2026. Stuck: milestone changed after approval. Somebody has been asked to "
            "resolve it.",
        ),
        (decided(billed(bill=bill(Status.VOIDED))), "Stuck: bill voided. Somebody has been asked to resolve it."),
        (
            decided(billed(bill=bill()), books=some_books(hold=Reason.XERO_UNAVAILABLE)),
            "Not known right now: it is looked into (Xero unavailable). When last looked at: Approved; due on 15 July "
            "2026.",
        ),
        (
            decided(unbilled(), books=some_books(hold=Reason.PAUSED)),
            "Not known right now: it is looked into (paused).",
        ),
    ],
)
def test_what_keeps_the_money_is_told(decision: Decision, text: str) -> None:
    assert when_paid(decision, BOOKS) == text


def of(row: Row) -> Decision:
    return Decision(row.case, decide(row.case, row.organisation, row.books, NOW))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.when)
def test_every_reason_has_one_answer_that_may_be_passed_on(row: Row) -> None:
    decision = of(row)
    text = when_paid(decision, row.books)
    assert text.endswith(".")
    assert not any(sign in text for sign in ("{", "None", "  ", "..", "contact-", "bill-", "Decimal"))
    assert ("Stuck: " in text) is (words(row.reason).action is Action.FLAG)
    assert len(text) < 200


def test_every_reason_is_among_them() -> None:
    assert {row.reason for row in TABLE} == set(Reason)
