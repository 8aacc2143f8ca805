"""What is written and what is left alone: new bills, adopted ones, updates, edits in Xero, refusals, watching."""

from decimal import Decimal
from typing import Any

import pytest
from case_builders import (
    AMOUNT,
    BILL_ID,
    LINK,
    NOW,
    NUMBER,
    TERMS,
    URL,
    a_bill,
    a_line,
    a_milestone,
    an_organisation,
    billed,
    coded,
    day,
    judge,
    linked,
    some_books,
    unbilled,
)
from decision_table import ALIKE, DEARER, HALF, NO, TABLE, TWICE, UPDATING, Row
from msgspec.structs import replace

from reconciler.decide import decide
from reconciler.due import Due
from reconciler.model import Case, Contact, Field, Link, Sense, Status, Write
from reconciler.organisation import Mode
from reconciler.reasons import Action, Reason

APPROVED = a_bill(status=Status.AUTHORISED)
CANCELLED = a_milestone(cancelled=True)
WATCH = an_organisation(mode=Mode.WATCH)
UPDATING_WATCHED = replace(UPDATING, mode=Mode.WATCH)


# ---- Creating


def test_a_new_bill_says_what_the_milestone_says() -> None:
    verdict = judge(unbilled())
    assert verdict.write == Write(terms=TERMS, status=Status.SUBMITTED, number=NUMBER, url=URL)


def test_a_new_bill_falls_back_on_the_organisations_settings() -> None:
    organisation = an_organisation(
        account="429", tax="INPUT2", sense=Sense.EXCLUSIVE, due=Due(30), tracking=(("Region", "North"),), currency="AUD"
    )
    terms = judge(unbilled(), organisation).write.terms
    assert (terms.account, terms.tax, terms.sense) == ("429", "INPUT2", Sense.EXCLUSIVE)
    assert (terms.due_date, terms.tracking, terms.currency) == (day("2026-07-31"), (("Region", "North"),), "AUD")


@pytest.mark.parametrize(
    ("template", "changes", "text"),
    [
        ("{description}", {}, "Second stage"),
        ("{description}", {"description": "For the roof"}, "For the roof"),
        ("{title} ({key}): {description}", {"description": "For the roof"}, "Second stage (M1): For the roof"),
        ("{{{payee}}}", {"payee": "{key} & Co"}, "{{key} & Co}"),
        ("{description}", {"description": "x" * 4_500}, "x" * 4_000),
    ],
)
def test_the_line_of_a_bill_says_what_the_template_says(template: str, changes: dict[str, str], text: str) -> None:
    verdict = judge(unbilled(a_milestone(**changes)), an_organisation(description=template))
    assert verdict.write.terms.description == text


def test_what_the_milestone_says_of_itself_overrides_the_settings() -> None:
    organisation = an_organisation(
        account="429", tax="INPUT2", currency="AUD", tracking=(("Region", "North"), ("Fund", "Arts"))
    )
    own = a_milestone(
        account="480",
        tax="NONE",
        currency="NZD",
        sense=Sense.EXCLUSIVE,
        due_date=day("2026-09-01"),
        description="For the hall",
        tracking=(("Region", "South"),),
    )
    terms = judge(unbilled(own), organisation).write.terms
    assert (terms.account, terms.tax, terms.currency, terms.sense) == ("480", "NONE", "NZD", Sense.EXCLUSIVE)
    assert (terms.due_date, terms.description) == (day("2026-09-01"), "For the hall")
    assert terms.tracking == (("Fund", "Arts"), ("Region", "South"))


def test_a_bill_without_tax_names_no_tax_type() -> None:
    assert judge(unbilled(a_milestone(sense=Sense.NO_TAX, tax="INPUT2"))).write.terms.tax is None


def test_a_third_bill_carries_the_number_of_its_generation() -> None:
    assert judge(unbilled(link=Link(generation=3))).write.number == "GRANT-M1-3"


def test_more_tracking_categories_than_a_line_takes_are_not_sent() -> None:
    three = a_milestone(tracking=(("Fund", "Arts"), ("Region", "North"), ("Year", "2026")))
    two = replace(three, tracking=three.tracking[:2])
    assert judge(unbilled(three)).reason is Reason.TRACKING_UNUSABLE
    assert judge(unbilled(two)).reason is Reason.CREATE


def test_while_the_lists_are_unknown_nothing_counts_as_unusable() -> None:
    odd = a_milestone(account="999", tax="X", currency="XXX", tracking=(("A", "B"),))
    unknown = some_books(accounts=None, taxes=None, currencies=None, tracking=None)
    assert judge(unbilled(odd), books=unknown).reason is Reason.CREATE


# ---- Adopting, and bills that may be the same


def test_a_bill_of_ours_that_equals_the_milestone_is_adopted() -> None:
    link = judge(unbilled(ours=(a_bill(paid=HALF, status=Status.AUTHORISED),))).link
    assert (link.bill_id, link.settled) == (BILL_ID, HALF)
    assert (link.asked.total, link.seen.total) == (AMOUNT, AMOUNT)


def test_a_bill_of_ours_that_differs_is_linked_and_left_alone() -> None:
    verdict = judge(unbilled(DEARER, ours=(a_bill(),)))
    assert (verdict.link.bill_id, verdict.link.asked, verdict.write) == (BILL_ID, None, None)
    assert verdict.fields == {Field.TOTAL}


def test_of_several_bills_of_ours_none_is_adopted() -> None:
    verdict = judge(unbilled(ours=TWICE))
    assert (verdict.link.bill_id, set(verdict.others)) == ("", {"bill-1", "bill-2"})


def test_a_bill_like_it_is_quiet_after_bill_it_all_the_same() -> None:
    link = Link(accepted=((Reason.POSSIBLE_DUPLICATE, "bill-7"),))
    assert judge(unbilled(similar=ALIKE, link=link)).reason is Reason.CREATE


def test_a_further_bill_like_it_is_asked_about_again() -> None:
    link = Link(accepted=((Reason.POSSIBLE_DUPLICATE, "bill-7"),))
    more = (*ALIKE, a_bill(bill_id="bill-8", number="INV-8", url=""))
    verdict = judge(unbilled(similar=more, link=link))
    assert verdict.reason is Reason.POSSIBLE_DUPLICATE
    assert "bill-8" in verdict.others


def test_all_unlinked_bills_of_a_cancelled_milestone_are_named() -> None:
    two = (a_bill(), a_bill(bill_id="bill-2", status=Status.PAID))
    verdict = judge(unbilled(CANCELLED, ours=two))
    assert verdict.reason is Reason.PAID_NOT_WANTED
    assert set(verdict.others) == {"bill-1", "bill-2"}


# ---- Holds


@pytest.mark.parametrize(
    "action", [row for row in TABLE if row.reason in (Reason.CREATE, Reason.UPDATE)], ids=lambda r: r.when
)
def test_while_paused_nothing_is_written(action: Row) -> None:
    verdict = decide(action.case, action.organisation, replace(action.books, hold=Reason.PAUSED), NOW)
    assert (verdict.action, verdict.write) == (Action.HOLD, None)


def test_a_hold_says_what_it_was_told() -> None:
    assert judge(unbilled(), books=some_books(hold=Reason.MASS_CHANGE, hold_detail="12 bills")).message == "12 bills"


def test_a_hold_leaves_the_memory_alone() -> None:
    link = replace(LINK, refusal=NO, locked_out=TERMS.date, settled=HALF)
    assert judge(billed(link=link), books=some_books(hold=Reason.XERO_UNAVAILABLE)).link == link


def test_a_bill_that_was_never_read_is_not_a_missing_one() -> None:
    assert judge(Case(a_milestone(), LINK)).reason is Reason.FACTS_STALE
    assert judge(Case(a_milestone(), LINK, missing=True)).reason is Reason.BILL_MISSING


# ---- Updating


def test_an_update_sends_what_is_pending_and_leaves_the_rest_as_xero_has_it() -> None:
    theirs = coded(account="429", description="Aroha", tax="INPUT2")
    moved = a_milestone(date=day("2026-07-05"), due_date=TERMS.due_date)
    write = judge(billed(moved, theirs)).write
    assert write.fields == {Field.DATE}
    assert (write.terms.date, write.terms.account, write.terms.description) == (day("2026-07-05"), "429", "Aroha")
    assert (write.bill_id, write.number, write.status) == (BILL_ID, NUMBER, Status.SUBMITTED)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"amount": Decimal("1.00")}, {Field.TOTAL}),
        ({"date": day("2026-07-02")}, {Field.DATE, Field.DUE_DATE}),
        ({"due_date": day("2026-07-30")}, {Field.DUE_DATE}),
        ({"title": "Third stage"}, {Field.DESCRIPTION}),
        ({"account": "429"}, {Field.ACCOUNT}),
        ({"tax": "INPUT2"}, {Field.TAX}),
        ({"tracking": (("Region", "North"),)}, {Field.TRACKING}),
        ({"sense": Sense.EXCLUSIVE}, {Field.SENSE}),
    ],
    ids=lambda value: "-".join(sorted(map(str, value))),
)
def test_a_change_of_the_milestone_is_pending_in_its_fields_alone(changes: dict[str, Any], fields: set[Field]) -> None:
    assert judge(billed(a_milestone(**changes))).write.fields == fields


def test_an_amount_is_sent_with_its_own_sense_of_tax() -> None:
    other_sense = a_bill(sense=Sense.NO_TAX)
    seen = replace(LINK, seen=replace(LINK.seen, sense=Sense.NO_TAX))
    assert judge(billed(DEARER, other_sense, link=seen)).write.fields == {Field.TOTAL, Field.SENSE}


def test_a_total_is_compared_in_the_milestones_sense_of_tax() -> None:
    taxed = a_bill(total=Decimal("17250.00"), subtotal=AMOUNT, sense=Sense.EXCLUSIVE)
    before_tax = an_organisation(sense=Sense.EXCLUSIVE)
    assert judge(linked(bill=taxed), before_tax).reason is Reason.AWAITING_APPROVAL
    assert judge(linked(bill=taxed)).reason is Reason.LINK_DIFFERS


def test_a_new_sense_of_tax_on_the_platform_is_no_edit_in_xero() -> None:
    taxed = a_bill(total=AMOUNT, subtotal=Decimal("13043.48"), lines=(a_line(AMOUNT, tax="INPUT2"),))
    link = replace(LINK, seen=replace(LINK.seen, tax="INPUT2"))
    verdict = judge(billed(a_milestone(sense=Sense.EXCLUSIVE), taxed, link=link))
    assert verdict.reason is Reason.UPDATE
    assert verdict.write.fields == {Field.TOTAL, Field.SENSE}
    assert (verdict.write.terms.total, verdict.write.terms.sense) == (AMOUNT, Sense.EXCLUSIVE)


def test_an_amount_edited_in_xero_stays_an_edit_under_a_new_sense_of_tax() -> None:
    edited = a_bill(total=HALF, subtotal=Decimal("6521.74"))
    assert judge(billed(a_milestone(sense=Sense.EXCLUSIVE), edited)).action is Action.FLAG


def test_without_an_opinion_nothing_is_pending() -> None:
    """A tax type or an account taken out of the settings leaves what Xero has."""
    link = replace(LINK, asked=replace(TERMS, tax="NONE"))
    assert judge(billed(link=link), an_organisation(account="")).reason is Reason.AWAITING_APPROVAL


def test_a_foreign_bill_is_compared_and_written_in_its_own_currency() -> None:
    abroad = a_milestone(currency="AUD")
    asked = replace(LINK, asked=replace(TERMS, currency="AUD"), seen=replace(LINK.seen, currency="AUD"))
    theirs = a_bill(currency="AUD")
    assert judge(billed(abroad, theirs, link=asked)).reason is Reason.AWAITING_APPROVAL
    write = judge(billed(replace(abroad, amount=HALF), theirs, link=asked)).write
    assert (write.terms.currency, write.terms.total, write.fields) == ("AUD", HALF, {Field.TOTAL})


@pytest.mark.parametrize("wanted", ["", "AUD"])
def test_a_currency_that_xero_lost_is_found_before_any_write(wanted: str) -> None:
    abroad = a_milestone(currency="AUD", amount=HALF)
    asked = replace(LINK, asked=replace(TERMS, currency="AUD"), seen=replace(LINK.seen, currency="AUD"))
    gone = some_books(currencies=frozenset({"NZD"}))
    assert judge(billed(abroad, a_bill(currency="AUD"), link=asked), books=gone).reason is Reason.CURRENCY_DISABLED


def test_a_contact_merge_in_xero_is_followed() -> None:
    merged = (Contact("contact-1", "Kererū Trust", archived=True, merged_to="contact-5"),)
    case = billed(bill=a_bill(contact_id="contact-5"), contacts=merged)
    assert judge(case).reason is Reason.AWAITING_APPROVAL
    assert judge(unbilled(contacts=merged)).write.terms.contact == "contact-5"


def test_of_two_contacts_of_a_name_the_one_on_the_bill_is_meant() -> None:
    twins = (Contact("contact-0", "Kererū Trust"), Contact("contact-1", "Kererū Trust"))
    assert judge(billed(contacts=twins)).reason is Reason.AWAITING_APPROVAL
    assert judge(billed(DEARER, contacts=twins)).write.fields == {Field.TOTAL}


def test_an_approved_bill_is_updated_under_its_own_status() -> None:
    write = judge(billed(DEARER, APPROVED), UPDATING).write
    assert write.status is Status.AUTHORISED


def test_an_approved_bill_on_an_archived_account_is_not_touched() -> None:
    later = a_milestone(due_date=day("2026-08-01"))
    gone = some_books(accounts=frozenset({"429"}))
    assert judge(billed(later, APPROVED), UPDATING, gone).reason is Reason.ACCOUNT_UNUSABLE
    assert judge(billed(later), books=gone).reason is Reason.UPDATE


def test_an_approved_bill_is_not_touched_by_whoever_may_not_approve() -> None:
    assert judge(billed(DEARER, APPROVED), UPDATING, some_books(may_approve=False)).reason is Reason.NOT_PERMITTED
    assert judge(billed(DEARER), books=some_books(may_approve=False)).reason is Reason.UPDATE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"title": "Third stage"}, Reason.UPDATE),
        ({"account": "429"}, Reason.UPDATE),
        ({"due_date": day("2026-08-01")}, Reason.UPDATE),
        ({"tracking": (("Region", "North"),)}, Reason.UPDATE),
        ({"amount": HALF}, Reason.BILL_PAID),
        ({"date": day("2026-07-02")}, Reason.BILL_PAID),
        ({"tax": "INPUT2"}, Reason.BILL_PAID),
        ({"sense": Sense.EXCLUSIVE}, Reason.BILL_PAID),
        ({"currency": "AUD"}, Reason.BILL_PAID),
        ({"amount": HALF, "title": "Third stage"}, Reason.BILL_PAID),
    ],
    ids=str,
)
def test_a_paid_bill_takes_what_xero_takes_and_nothing_beside(changes: dict[str, Any], reason: Reason) -> None:
    case = billed(a_milestone(**changes), a_bill(status=Status.PAID))
    assert judge(case, an_organisation(paid_bill_edits="where-xero-allows")).reason is reason


def test_a_paid_bill_takes_another_payee_where_xero_does() -> None:
    case = billed(a_milestone(payee="Tūī Trust"), a_bill(status=Status.PAID), contacts=(Contact("c2", "Tūī Trust"),))
    assert judge(case, an_organisation(paid_bill_edits="where-xero-allows")).write.fields == {Field.CONTACT}
    assert judge(case).reason is Reason.BILL_PAID


def test_a_paid_bill_of_nothing_is_a_paid_bill() -> None:
    free = a_bill(status=Status.PAID, total=Decimal(0))
    assert (
        judge(billed(a_milestone(title="Third stage"), free), an_organisation(xero_edits="accept")).reason
        is Reason.BILL_PAID
    )
