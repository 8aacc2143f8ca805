"""What is remembered after a write: what we asked, what Xero then held, and what it would not do."""

from decimal import Decimal
from typing import Any

import pytest
from case_builders import (
    AMOUNT,
    BILL_ID,
    CONTACT,
    KNOWN,
    LINK,
    NOW,
    SEEN,
    TERMS,
    a_bill,
    a_line,
    a_milestone,
    an_organisation,
    billed,
    coded,
    day,
    judge,
    some_books,
    two_lines,
    unbilled,
)
from decision_table import DEARER, HALF
from msgspec.structs import replace

from reconciler.aftermath import remember
from reconciler.model import Bill, Case, Contact, Field, Link, Sense, Status
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Reason
from reconciler.records import Element
from reconciler.xero_port import Outcome

CLAIMED = replace(LINK, pending_attempt=5)
WRITTEN = Outcome(BILL_ID)
TAX = "The TaxType code 'OUTPUT2' cannot be used with account code '480'."
LOCKS = (
    "The document date cannot be before the period lock date, currently set at 30-Jun-2026",
    "The document date cannot be before the end of year lock date, currently set at 31-Mar-2026",
)
MOVING = an_organisation(locked_dates="move")
LOCKED = some_books(period_lock=day("2026-07-31"))


def written(
    case: Case,
    outcome: Outcome,
    bill: Bill | None,
    organisation: Organisation | None = None,
    books: Books | None = None,
    later: Any = None,
) -> Case:
    """The case after its write was sent and answered; `later` is what the platform has changed it to meanwhile."""
    organisation, books = organisation or an_organisation(), books or some_books()
    verdict = judge(case, organisation, books)
    assert verdict.write is not None
    element = Element(case.milestone.key, verdict.write, case.link.version, case.milestone.version)
    now = replace(case, milestone=later or case.milestone, link=replace(verdict.link, pending_attempt=5))
    link = remember(now, element, outcome, bill, organisation, books, NOW)
    return replace(now, link=link, bill=bill or case.bill)


# ---- Accepted


def test_a_new_bill_is_linked_and_quiet() -> None:
    case = written(unbilled(link=Link(locked_out=None)), WRITTEN, a_bill())
    assert case.link == replace(LINK, asked=TERMS, seen=SEEN)
    assert judge(case).reason is Reason.AWAITING_APPROVAL


def test_what_xero_added_by_itself_is_seen_and_is_no_edit() -> None:
    case = written(unbilled(), WRITTEN, coded(tax="INPUT2", account="429"))
    assert (case.link.seen.tax, case.link.asked.tax) == ("INPUT2", None)
    assert judge(case).reason is Reason.AWAITING_APPROVAL
    assert judge(replace(case, milestone=DEARER)).reason is Reason.UPDATE


def test_a_payee_that_xero_did_not_know_is_remembered_by_its_id() -> None:
    case = written(unbilled(contacts=()), WRITTEN, a_bill())
    assert case.link.asked.contact == CONTACT
    assert judge(replace(case, contacts=KNOWN)).reason is Reason.AWAITING_APPROVAL


def test_an_update_is_remembered_and_quiet() -> None:
    case = written(billed(DEARER), WRITTEN, a_bill(total=DEARER.amount))
    assert (case.link.asked.total, case.link.seen.total) == (DEARER.amount, DEARER.amount)
    assert judge(case).reason is Reason.AWAITING_APPROVAL


def test_a_write_releases_its_attempt_and_forgets_the_lock_that_held_it_up() -> None:
    link = replace(LINK, locked_out=TERMS.date)
    case = written(billed(DEARER, link=link), WRITTEN, a_bill(total=DEARER.amount), an_organisation(on_unlock="sync"))
    assert (case.link.pending_attempt, case.link.locked_out, case.link.refusal) == (None, None, None)


def test_lines_made_one_are_remembered_as_such() -> None:
    overwritten = replace(
        LINK,
        asked=replace(TERMS, lines=2),
        seen=replace(SEEN, lines=2, account="480, 429", description="Second stage, Travel", tax="NONE, INPUT2"),
    )
    case = billed(bill=two_lines(), link=overwritten)
    case = written(case, WRITTEN, coded(tax="INPUT2"))
    assert (case.link.asked.lines, case.link.seen.lines, case.link.seen.tax) == (1, 1, "INPUT2")
    assert judge(replace(case, milestone=DEARER)).reason is Reason.UPDATE


# ---- Edited meanwhile


@pytest.mark.parametrize(
    "edited",
    [{"total": HALF}, {"contact_id": "contact-2"}, {"currency": "AUD"}],
    ids=str,
)
def test_an_edit_between_our_reading_and_our_write_is_reported(edited: dict[str, Any]) -> None:
    later = a_milestone(date=day("2026-07-05"))
    back = a_bill(date=later.date, due_date=day("2026-07-19"), **edited)
    assert judge(written(billed(later), WRITTEN, back)).reason is Reason.CHANGED_IN_XERO


def test_a_text_edited_meanwhile_is_no_less_an_edit() -> None:
    later = a_milestone(date=day("2026-07-05"), due_date=day("2026-07-15"))
    back = replace(coded(description="Aroha"), date=later.date)
    case = written(billed(later), WRITTEN, back)
    assert judge(case).reason is Reason.AWAITING_APPROVAL
    assert judge(replace(case, milestone=replace(later, title="Third stage"))).reason is Reason.EDITED_IN_XERO


def test_money_taken_back_meanwhile_is_reported() -> None:
    updating = an_organisation(paid_bill_edits="where-xero-allows")
    part_paid = a_bill(status=Status.AUTHORISED, paid=HALF)
    back = replace(coded(description="Third stage"), status=Status.AUTHORISED)
    case = written(billed(a_milestone(title="Third stage"), part_paid), WRITTEN, back, updating)
    assert judge(case).reason is Reason.PAYMENT_REVERSED


def test_money_applied_meanwhile_is_remembered() -> None:
    case = written(billed(DEARER), WRITTEN, a_bill(total=DEARER.amount, status=Status.AUTHORISED, paid=HALF))
    assert case.link.settled == HALF


def test_a_change_of_the_platform_during_the_write_is_still_pending() -> None:
    dearest = a_milestone(amount=Decimal("17000.00"), version=3)
    case = written(billed(DEARER), WRITTEN, a_bill(total=DEARER.amount), later=dearest)
    assert judge(case).write.terms.total == dearest.amount


# ---- Refused


def test_a_refusal_is_remembered_and_not_repeated_and_names_what_xero_named() -> None:
    case = written(unbilled(), Outcome(messages=(TAX, "And more.")), None)
    assert (case.link.bill_id, case.link.pending_attempt) == ("", None)
    verdict = judge(case)
    assert case.link.refusal.message == f"{TAX} And more."
    assert (verdict.reason, verdict.message) == (Reason.TAX_INVALID, "OUTPUT2")
    assert judge(replace(case, link=verdict.link)).reason is Reason.TAX_INVALID


def test_a_refused_update_leaves_the_memory_of_the_bill_as_it_was() -> None:
    case = written(billed(DEARER), Outcome(messages=("Something unheard of",)), None)
    assert (case.link.asked, case.link.seen) == (TERMS, SEEN)
    assert judge(case).reason is Reason.REFUSED
    assert judge(replace(case, milestone=a_milestone())).reason is Reason.AWAITING_APPROVAL


def test_a_refusal_ends_with_the_change_that_answers_it() -> None:
    case = written(unbilled(), Outcome(messages=(TAX,)), None)
    assert judge(replace(case, milestone=a_milestone(tax="NONE"))).reason is Reason.CREATE


def test_a_lock_that_we_did_not_know_of_is_a_refusal_until_the_books_show_a_lock() -> None:
    approving = an_organisation(status=Status.AUTHORISED)
    case = written(unbilled(), Outcome(messages=LOCKS), None, approving)
    assert judge(case, approving).reason is Reason.PERIOD_LOCKED
    assert judge(case, approving, some_books(period_lock=day("2026-06-30"))).reason is Reason.CREATE


# ---- Taken without a word, and not done


@pytest.mark.parametrize("status", [Status.SUBMITTED, Status.AUTHORISED])
def test_what_xero_dropped_in_silence_is_a_refusal_and_not_repeated(status: Status) -> None:
    updating = an_organisation(approved_bills="update")
    case = written(billed(DEARER, a_bill(status=status)), WRITTEN, a_bill(status=status), updating)
    verdict = judge(case, updating)
    assert (verdict.reason, verdict.fields) == (Reason.REFUSED, {Field.TOTAL})
    assert verdict.message == "Xero took the change without a word, but kept its own amount."
    assert judge(replace(case, link=verdict.link), updating).reason is Reason.REFUSED


def test_what_xero_dropped_and_somebody_then_does_by_hand_is_quiet() -> None:
    case = written(billed(DEARER), WRITTEN, a_bill())
    assert judge(replace(case, bill=a_bill(total=DEARER.amount))).reason is Reason.AWAITING_APPROVAL


def test_a_new_bill_that_came_out_otherwise_is_flagged_and_not_repeated() -> None:
    case = written(unbilled(), WRITTEN, a_bill(total=HALF))
    assert judge(case).reason is Reason.REFUSED
    assert case.link.bill_id == BILL_ID


def test_a_moved_bill_that_came_out_otherwise_is_not_written_again_and_again() -> None:
    back = a_bill(total=HALF, date=day("2026-08-01"), due_date=day("2026-08-15"))
    case = written(unbilled(), WRITTEN, back, MOVING, LOCKED)
    assert judge(case, MOVING, LOCKED).reason is Reason.REFUSED


def test_a_quiet_field_that_xero_kept_is_no_refusal() -> None:
    later = a_milestone(due_date=day("2026-08-20"))
    case = written(billed(later), WRITTEN, a_bill())
    assert judge(case).reason is Reason.AWAITING_APPROVAL


# ---- Undone, moved, in another sense of tax


def test_what_was_never_done_is_decided_afresh() -> None:
    case = written(unbilled(), Outcome(undone=True), None)
    assert case.link == Link()
    assert judge(case).reason is Reason.CREATE


def test_an_update_that_was_never_done_is_still_pending() -> None:
    case = written(billed(DEARER), Outcome(undone=True), None)
    assert (case.link, judge(case).reason) == (LINK, Reason.UPDATE)


def test_a_moved_date_counts_as_chosen() -> None:
    case = written(unbilled(), WRITTEN, a_bill(date=day("2026-08-01"), due_date=day("2026-08-15")), MOVING, LOCKED)
    assert (case.link.chosen_date, case.link.chosen_for) == (day("2026-08-01"), TERMS.date)
    assert judge(case, MOVING, LOCKED).reason is Reason.AWAITING_APPROVAL
    assert judge(case, MOVING).reason is Reason.AWAITING_APPROVAL


def test_a_date_that_was_not_moved_is_not_chosen() -> None:
    assert written(unbilled(), WRITTEN, a_bill(), MOVING).link.chosen_date is None


def test_a_moved_date_is_not_kept_when_the_platform_has_changed_its_own_meanwhile() -> None:
    later = a_milestone(date=day("2026-09-01"), version=2)
    back = a_bill(date=day("2026-08-01"), due_date=day("2026-08-15"))
    case = written(unbilled(), WRITTEN, back, MOVING, LOCKED, later=later)
    assert case.link.chosen_date is None
    assert judge(case, MOVING, LOCKED).write.terms.date == later.date


def test_a_total_is_remembered_in_the_milestones_sense_of_tax() -> None:
    before_tax = a_milestone(sense=Sense.EXCLUSIVE)
    back = a_bill(total=Decimal("17250.00"), subtotal=AMOUNT, sense=Sense.EXCLUSIVE, lines=(a_line(AMOUNT),))
    case = written(unbilled(before_tax), WRITTEN, back)
    assert (case.link.seen.total, case.link.refusal) == (AMOUNT, None)
    assert judge(case).reason is Reason.AWAITING_APPROVAL


def test_a_payee_merged_during_the_write_is_followed() -> None:
    case = written(unbilled(), WRITTEN, a_bill(contact_id="contact-5"))
    merged = (Contact(CONTACT, "Kererū Trust", archived=True, merged_to="contact-5"),)
    assert judge(replace(case, contacts=merged)).reason is Reason.AWAITING_APPROVAL
