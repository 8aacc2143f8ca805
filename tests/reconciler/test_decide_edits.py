"""What was edited in Xero, what Xero refused, and what is only watched."""

from decimal import Decimal
from typing import Any

import pytest
from case_builders import (
    LINK,
    NOW,
    TERMS,
    a_bill,
    a_milestone,
    an_organisation,
    billed,
    coded,
    day,
    judge,
    linked,
    some_books,
    two_lines,
    unbilled,
)
from decision_table import DEARER, HALF, NO, TABLE, UPDATING, Row
from msgspec.structs import replace

from reconciler.decide import decide
from reconciler.model import Case, Field, Link, Status
from reconciler.organisation import Mode
from reconciler.reasons import Action, Reason

APPROVED = a_bill(status=Status.AUTHORISED)
CANCELLED = a_milestone(cancelled=True)
WATCH = an_organisation(mode=Mode.WATCH)
UPDATING_WATCHED = replace(UPDATING, mode=Mode.WATCH)


# ---- Edits in Xero


@pytest.mark.parametrize("row", [r for r in TABLE if r.reason is Reason.CHANGED_IN_XERO], ids=lambda r: r.when)
def test_a_repair_by_hand_in_xero_clears_everything_by_itself(row: Row) -> None:
    edited = judge(row.case)
    repaired = judge(replace(row.case, link=edited.link, bill=a_bill()))
    assert (repaired.reason, repaired.link) == (Reason.AWAITING_APPROVAL, LINK)


def test_what_the_accountant_does_by_hand_first_needs_no_write() -> None:
    verdict = judge(billed(DEARER, a_bill(total=Decimal("16000.00"))))
    assert verdict.reason is Reason.AWAITING_APPROVAL
    assert (verdict.link.asked.total, verdict.link.seen.total) == (Decimal("16000.00"), Decimal("16000.00"))


def test_an_approved_bill_that_is_repaired_by_hand_is_quiet_again() -> None:
    flagged = judge(billed(DEARER, APPROVED))
    assert flagged.reason is Reason.BILL_APPROVED
    repaired = billed(DEARER, a_bill(status=Status.AUTHORISED, total=DEARER.amount), link=flagged.link)
    assert judge(repaired).reason is Reason.APPROVED


def test_a_milestone_that_is_taken_back_needs_no_write() -> None:
    assert judge(billed(DEARER)).reason is Reason.UPDATE
    assert judge(billed(a_milestone(version=3))).reason is Reason.AWAITING_APPROVAL


def test_a_conflict_shows_both_values() -> None:
    verdict = judge(billed(DEARER, a_bill(total=HALF)))
    assert [(d.field, d.ours, d.theirs) for d in verdict.differences] == [(Field.TOTAL, DEARER.amount, HALF)]


def test_a_date_can_be_written_on_a_bill_of_several_lines() -> None:
    later = a_milestone(date=day("2026-07-05"))
    assert judge(billed(later, two_lines())).reason is Reason.UPDATE
    assert judge(billed(a_milestone(title="Third stage"), two_lines())).reason is Reason.EDITED_IN_XERO


def test_a_payment_is_remembered_so_that_its_reversal_is_seen() -> None:
    paid = judge(billed(bill=a_bill(status=Status.AUTHORISED, paid=HALF)))
    assert (paid.reason, paid.link.settled) == (Reason.PART_PAID, HALF)
    assert judge(billed(bill=APPROVED, link=paid.link)).reason is Reason.PAYMENT_REVERSED


def test_a_payment_that_comes_back_clears_its_reversal() -> None:
    reversed_ = judge(billed(bill=APPROVED, link=replace(LINK, settled=HALF)))
    again = billed(bill=a_bill(status=Status.AUTHORISED, paid=HALF), link=reversed_.link)
    assert judge(again).reason is Reason.PART_PAID


def test_a_payment_before_the_bill_was_linked_is_no_reversal() -> None:
    assert judge(linked(bill=a_bill(status=Status.PAID))).reason is Reason.PAID


# ---- Refusals


def refused(reason: Reason = Reason.REFUSED, **changes: Any) -> Link:
    return Link(refusal=replace(NO, reason=reason, **changes))


def test_what_xero_refused_is_not_tried_again() -> None:
    verdict = judge(unbilled(link=refused(Reason.TAX_INVALID)))
    assert (verdict.reason, verdict.message, verdict.write) == (Reason.TAX_INVALID, NO.message, None)


@pytest.mark.parametrize(
    ("case", "facts"),
    [
        (unbilled(DEARER, link=refused()), {}),
        (unbilled(link=refused(lock=day("2026-01-31"))), {}),
        (unbilled(link=refused()), {"period_lock": day("2026-01-31")}),
    ],
    ids=["the milestone changed", "a lock was lifted", "a lock was set"],
)
def test_what_xero_refused_is_tried_again_once_something_has_changed(case: Case, facts: dict[str, Any]) -> None:
    verdict = judge(case, books=some_books(**facts))
    assert (verdict.reason, verdict.link.refusal) == (Reason.CREATE, None)


def test_a_refused_update_is_tried_again_once_the_bill_has_changed() -> None:
    link = replace(LINK, refusal=replace(NO, ours=replace(TERMS, total=DEARER.amount), theirs=LINK.seen))
    assert judge(billed(DEARER, link=link)).reason is Reason.REFUSED
    assert judge(billed(DEARER, coded(description="Aroha"), link=link)).reason is Reason.UPDATE


def test_a_refusal_is_forgotten_once_nothing_is_pending() -> None:
    assert judge(billed(link=replace(LINK, refusal=NO))).link.refusal is None


# ---- Watching


@pytest.mark.parametrize(
    ("case", "organisation"),
    [(unbilled(), WATCH), (billed(DEARER, APPROVED), UPDATING_WATCHED)],
    ids=["create", "update"],
)
def test_watching_shows_what_going_live_would_write(case: Case, organisation: Any) -> None:
    watched, live = judge(case, organisation), judge(case, replace(organisation, mode=Mode.SYNC))
    assert (watched.action, live.action) == (Action.SKIP, Action.SYNC)
    assert watched.write == live.write


@pytest.mark.parametrize("row", [r for r in TABLE if r.case.link.refusal is None], ids=lambda r: r.when)
def test_watching_changes_nothing_but_the_writing(row: Row) -> None:
    watched = decide(row.case, replace(row.organisation, mode=Mode.WATCH), row.books, NOW)
    live = decide(row.case, replace(row.organisation, mode=Mode.SYNC), row.books, NOW)
    assert watched.reason is live.reason or live.action is Action.SYNC
