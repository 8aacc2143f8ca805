"""Keeping what Xero has, and writing over it: each stays so until something changes again."""

from decimal import Decimal

import pytest
from case_builders import (
    AMOUNT,
    TERMS,
    a_bill,
    a_line,
    a_milestone,
    an_organisation,
    billed,
    coded,
    day,
    decided,
    exempt,
    judge,
    linked,
    two_lines,
    unbilled,
)
from choosing import after
from decision_table import DEARER, HALF, NO, TWICE, UPDATING
from msgspec.structs import replace

from reconciler.choices import fitting
from reconciler.compare import mark
from reconciler.model import Field, Sense, Status
from reconciler.reasons import Choose, Reason

APPROVED = a_bill(status=Status.AUTHORISED)
CANCELLED = a_milestone(cancelled=True)
VOIDED = billed(bill=a_bill(status=Status.VOIDED))


def test_what_was_kept_stays_kept_under_a_later_release() -> None:
    assert mark("bill-1", replace(TERMS, tracking=(("Fund", "Arts"),), lines=2)) == "a87e5a9ea93391af"
    assert mark("bill-1", True, Decimal("5.0"), ["approved"]) == mark("bill-1", True, Decimal(5), ["approved"])


# ---- Keep what Xero has


def test_a_kept_edit_is_quiet_until_xero_changes_it_again() -> None:
    case, verdict = after(Choose.KEEP, billed(bill=a_bill(total=HALF)))
    assert verdict.reason is Reason.AWAITING_APPROVAL
    again = replace(case, bill=a_bill(total=Decimal("7000.00")))
    assert judge(again).reason is Reason.CHANGED_IN_XERO


def test_a_kept_edit_is_quiet_until_the_platform_changes_it_again() -> None:
    case, _ = after(Choose.KEEP, billed(bill=a_bill(total=HALF)))
    other = judge(replace(case, milestone=a_milestone(title="Third stage")))
    assert other.write.fields == {Field.DESCRIPTION}
    assert other.write.terms.total == HALF
    assert judge(replace(case, milestone=DEARER)).write.fields == {Field.TOTAL}


def test_a_kept_conflict_is_quiet_in_all_its_fields() -> None:
    changed = a_milestone(amount=DEARER.amount, date=day("2026-07-05"))
    _, verdict = after(Choose.KEEP, billed(changed, a_bill(total=HALF)))
    assert verdict.reason is Reason.AWAITING_APPROVAL


def test_a_kept_bill_that_is_paid_is_quiet_until_the_milestone_changes_again() -> None:
    case, verdict = after(Choose.KEEP, billed(DEARER, a_bill(status=Status.PAID)))
    assert verdict.reason is Reason.PAID
    dearest = a_milestone(amount=Decimal("17000.00"))
    assert judge(replace(case, milestone=dearest)).reason is Reason.BILL_PAID


def test_a_linked_bill_that_differs_can_be_kept_as_it_is() -> None:
    case, verdict = after(Choose.KEEP, linked(DEARER))
    assert verdict.reason is Reason.AWAITING_APPROVAL
    assert judge(replace(case, bill=a_bill(total=HALF))).reason is Reason.CHANGED_IN_XERO


def test_a_kept_bill_of_a_cancelled_milestone_is_quiet_until_the_milestone_changes() -> None:
    case, verdict = after(Choose.KEEP, billed(CANCELLED))
    assert verdict.reason is Reason.WITHDRAWN
    assert judge(replace(case, milestone=replace(CANCELLED, amount=HALF))).reason is Reason.BILL_NOT_WANTED
    assert judge(replace(case, milestone=a_milestone())).reason is Reason.AWAITING_APPROVAL


def test_every_unlinked_bill_of_a_cancelled_milestone_is_kept_at_once() -> None:
    case, verdict = after(Choose.KEEP, unbilled(CANCELLED, ours=TWICE))
    assert verdict.reason is Reason.WITHDRAWN
    third = a_bill(bill_id="bill-3")
    assert judge(replace(case, ours=(*case.ours, third))).others == ("bill-3",)


def test_a_kept_reversal_is_quiet_until_money_comes_and_goes_again() -> None:
    paid = judge(billed(bill=a_bill(status=Status.AUTHORISED, paid=HALF))).link
    case, verdict = after(Choose.KEEP, billed(bill=APPROVED, link=paid))
    assert verdict.reason is Reason.APPROVED
    again = judge(replace(case, bill=a_bill(status=Status.AUTHORISED, paid=HALF)))
    assert again.reason is Reason.PART_PAID
    assert judge(replace(case, link=again.link)).reason is Reason.PAYMENT_REVERSED


def test_a_kept_exempt_bill_is_quiet() -> None:
    _, verdict = after(Choose.KEEP, billed(exemption=exempt()))
    assert verdict.reason is Reason.EXEMPT


def test_keeping_one_thing_does_not_hide_a_later_exemption_with_a_bill() -> None:
    case, _ = after(Choose.KEEP, billed(bill=a_bill(total=HALF)))
    assert judge(replace(case, exemption=exempt())).reason is Reason.EXEMPT_WITH_BILL


def test_a_bill_mailed_about_although_equal_can_be_kept() -> None:
    warning = an_organisation(warn_when_equal=True)
    _, verdict = after(Choose.KEEP, billed(bill=APPROVED), warning)
    assert verdict.reason is Reason.APPROVED


# ---- Write the milestone's values


def test_overwriting_writes_the_edited_field() -> None:
    _, verdict = after(Choose.OVERWRITE, billed(bill=a_bill(total=HALF)))
    assert (verdict.reason, verdict.write.fields) == (Reason.UPDATE, {Field.TOTAL})
    assert verdict.write.terms.total == AMOUNT


def test_overwriting_writes_all_fields_of_a_conflict() -> None:
    changed = a_milestone(amount=DEARER.amount, date=day("2026-07-05"), due_date=day("2026-07-15"))
    _, verdict = after(Choose.OVERWRITE, billed(changed, a_bill(total=HALF)))
    assert verdict.write.fields == {Field.TOTAL, Field.DATE}


def test_overwriting_a_linked_bill_writes_what_differs() -> None:
    _, verdict = after(Choose.OVERWRITE, linked(DEARER, coded(description="Aroha")))
    assert (verdict.reason, verdict.write.fields) == (Reason.UPDATE, {Field.TOTAL})


def test_overwriting_several_lines_makes_them_one_line_of_ours() -> None:
    _, verdict = after(Choose.OVERWRITE, billed(DEARER, two_lines()))
    assert verdict.reason is Reason.UPDATE
    assert verdict.write.fields == {Field.TOTAL, Field.DESCRIPTION, Field.ACCOUNT, Field.LINES}
    terms = verdict.write.terms
    assert (terms.total, terms.account, terms.description, terms.tax) == (DEARER.amount, "480", "Second stage", None)


def test_lines_that_change_again_after_overwriting_are_asked_about_again() -> None:
    case, _ = after(Choose.OVERWRITE, billed(DEARER, two_lines()))
    parts = two_lines().lines
    recoded = replace(two_lines(), lines=(parts[0], replace(parts[1], account="480")))
    assert judge(replace(case, bill=recoded)).reason is Reason.EDITED_IN_XERO


def test_what_was_to_be_overwritten_and_is_then_kept_is_not_written() -> None:
    case, _ = after(Choose.OVERWRITE, billed(DEARER, two_lines()))
    refused = replace(case.link, refusal=replace(NO, ours=judge(case).ours, theirs=judge(case).theirs))
    case, verdict = after(Choose.KEEP, replace(case, link=refused))
    assert verdict.reason is Reason.AWAITING_APPROVAL
    assert judge(replace(case, milestone=a_milestone(amount=DEARER.amount, title="B"))).reason is Reason.EDITED_IN_XERO


def test_overwriting_a_changed_tax_sense_restores_ours() -> None:
    theirs = a_bill(total=AMOUNT, subtotal=Decimal("13043.48"), sense=Sense.EXCLUSIVE, lines=(a_line(),))
    case = billed(DEARER, theirs)
    assert judge(case).reason is Reason.EDITED_IN_XERO
    _, verdict = after(Choose.OVERWRITE, case)
    assert verdict.write.fields == {Field.TOTAL, Field.SENSE}
    assert (verdict.write.terms.sense, verdict.write.terms.total) == (Sense.INCLUSIVE, DEARER.amount)


def test_an_approved_bill_is_overwritten_only_where_the_policy_lets() -> None:
    edited = billed(bill=a_bill(status=Status.AUTHORISED, total=HALF))
    assert Choose.OVERWRITE not in fitting(decided(edited), an_organisation())
    assert after(Choose.OVERWRITE, edited, UPDATING)[1].write.fields == {Field.TOTAL}


@pytest.mark.parametrize("status", [Status.PAID, Status.AUTHORISED])
def test_a_bill_with_money_on_it_is_never_overwritten(status: Status) -> None:
    edited = billed(bill=a_bill(status=status, total=HALF, paid=HALF))
    assert Choose.OVERWRITE not in fitting(decided(edited, UPDATING), UPDATING)
