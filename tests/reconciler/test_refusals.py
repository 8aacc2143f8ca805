"""Xero's words lead to the reason that an accountant can act on, and unknown words are kept as they are."""

import datetime as dt

import pytest

from reconciler.reasons import Reason
from reconciler.refusals import classify, lock_date

PERIOD = "The document date cannot be before the period lock date, currently set at 30-Nov-2018"
YEAR = "The document date cannot be before the end of year lock date, currently set at 31-Jul-2013"
NOT_MODIFIABLE = "Invoice not of valid status for modification"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (NOT_MODIFIABLE, Reason.REFUSED),
        (
            "This document cannot be edited as it has a payment or credit note allocated to it.",
            Reason.BILL_PAID,
        ),
        (
            "The status VOIDED cannot be applied to the invoice because it has payments or credit notes allocated to"
            " it.",
            Reason.BILL_PAID,
        ),
        ("To update fields on a paid invoice line item, you must supply a LineItemID", Reason.BILL_PAID),
        ("Date cannot be changed on an invoice that has payment or credit notes allocated to it.", Reason.BILL_PAID),
        (PERIOD, Reason.PERIOD_LOCKED),
        (YEAR, Reason.YEAR_LOCKED),
        (
            "This document cannot be changed because it is dated on or before the lock date, currently set at"
            " 30-Nov-2018",
            Reason.PERIOD_LOCKED,
        ),
        ("The Lock  Date has been set", Reason.PERIOD_LOCKED),
        ("Invoice not of valid status for creation", Reason.REFUSED),
        ("One or more line items must be specified", Reason.REFUSED),
        ("The document DueDate field must be specified", Reason.REFUSED),
        ("Account code or ID must be specified", Reason.ACCOUNT_UNUSABLE),
        (
            "Account code '200' has been archived, or has been deleted. Each line item must reference a valid account.",
            Reason.ACCOUNT_UNUSABLE,
        ),
        ("Account code '999' is not a valid code for this document.", Reason.ACCOUNT_UNUSABLE),
        ("Account must be valid", Reason.ACCOUNT_UNUSABLE),
        ("The TaxType field is mandatory", Reason.TAX_INVALID),
        ("The TaxType code 'OUTPUT' cannot be used with account code 'x'.", Reason.TAX_INVALID),
        (
            "The contact with the specified contact details has been archived. The contact must be un-archived before"
            " creating new invoices or credit notes",
            Reason.CONTACT_ARCHIVED,
        ),
        ("Sorry this was created by Xero Expenses and can't be modified via the API", Reason.BILL_READ_ONLY),
        ("The description field is mandatory for each line item.", Reason.REFUSED),
        ("The line total 666.88 does not match the expected line total 666.93", Reason.REFUSED),
        ("Discounts may not be applied to ACCPAY invoices.", Reason.REFUSED),
        ("Users Organisation is not subscribed to currency NZD", Reason.CURRENCY_DISABLED),
        ("Organisation is not subscribed to currency EUR", Reason.CURRENCY_DISABLED),
        ("Payments can only be made against Authorised documents", Reason.REFUSED),
        ("Payment amount exceeds the amount outstanding on this document", Reason.REFUSED),
        ("Invoice # must be unique.", Reason.REFUSED),
        ("The User specified does not have the correct permissions to perform this action", Reason.NOT_PERMITTED),
        ("The quantity value '-1.0000' is invalid. Quantity must not be less than zero.", Reason.REFUSED),
        ("The document with the supplied id was not found for this endpoint.", Reason.REFUSED),
        ("The tracking category or option 'Far' does not exist", Reason.TRACKING_UNUSABLE),
        ("Something that nobody has seen before", Reason.REFUSED),
        ("", Reason.REFUSED),
    ],
)
def test_each_known_text_has_its_reason(message: str, reason: Reason) -> None:
    assert classify([message]) is reason


def test_the_text_that_tells_more_wins_whatever_its_place() -> None:
    allocated = "This document cannot be edited as it has a payment or credit note allocated to it."
    assert classify([NOT_MODIFIABLE, allocated]) is Reason.BILL_PAID
    assert classify(["Account must be valid", PERIOD]) is Reason.PERIOD_LOCKED


def test_of_two_locks_the_later_one_is_named() -> None:
    assert classify([PERIOD, YEAR]) is Reason.PERIOD_LOCKED
    assert classify([PERIOD, YEAR.replace("31-Jul-2013", "31-Dec-2018")]) is Reason.YEAR_LOCKED


def test_of_two_locks_on_one_day_the_end_of_year_lock_is_named() -> None:
    assert classify([PERIOD, YEAR.replace("31-Jul-2013", "30-Nov-2018")]) is Reason.YEAR_LOCKED


def test_no_message_at_all_is_refused_without_a_guess() -> None:
    assert classify([]) is Reason.REFUSED


@pytest.mark.parametrize("form", ["30-Nov-2018", "30 November 2018", "30 NOV 2018", "2018-11-30"])
def test_the_lock_date_is_read_from_its_forms(form: str) -> None:
    assert lock_date([f"locked: the lock date is {form}."]) == dt.date(2018, 11, 30)


@pytest.mark.parametrize("text", ["lock date 11/12/2018", "lock date 31-Foo-2018", "lock date 31-Feb-2018", "no date"])
def test_a_date_that_could_mean_two_days_is_not_guessed(text: str) -> None:
    assert lock_date([text]) is None


def test_a_date_in_another_message_is_not_the_lock_date() -> None:
    assert lock_date(["The invoice of 30-Nov-2018 is too old", YEAR]) == dt.date(2013, 7, 31)
