"""What Xero says when it refuses, word for word.

Xero publishes no list of its validation messages. These texts are those that integrators have seen in answers of the
live API and reported in public (Stack Overflow 52517629; XeroAPI issues Xero-NetStandard#79 and #84, Xero-Net#198;
the tests of pyxero; xeroizer#92; help pages of Dext, CiviCRM, yourtradebase, Actionstep and others).
"""

from datetime import date
from decimal import Decimal

NOT_MODIFIABLE = "Invoice not of valid status for modification"
HAS_ALLOCATIONS = "This document cannot be edited as it has a payment or credit note allocated to it."
LINE_ID_NEEDED = "To update fields on a paid invoice line item, you must supply a LineItemID"
DATE_FIXED = "Date cannot be changed on an invoice that has payment or credit notes allocated to it."
NOT_CREATABLE = "Invoice not of valid status for creation"
NO_LINES = "One or more line items must be specified"
NO_DUE_DATE = "The document DueDate field must be specified"
NO_ACCOUNT = "Account code or ID must be specified"
BAD_ACCOUNT = "Account must be valid"
NO_TAX_TYPE = "The TaxType field is mandatory"
CONTACT_ARCHIVED = (
    "The contact with the specified contact details has been archived."
    " The contact must be un-archived before creating new invoices or credit notes"
)
EXPENSES_BILL = "Sorry this was created by Xero Expenses and can't be modified via the API"
NO_DESCRIPTION = "The description field is mandatory for each line item."
NO_DISCOUNTS = "Discounts may not be applied to ACCPAY invoices."
NOT_AUTHORISED = "Payments can only be made against Authorised documents"
TOO_MUCH = "Payment amount exceeds the amount outstanding on this document"
NOT_UNIQUE = "Invoice # must be unique."
NOT_PERMITTED = "The User specified does not have the correct permissions to perform this action"
NO_DOCUMENT = "The document with the supplied id was not found for this endpoint."
NO_CONTACT = "A Contact must be specified for this type of transaction"
UNKNOWN_CONTACT = "The contact with the specified contact details could not be found"
NO_TYPE = "A valid Type must be specified"
NUMBER_TOO_LONG = "Invoice # must not be more than 255 characters."
URL_NOT_ALLOWED = "The Url must be absolute and must not contain 'xero'"
TOO_MANY_CATEGORIES = "A line item may have at most 2 tracking categories"
FILE_EMPTY = "The attachment has no content."  # our wording, as is the next one
TOO_MANY_FILES = "A document may have at most 10 attachments."
NOTE_LENGTH = "Details must be between 1 and 2500 characters long"
LOCKED_EDIT = "This document cannot be changed because it is dated on or before the lock date, currently set at {date}"


def day(value: date) -> str:
    """The form of dates inside lock messages, `dd-MMM-yyyy`, in English whatever the locale."""
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{value.day:02d}-{months[value.month - 1]}-{value.year:04d}"


def period_locked(lock: date, subject: str = "document") -> str:
    return f"The {subject} date cannot be before the period lock date, currently set at {day(lock)}"


def year_locked(lock: date, subject: str = "document") -> str:
    return f"The {subject} date cannot be before the end of year lock date, currently set at {day(lock)}"


def status_barred(status: str) -> str:
    return (
        f"The status {status} cannot be applied to the invoice because it has payments or credit notes allocated to it."
    )


def account_archived(code: str) -> str:
    return (
        f"Account code '{code}' has been archived, or has been deleted. Each line item must reference a valid account."
    )


def account_unknown(code: str) -> str:
    return f"Account code '{code}' is not a valid code for this document."


def tax_unusable(tax_type: str, code: str) -> str:
    return f"The TaxType code '{tax_type}' cannot be used with account code '{code}'."


def line_total(given: Decimal, expected: Decimal) -> str:
    return f"The line total {given} does not match the expected line total {expected}"


def currency_missing(code: str) -> str:
    return f"Organisation is not subscribed to currency {code}"


def quantity_negative(quantity: Decimal) -> str:
    return f"The quantity value '{quantity:.4f}' is invalid. Quantity must not be less than zero."


def tracking_unknown(name: str) -> str:
    return f"The tracking category or option '{name}' does not exist"


def option_unusable(name: str) -> str:
    """Our wording: Xero's own is not known."""
    return f"A tracking option needs a name that no other option of its category has, which '{name}' is not"


def name_taken(name: str) -> str:
    return (
        f"The contact name {name} is already assigned to another contact."
        " The contact name must be unique across all active contacts."
    )
