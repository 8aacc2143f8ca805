"""A milestone that is billed in parts: the last bill covers what the earlier ones do not, and never more."""

from decimal import Decimal

import pytest
from case_builders import (
    AMOUNT,
    BILL_ID,
    NUMBER,
    a_bill,
    a_choice,
    a_milestone,
    an_organisation,
    billed,
    decided,
    exempt,
    judge,
    some_books,
)
from decision_table import DEARER, LOCKED
from msgspec.structs import replace

from reconciler.choices import choose, fitting
from reconciler.errors import InputError
from reconciler.model import Bill, Case, Field, Link, Milestone, Progress, Sense, Stage, Status, part_of
from reconciler.outlook import when_paid
from reconciler.progress import progress_of
from reconciler.reasons import Action, Choose, Reason
from reconciler.words import explain, sides, what_to_do

PAID = a_bill(status=Status.PAID)
APPROVED = a_bill(status=Status.AUTHORISED)
MORE = DEARER.amount - AMOUNT
SECOND = a_bill(bill_id="bill-2", number=f"{NUMBER}-2", total=MORE)
FAR_DEARER = a_milestone(amount=Decimal("20000.00"), version=3)
LESS = a_milestone(amount=Decimal("14000.00"), version=2)
FIRM = (Reason.BILL_PAID, Reason.BILL_PART_PAID, Reason.BILL_CREDITED, Reason.BILL_APPROVED)


def chosen(case: Case, kind: Choose, named: Bill | None = None, **details: object) -> Case:
    """The case once the choice was made, with the same bills in Xero."""
    decision = decided(case)
    link, _ = choose(decision, a_choice(kind, **details), an_organisation(), some_books(), named)
    bills = {bill.bill_id: bill for bill in (*case.parts, case.bill, named) if bill}
    parts = tuple(bills[part.bill_id] for part in link.parts if part.bill_id in bills)
    return replace(case, link=link, bill=bills.get(link.bill_id), parts=parts)


def in_parts(milestone: Milestone = DEARER, first: Bill = PAID, second: Bill | None = SECOND) -> Case:
    """A milestone that became dearer after its bill was paid, and its second bill."""
    case = chosen(billed(DEARER, first), Choose.BILL_DIFFERENCE)
    if second is None:
        return replace(case, milestone=milestone)
    decision = decided(replace(case, ours=(replace(second, total=MORE, subtotal=MORE),)))
    assert decision.verdict.link.bill_id == second.bill_id
    return replace(case, milestone=milestone, link=decision.verdict.link, bill=second)


@pytest.mark.parametrize(
    "bill",
    [
        PAID,
        APPROVED,
        a_bill(status=Status.AUTHORISED, paid=Decimal("5.00")),
        a_bill(status=Status.AUTHORISED, credited=Decimal("5.00")),
    ],
    ids=lambda bill: f"{bill.status}, {bill.paid} paid, {bill.credited} credited",
)
def test_the_difference_is_billed_beside_a_bill_that_is_approved_or_paid(bill: Bill) -> None:
    flagged = judge(billed(DEARER, bill))
    assert flagged.reason in FIRM
    verdict = judge(chosen(billed(DEARER, bill), Choose.BILL_DIFFERENCE))
    assert verdict.reason is Reason.CREATE
    assert verdict.write is not None
    assert (verdict.write.number, verdict.write.terms.total, verdict.write.bill_id) == (f"{NUMBER}-2", MORE, "")
    assert verdict.write.url == DEARER.links.milestone


@pytest.mark.parametrize("case", [billed(LESS, PAID), billed(a_milestone(title="Other words"), APPROVED)])
def test_no_difference_is_billed_where_there_is_none(case: Case) -> None:
    assert Choose.BILL_DIFFERENCE not in fitting(decided(case), an_organisation())
    with pytest.raises(InputError, match="does not fit"):
        chosen(case, Choose.BILL_DIFFERENCE)


def test_of_a_milestone_that_is_less_now_it_is_said_that_a_credit_note_is_theirs_to_make() -> None:
    told = what_to_do(decided(billed(LESS, PAID)), some_books())
    assert "NZ$1,000.00" in told
    assert "credit note in Xero: billwatch makes none" in told


def test_once_both_bills_are_there_nothing_is_left_to_do() -> None:
    assert judge(in_parts()).reason is Reason.AWAITING_APPROVAL
    told = explain(decided(in_parts()), some_books())
    assert told.endswith(
        f"It is billed in parts: {NUMBER} (NZ$15,000.00, paid) and {NUMBER}-2 (NZ$1,000.00, awaiting approval)."
    )


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (Status.PAID, Status.PAID, Reason.PAID),
        (Status.PAID, Status.AUTHORISED, Reason.PART_PAID),
        (Status.AUTHORISED, Status.PAID, Reason.PART_PAID),
        (Status.AUTHORISED, Status.AUTHORISED, Reason.APPROVED),
        (Status.PAID, Status.DRAFT, Reason.IN_SYNC),
    ],
)
def test_it_stands_no_farther_than_its_bills(first: Status, second: Status, reason: Reason) -> None:
    case = in_parts(first=a_bill(status=first))
    case = replace(case, bill=a_bill(bill_id="bill-2", number=f"{NUMBER}-2", total=MORE, status=second))
    assert judge(case).reason is reason


def test_a_further_change_is_asked_of_the_last_bill_alone() -> None:
    verdict = judge(in_parts(FAR_DEARER))
    assert verdict.reason is Reason.UPDATE
    assert verdict.write is not None
    assert (verdict.write.bill_id, verdict.write.terms.total) == ("bill-2", Decimal("5000.00"))


def test_once_the_last_is_paid_too_a_third_can_be_billed() -> None:
    case = in_parts(FAR_DEARER, second=replace(SECOND, status=Status.PAID, paid=MORE, due=Decimal(0)))
    flagged = decided(case)
    assert flagged.verdict.reason is Reason.BILL_PAID
    assert ("amount", "NZ$5,000.00 (NZ$20,000.00 less what is billed already)", "NZ$1,000.00") in sides(
        flagged, some_books()
    )
    write = judge(chosen(case, Choose.BILL_DIFFERENCE)).write
    assert write is not None
    assert (write.number, write.terms.total) == (f"{NUMBER}-3", Decimal("4000.00"))


def test_a_difference_that_is_gone_leaves_its_bill_unwanted() -> None:
    case = in_parts(a_milestone(version=3))
    verdict = judge(case)
    assert (verdict.reason, verdict.others) == (Reason.BILL_NOT_WANTED, ("bill-2",))
    assert judge(chosen(case, Choose.KEEP)).action is Action.SKIP
    assert judge(replace(case, bill=replace(SECOND, status=Status.DELETED))).reason is Reason.PAID


def test_a_difference_that_is_gone_before_it_was_billed_needs_no_bill() -> None:
    assert judge(in_parts(a_milestone(version=3), second=None)).reason is Reason.PAID


def test_earlier_bills_that_come_to_more_than_the_milestone_are_asked_about_once() -> None:
    case = in_parts(LESS, second=None)
    verdict = judge(case)
    assert (verdict.reason, verdict.fields) == (Reason.BILL_PAID, {Field.TOTAL})
    assert (verdict.ours and verdict.ours.total, verdict.theirs and verdict.theirs.total) == (LESS.amount, AMOUNT)
    assert fitting(decided(case), an_organisation()) == (Choose.KEEP, Choose.REMIND, Choose.EXEMPT)
    kept = chosen(case, Choose.KEEP)
    assert judge(kept).reason is Reason.PAID
    assert judge(replace(kept, milestone=replace(LESS, amount=Decimal("13000.00")))).reason is Reason.BILL_PAID


@pytest.mark.parametrize("status", [Status.VOIDED, Status.DELETED])
def test_an_earlier_bill_that_was_ended_is_asked_about_and_can_be_billed_again(status: Status) -> None:
    case = in_parts()
    case = replace(case, parts=(replace(PAID, status=status),))
    verdict = judge(case)
    assert (verdict.reason, verdict.others) == (Reason(f"BILL_{status}"), (BILL_ID,))
    again = judge(chosen(case, Choose.BILL_AGAIN))
    assert again.write is not None
    assert (again.write.number, again.write.terms.total) == (f"{NUMBER}-3", AMOUNT)


def test_an_earlier_bill_may_be_replaced_by_one_made_by_hand() -> None:
    case = replace(in_parts(), parts=(replace(PAID, status=Status.VOIDED),))
    by_hand = a_bill(bill_id="bill-9", number="INV-9", status=Status.AUTHORISED)
    followed = chosen(case, Choose.REPLACED_BY, by_hand, bill_id="bill-9")
    assert [part.bill_id for part in followed.link.parts] == ["bill-9"]
    assert judge(followed).reason is Reason.AWAITING_APPROVAL


def test_an_earlier_bill_that_does_not_exist_is_missing_and_one_that_is_unread_is_waited_for() -> None:
    case = in_parts()
    assert judge(replace(case, parts=(), lost=(BILL_ID,))).reason is Reason.BILL_MISSING
    assert judge(replace(case, parts=())).reason is Reason.FACTS_STALE


def test_an_earlier_bill_that_was_changed_is_asked_about_and_kept_without_writing() -> None:
    case = in_parts(first=APPROVED)
    smaller = replace(APPROVED, total=Decimal("14900.00"), subtotal=Decimal("14900.00"))
    case = replace(case, parts=(smaller,))
    verdict = judge(case)
    assert (verdict.reason, verdict.fields, verdict.others) == (Reason.CHANGED_IN_XERO, {Field.TOTAL}, (BILL_ID,))
    assert Choose.OVERWRITE not in fitting(decided(case), an_organisation())
    assert judge(chosen(case, Choose.KEEP)).reason is Reason.AWAITING_APPROVAL
    assert judge(case, an_organisation(xero_edits="accept")).reason is Reason.AWAITING_APPROVAL


def test_a_payment_of_an_earlier_bill_is_remembered_and_its_reversal_asked_about() -> None:
    case = in_parts(first=APPROVED)
    paid = replace(case, parts=(PAID,), link=judge(replace(case, parts=(PAID,))).link)
    assert [part.settled for part in paid.link.parts] == [AMOUNT]
    taken_back = replace(paid, parts=(APPROVED,))
    assert judge(taken_back).reason is Reason.PAYMENT_REVERSED
    assert judge(chosen(taken_back, Choose.KEEP)).reason is Reason.AWAITING_APPROVAL


def test_a_merged_payee_is_no_change_of_an_earlier_bill() -> None:
    case = in_parts()
    merged = replace(case.contacts[0], merged_to="contact-5")
    moved = replace(
        case,
        contacts=(merged,),
        parts=(replace(PAID, contact_id="contact-5"),),
        bill=replace(SECOND, contact_id="contact-5"),
    )
    assert judge(moved).reason is Reason.AWAITING_APPROVAL


def test_a_currency_that_changes_after_the_first_bill_makes_no_difference_to_bill() -> None:
    case = in_parts(replace(DEARER, currency="AUD"), second=None)
    verdict = judge(case)
    assert verdict.reason is Reason.CURRENCY_CHANGED
    assert judge(chosen(case, Choose.KEEP)).reason is Reason.PAID


def test_cancelled_all_of_its_bills_are_asked_about_and_exempt_none_is_forgotten() -> None:
    case = in_parts(replace(DEARER, cancelled=True), first=APPROVED)
    assert set(judge(case).others) == {BILL_ID, "bill-2"}
    quiet = replace(in_parts(first=APPROVED), exemption=exempt())
    assert judge(quiet).reason is Reason.EXEMPT_WITH_BILL
    assert judge(chosen(quiet, Choose.KEEP)).reason is Reason.EXEMPT


def test_the_second_bill_obeys_the_lock_dates_as_any_other() -> None:
    case = in_parts(second=None)
    assert judge(case, books=LOCKED).reason is Reason.LOCKED_DRAFT


def test_the_parts_count_in_the_sense_of_tax_that_the_milestone_is_meant_in() -> None:
    net = replace(PAID, total=Decimal("17250.00"), subtotal=AMOUNT)
    link = Link(generation=2, parts=(part_of(net),))
    case = replace(billed(replace(DEARER, sense=Sense.EXCLUSIVE)), bill=None, link=link, parts=(net,))
    write = judge(case).write
    assert write is not None
    assert write.terms.total == MORE


def test_who_waits_for_the_money_hears_of_each_bill() -> None:
    assert when_paid(decided(in_parts()), some_books()) == "NZ$15,000.00: paid. NZ$1,000.00: waiting for approval."


@pytest.mark.parametrize(
    ("first", "second", "stage"),
    [
        (PAID, replace(SECOND, status=Status.DRAFT), Stage.BILLED),
        (PAID, replace(SECOND, status=Status.AUTHORISED), Stage.APPROVED),
        (APPROVED, replace(SECOND, status=Status.PAID, paid=MORE), Stage.APPROVED),
        (PAID, replace(SECOND, status=Status.PAID, paid=MORE), Stage.PAID),
        (a_bill(status=Status.VOIDED), replace(SECOND, status=Status.PAID, paid=MORE), Stage.PAID),
        (PAID, replace(SECOND, status=Status.VOIDED), Stage.ENDED),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Bill) else None,
)
def test_it_has_come_as_far_as_the_live_bill_that_is_behind_and_all_of_its_money_counts(
    first: Bill, second: Bill, stage: Stage
) -> None:
    case = replace(in_parts(), parts=(replace(first, paid=AMOUNT),), bill=second)
    paid = AMOUNT + second.paid
    assert progress_of(decided(case), Progress()) == Progress(second.bill_id, stage, paid)
