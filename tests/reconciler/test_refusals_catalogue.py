"""Every message of the catalogue M1 to M21 finds its reason, however it is dressed; the rest stays as Xero said it."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.reasons import Reason
from reconciler.refusals import classify, lock_date, named

CATALOGUE: tuple[tuple[str, str, Reason], ...] = (
    ("M1", "Invoice not of valid status for modification", Reason.REFUSED),
    (
        "M2",
        "This document cannot be edited as it has a payment or credit note allocated to it.",
        Reason.BILL_PAID,
    ),
    *(
        (
            "M3",
            f"The status {status} cannot be applied to the invoice because it has payments or credit notes allocated"
            " to it.",
            Reason.BILL_PAID,
        )
        for status in ("VOIDED", "DRAFT", "SUBMITTED", "AUTHORISED")
    ),
    ("M4", "To update fields on a paid invoice line item, you must supply a LineItemID", Reason.BILL_PAID),
    (
        "M5",
        "Date cannot be changed on an invoice that has payment or credit notes allocated to it.",
        Reason.BILL_PAID,
    ),
    (
        "M6",
        "The document date cannot be before the period lock date, currently set at 30-Nov-2018",
        Reason.PERIOD_LOCKED,
    ),
    (
        "M7",
        "The document date cannot be before the end of year lock date, currently set at 31-Jul-2013",
        Reason.YEAR_LOCKED,
    ),
    ("M8", "Invoice not of valid status for creation", Reason.REFUSED),
    ("M9", "One or more line items must be specified", Reason.REFUSED),
    ("M10", "The document DueDate field must be specified", Reason.REFUSED),
    ("M11", "Account code or ID must be specified", Reason.ACCOUNT_UNUSABLE),
    (
        "M11",
        "Account code '200' has been archived, or has been deleted. Each line item must reference a valid account.",
        Reason.ACCOUNT_UNUSABLE,
    ),
    ("M11", "Account code '999' is not a valid code for this document.", Reason.ACCOUNT_UNUSABLE),
    ("M11", "Account must be valid", Reason.ACCOUNT_UNUSABLE),
    ("M12", "The TaxType field is mandatory", Reason.TAX_INVALID),
    ("M12", "The TaxType code 'OUTPUT' cannot be used with account code 'x'.", Reason.TAX_INVALID),
    (
        "M13",
        "The contact with the specified contact details has been archived. The contact must be un-archived before"
        " creating new invoices or credit notes",
        Reason.CONTACT_ARCHIVED,
    ),
    ("M14", "Sorry this was created by Xero Expenses and can't be modified via the API", Reason.BILL_READ_ONLY),
    ("M15", "The description field is mandatory for each line item.", Reason.REFUSED),
    ("M15", "The line total 666.88 does not match the expected line total 666.93", Reason.REFUSED),
    ("M15", "Discounts may not be applied to ACCPAY invoices.", Reason.REFUSED),
    ("M16", "Users Organisation is not subscribed to currency NZD", Reason.CURRENCY_DISABLED),
    ("M16", "Organisation is not subscribed to currency EUR", Reason.CURRENCY_DISABLED),
    ("M17", "Payments can only be made against Authorised documents", Reason.REFUSED),
    ("M17", "Payment amount exceeds the amount outstanding on this document", Reason.REFUSED),
    ("M18", "Invoice # must be unique.", Reason.REFUSED),
    (
        "M19",
        "The User specified does not have the correct permissions to perform this action",
        Reason.NOT_PERMITTED,
    ),
    ("M20", "The quantity value '-x.0000' is invalid. Quantity must not be less than zero.", Reason.REFUSED),
    ("M21", "The document with the supplied id was not found for this endpoint.", Reason.REFUSED),
)
KNOWN = [(text, reason) for _, text, reason in CATALOGUE if reason is not Reason.REFUSED]
UNKNOWN = [text for _, text, reason in CATALOGUE if reason is Reason.REFUSED]
LOCK_DATES = {
    "M6": dt.date(2018, 11, 30),
    "M7": dt.date(2013, 7, 31),
}


def test_the_catalogue_is_complete() -> None:
    assert {number for number, _, _ in CATALOGUE} == {f"M{number}" for number in range(1, 22)}


@pytest.mark.parametrize(("number", "text", "reason"), CATALOGUE)
def test_each_message_has_its_reason_and_its_date(number: str, text: str, reason: Reason) -> None:
    assert classify([text]) is reason
    assert lock_date([text]) == LOCK_DATES.get(number)


@pytest.mark.parametrize(
    ("text", "reason", "code"),
    [
        ("Account code '200' has been archived, or has been deleted.", Reason.ACCOUNT_UNUSABLE, "200"),
        ("Account code \u2018Gr-01\u2019 is not a valid code for this document.", Reason.ACCOUNT_UNUSABLE, "Gr-01"),
        ('account CODE "999" is not a valid code', Reason.ACCOUNT_UNUSABLE, "999"),
        ("Account must be valid", Reason.ACCOUNT_UNUSABLE, ""),
        ("The TaxType code 'OUTPUT' cannot be used with account code 'x'.", Reason.TAX_INVALID, "OUTPUT"),
        ("The TaxType field is mandatory", Reason.TAX_INVALID, ""),
        ("Organisation is not subscribed to currency EUR", Reason.CURRENCY_DISABLED, ""),
    ],
)
def test_the_code_that_a_message_calls_unusable_is_read(text: str, reason: Reason, code: str) -> None:
    assert classify([text]) is reason
    assert named(["Invoice not of valid status for modification", text], reason) == code


@pytest.mark.parametrize(
    ("text", "reason", "day"),
    [
        ("You cannot change transactions on or before the lock date (31 March 2026).", Reason.PERIOD_LOCKED, 31),
        ("This transaction is before the organisation's Lock Date of 31-Mar-2026", Reason.PERIOD_LOCKED, 31),
        ("Sorry, the lockdate is 2026-03-31", Reason.PERIOD_LOCKED, 31),
        ("lock-date: 31/03/2026", Reason.PERIOD_LOCKED, 31),
        ("The period has been locked up to Mar 31, 2026.", Reason.PERIOD_LOCKED, 31),
        ("The date falls in a locked period", Reason.PERIOD_LOCKED, None),
        ("The accounting period is closed", Reason.PERIOD_LOCKED, None),
        ("The books are locked to 31st March 2026", Reason.PERIOD_LOCKED, 31),
        ("The date is before the year-end lock date 31 Mar 2026", Reason.YEAR_LOCKED, 31),
        ("Advisers' lock date: 31.03.2026", Reason.YEAR_LOCKED, 31),
        ("This financial year has been locked.", Reason.YEAR_LOCKED, None),
        ("Bill of 15-Oct-2026: the date cannot be before the lock date, now 31-Mar-2026", Reason.PERIOD_LOCKED, 31),
        ("31-Mar-2026 is your lock date", Reason.PERIOD_LOCKED, 31),
    ],
)
def test_a_lock_is_known_in_words_not_seen_before(text: str, reason: Reason, day: int | None) -> None:
    assert classify([text]) is reason
    assert lock_date([text]) == (dt.date(2026, 3, day) if day else None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Invoice cannot be modified: prepayments have been applied, and a payment was allocated", Reason.BILL_PAID),
        ("This contact is archived and cannot be used", Reason.CONTACT_ARCHIVED),
        ("You cannot bill an archived contact", Reason.CONTACT_ARCHIVED),
        ("The currency EUR has not been enabled for this organisation", Reason.CURRENCY_DISABLED),
        ("The selected tax rate is not valid", Reason.TAX_INVALID),
        ("The account 480 is archived", Reason.ACCOUNT_UNUSABLE),
        ("You do not have permission to approve bills", Reason.NOT_PERMITTED),
        ("The user is not authorised to approve", Reason.NOT_PERMITTED),
        ("Your pricing plan does not allow more bills", Reason.NOT_PERMITTED),
    ],
)
def test_a_cause_is_known_in_words_not_seen_before(text: str, reason: Reason) -> None:
    assert classify([text]) is reason


@pytest.mark.parametrize(
    "text",
    [
        "The account is new to us",
        "Please unlock your phone and note the date",
        "The contact has no name",
        "Something that nobody has seen before",
        "Payment terms are missing",
        "The invoice is not authorised",
    ],
)
def test_what_only_sounds_alike_is_not_taken_for_a_known_cause(text: str) -> None:
    assert classify([text]) is Reason.REFUSED


def _quoted(text: str) -> str:
    return text.replace("'", "\u2019")


DRESSES: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.lower,
    str.title,
    _quoted,
    lambda text: re.sub(r"\s", "  ", text),
    lambda text: re.sub(r"\s", "\u00a0", text),
    lambda text: text.replace(" ", "\n", 1),
    lambda text: text.replace(" ", "\n"),
    lambda text: text.rstrip(".") + " !",
    lambda text: text.replace(", ", " \u2013 "),
    lambda text: text.replace("-", " ") if "currently" not in text else text,
    lambda text: f"A validation exception occurred: {text}",
    lambda text: f"Bill INV-7 (Kea Trust, 15-Oct-2026): {text} [code 10]",
    lambda text: f"* {text} *",
)


@given(st.sampled_from(KNOWN), st.lists(st.sampled_from(DRESSES), max_size=4))
def test_a_known_message_is_known_in_any_dress(
    message: tuple[str, Reason], dresses: list[Callable[[str], str]]
) -> None:
    text, reason = message
    for dress in dresses:
        text = dress(text)
    assert classify([text]) is reason


@given(st.sampled_from(KNOWN), st.lists(st.sampled_from(UNKNOWN), max_size=4), st.randoms())
def test_a_known_message_is_found_among_unknown_ones_in_any_order(message, others, dice) -> None:
    texts = [message[0], *others]
    dice.shuffle(texts)
    assert classify(texts) is message[1]
    assert classify([" ".join(text.rstrip(".") + "." for text in texts)]) is message[1]


@given(st.permutations([text for _, text, _ in CATALOGUE]), st.integers(1, 6))
def test_the_order_of_messages_never_counts(texts, size) -> None:
    some = texts[:size]
    assert classify(some) is classify(some[::-1])
    assert lock_date(some) == lock_date(some[::-1])


FORMS = ("{d:%d-%b-%Y}", "{d:%d %B %Y}", "{d:%Y-%m-%d}", "{d.day} {d:%b} {d.year}", "{d:%B} {d.day}, {d.year}")


@given(st.dates(dt.date(2001, 1, 1), dt.date(2099, 12, 31)), st.sampled_from(FORMS), st.sampled_from((str, str.upper)))
def test_a_lock_date_is_read_in_every_form_that_can_be_read_in_one_way(day, form, case) -> None:
    text = case(f"The document date cannot be before the period lock date, currently set at {form.format(d=day)}.")
    assert (classify([text]), lock_date([text])) == (Reason.PERIOD_LOCKED, day)


@given(st.dates(dt.date(2001, 1, 1), dt.date(2099, 12, 31)))
def test_a_date_in_figures_is_read_only_when_it_can_mean_one_day(day) -> None:
    found = lock_date([f"The lock date is {day:%d/%m/%Y}"])
    assert found == (day if day.day > 12 or day.day == day.month else None)


@given(st.dates(dt.date(2001, 1, 1), dt.date(2099, 12, 31)), st.dates(dt.date(2001, 1, 1), dt.date(2099, 12, 31)))
def test_of_both_locks_the_later_counts_in_one_message_or_in_two(period, year) -> None:
    first = f"The document date cannot be before the period lock date, currently set at {period:%d-%b-%Y}"
    second = f"The document date cannot be before the end of year lock date, currently set at {year:%d-%b-%Y}"
    reason = Reason.PERIOD_LOCKED if period > year else Reason.YEAR_LOCKED
    for texts in ([first, second], [second, first], [f"{first}. {second}"], [f"{first}\n{second}"]):
        assert (classify(texts), lock_date(texts)) == (reason, max(period, year))


@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_text_at_all_is_read_without_a_stumble(texts) -> None:
    assert isinstance(classify(texts), Reason)
    assert lock_date(texts) is None or classify(texts) in (Reason.PERIOD_LOCKED, Reason.YEAR_LOCKED)
