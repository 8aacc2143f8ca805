"""What we read of Xero's answers, as published (Xero-OpenAPI, `xero_accounting.yaml`), and nothing else.

Every field may be absent or null, since answers leave out what is not set and examples disagree with real answers;
`parsing` says which ones are needed. Numbers become `Decimal` straight from their digits, never a float.
"""

from decimal import Decimal
from typing import Any

import msgspec

_CAPITALS = {"id": "ID", "utc": "UTC"}


def xero_name(field: str) -> str:
    """Xero's name of a field: `updated_date_utc` is `UpdatedDateUTC`."""
    return "".join(_CAPITALS.get(word, word.capitalize()) for word in field.split("_"))


class Shape(msgspec.Struct, frozen=True, rename=xero_name):
    """Pascal case, unknown fields ignored."""


class Message(Shape, frozen=True):
    message: str | None = None


class Mark(Shape, frozen=True):
    name: str | None = None
    option: str | None = None


class LineItem(Shape, frozen=True):
    line_item_id: str | None = None
    description: str | None = None
    quantity: Decimal | None = None
    unit_amount: Decimal | None = None
    line_amount: Decimal | None = None
    tax_type: str | None = None
    tax_amount: Decimal | None = None
    account_code: str | None = None
    tracking: tuple[Mark, ...] | None = None


class Payment(Shape, frozen=True):
    date: str | None = None
    status: str | None = None


class Contact(Shape, frozen=True):
    contact_id: str | None = None
    name: str | None = None
    contact_status: str | None = None
    merged_to_contact_id: str | None = None
    updated_date_utc: str | None = None


class Invoice(Shape, frozen=True):
    type: str | None = None
    invoice_id: str | None = None
    invoice_number: str | None = None
    url: str | None = None
    status: str | None = None
    contact: Contact | None = None
    date: str | None = None
    date_string: str | None = None
    due_date: str | None = None
    due_date_string: str | None = None
    planned_payment_date: str | None = None
    currency_code: str | None = None
    line_amount_types: str | None = None
    line_items: tuple[LineItem, ...] | None = None
    sub_total: Decimal | None = None
    total: Decimal | None = None
    amount_due: Decimal | None = None
    amount_paid: Decimal | None = None
    amount_credited: Decimal | None = None
    payments: tuple[Payment, ...] | None = None
    fully_paid_on_date: str | None = None
    updated_date_utc: str | None = None
    updated_date_utc_string: str | None = None


class Pagination(msgspec.Struct, frozen=True, rename="camel"):
    page: int | None = None
    page_count: int | None = None


class Invoices(Shape, frozen=True):
    invoices: tuple[Invoice, ...]
    date_time_utc: str | None = msgspec.field(default=None, name="DateTimeUTC")
    pagination: Pagination | None = msgspec.field(default=None, name="pagination")


class Contacts(Shape, frozen=True):
    contacts: tuple[Contact, ...]
    date_time_utc: str | None = msgspec.field(default=None, name="DateTimeUTC")
    pagination: Pagination | None = msgspec.field(default=None, name="pagination")


class Organisation(Shape, frozen=True):
    organisation_id: str | None = None
    name: str | None = None
    short_code: str | None = None
    base_currency: str | None = None
    timezone: str | None = None
    period_lock_date: str | None = None
    end_of_year_lock_date: str | None = None


class Organisations(Shape, frozen=True):
    organisations: tuple[Organisation, ...]


class Allowance(Shape, frozen=True):
    name: str | None = None
    status: str | None = None


class Actions(Shape, frozen=True):
    actions: tuple[Allowance, ...]


class Account(Shape, frozen=True):
    code: str | None = None
    status: str | None = None
    type: str | None = None
    system_account: str | None = None


class Accounts(Shape, frozen=True):
    accounts: tuple[Account, ...]


class TaxRate(Shape, frozen=True):
    tax_type: str | None = None
    status: str | None = None


class TaxRates(Shape, frozen=True):
    tax_rates: tuple[TaxRate, ...]


class Currency(Shape, frozen=True):
    code: str | None = None


class Currencies(Shape, frozen=True):
    currencies: tuple[Currency, ...]


class Option(Shape, frozen=True):
    name: str | None = None
    status: str | None = None


class TrackingCategory(Shape, frozen=True):
    name: str | None = None
    status: str | None = None
    options: tuple[Option, ...] | None = None
    tracking_category_id: str | None = None


class TrackingCategories(Shape, frozen=True):
    tracking_categories: tuple[TrackingCategory, ...]


class Part(Shape, frozen=True):
    """A line or contact within the answer to a write: only what Xero has against it."""

    validation_errors: tuple[Message, ...] | None = None


class HistoryRecord(Shape, frozen=True):
    changes: str | None = None
    user: str | None = None
    date_utc: str | None = None
    date_utc_string: str | None = None


class History(Shape, frozen=True):
    history_records: tuple[HistoryRecord, ...]


class Attachment(Shape, frozen=True):
    file_name: str | None = None


class Attachments(Shape, frozen=True):
    attachments: tuple[Attachment, ...]


class Echo(Shape, frozen=True):
    """One element of the answer to a write. Its other values are those that were asked for, and prove nothing."""

    invoice_id: str | None = None
    invoice_number: str | None = None
    status_attribute_string: str | None = None
    has_errors: bool | str | None = None
    validation_errors: tuple[Message, ...] | None = None
    line_items: tuple[Part, ...] | None = None
    contact: Part | None = None


class Written(Shape, frozen=True):
    """The answer to a write: `Invoices` with 200, `Elements` with 400."""

    invoices: tuple[Echo, ...] | None = None
    elements: tuple[Echo, ...] | None = None


class Problem(Shape, frozen=True):
    """The body of a refusal of the request as a whole."""

    message: str | None = None
    title: str | None = None
    detail: str | None = None
    elements: tuple[Any, ...] | None = None


class Granted(msgspec.Struct, frozen=True):
    """The answer of the token endpoint, or its error. Never print one."""

    access_token: str = ""
    refresh_token: str = ""
    expires_in: int = 0
    error: str = ""

    def __repr__(self) -> str:
        return "Granted()"


class Claims(msgspec.Struct, frozen=True):
    """What an access token says of itself."""

    scope: str | tuple[str, ...] = ()


class Tenant(msgspec.Struct, frozen=True, rename="camel"):
    """One entry of `GET /connections`; `id` is the connection's, not the tenant's."""

    id: str
    tenant_id: str
    tenant_type: str = ""
    tenant_name: str | None = None
    created_date_utc: str | None = None
