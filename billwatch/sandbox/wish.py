"""What a caller asks for: the JSON of one invoice, contact or payment, read into plain values.

None always means "not sent"; an explicit null counts as not sent, as it does at Xero.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

_MS_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_TOO_LARGE = Decimal(10) ** 14
_CONTACT_FIELDS = {
    "ContactNumber": "number",
    "AccountNumber": "account_number",
    "FirstName": "first_name",
    "LastName": "last_name",
    "EmailAddress": "email",
}


class Malformed(ValueError):
    """The body is not what the API can read; answered with 400, `Type` and `Message`, and no `Elements`."""


@dataclass(frozen=True, slots=True)
class ContactWish:
    contact_id: str | None = None
    name: str | None = None
    number: str | None = None
    fields: tuple[tuple[str, str], ...] = ()  # other fields of the contact itself, by attribute name
    status: str | None = None


@dataclass(frozen=True, slots=True)
class MarkWish:
    category_id: str | None
    option_id: str | None
    category: str | None
    option: str | None


@dataclass(frozen=True, slots=True)
class LineWish:
    line_id: str | None = None
    description: str | None = None
    quantity: Decimal | None = None
    unit_amount: Decimal | None = None
    line_amount: Decimal | None = None
    tax_type: str | None = None
    tax_amount: Decimal | None = None
    account_code: str | None = None
    account_id: str | None = None
    tracking: tuple[MarkWish, ...] | None = None
    item_code: str | None = None
    discounted: bool = False


@dataclass(frozen=True, slots=True)
class BillWish:
    bill_id: str | None = None
    type: str | None = None
    contact: ContactWish | None = None
    day: date | None = None
    due: date | None = None
    planned: date | None = None
    number: str | None = None
    reference: str | None = None
    url: str | None = None
    currency: str | None = None
    rate: Decimal | None = None
    status: str | None = None
    amount_types: str | None = None
    lines: tuple[LineWish, ...] | None = None


@dataclass(frozen=True, slots=True)
class PaymentWish:
    bill_id: str | None
    bill_number: str | None
    account_code: str | None
    account_id: str | None
    day: date | None
    amount: Decimal | None
    reference: str
    reconciled: bool


def bill(raw: Any) -> BillWish:
    item = _object(raw)
    lines = item.get("LineItems")
    return BillWish(
        bill_id=_identity(item.get("InvoiceID")),
        type=_text(item.get("Type")),
        contact=None if item.get("Contact") is None else contact(item["Contact"]),
        day=_day(item.get("Date")) or _day(item.get("DateString")),
        due=_day(item.get("DueDate")) or _day(item.get("DueDateString")),
        planned=_day(item.get("PlannedPaymentDate")),
        number=_text(item.get("InvoiceNumber")),
        reference=_text(item.get("Reference")),
        url=_text(item.get("Url")),
        currency=_text(item.get("CurrencyCode")),
        rate=_number(item.get("CurrencyRate")),
        status=_text(item.get("Status")),
        amount_types=_amount_types(item.get("LineAmountTypes")),
        lines=None if lines is None else tuple(line(entry) for entry in _list(lines)),
    )


def line(raw: Any) -> LineWish:
    item = _object(raw)
    tracking = item.get("Tracking")
    return LineWish(
        line_id=_identity(item.get("LineItemID")),
        description=_text(item.get("Description")),
        quantity=_number(item.get("Quantity")),
        unit_amount=_number(item.get("UnitAmount")),
        line_amount=_number(item.get("LineAmount")),
        tax_type=_text(item.get("TaxType")),
        tax_amount=_number(item.get("TaxAmount")),
        account_code=_text(item.get("AccountCode")),
        account_id=_identity(item.get("AccountID") or item.get("AccountId")),
        tracking=None if tracking is None else tuple(_mark(entry) for entry in _list(tracking)),
        item_code=_text(item.get("ItemCode")),
        discounted=bool(_number(item.get("DiscountRate")) or _number(item.get("DiscountAmount"))),
    )


def contact(raw: Any) -> ContactWish:
    item = _object(raw)
    fields = tuple((own, _text(item[key]) or "") for key, own in _CONTACT_FIELDS.items() if item.get(key) is not None)
    return ContactWish(
        contact_id=_identity(item.get("ContactID")),
        name=_text(item.get("Name")),
        number=_text(item.get("ContactNumber")),
        fields=fields,
        status=_text(item.get("ContactStatus")),
    )


def payment(raw: Any) -> PaymentWish:
    item = _object(raw)
    invoice = _object(item.get("Invoice") or {})
    account = _object(item.get("Account") or {})
    return PaymentWish(
        bill_id=_identity(invoice.get("InvoiceID")),
        bill_number=_text(invoice.get("InvoiceNumber") or item.get("InvoiceNumber")),
        account_code=_text(account.get("Code") or item.get("Code")),
        account_id=_identity(account.get("AccountID")),
        day=_day(item.get("Date")),
        amount=_number(item.get("Amount")),
        reference=_text(item.get("Reference")) or "",
        reconciled=item.get("IsReconciled") is True,
    )


def elements(body: Any, name: str) -> list[Any]:
    """The documents of a request: `{"Invoices": […]}`, a bare list, or one bare document."""
    if isinstance(body, dict) and name in body:
        return _list(body[name])
    return body if isinstance(body, list) else [_object(body)]


def _mark(raw: Any) -> MarkWish:
    item = _object(raw)
    return MarkWish(
        _identity(item.get("TrackingCategoryID")),
        _identity(item.get("TrackingOptionID")),
        _text(item.get("Name")),
        _text(item.get("Option")),
    )


def _object(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise Malformed("The document could not be read: an object was expected")
    return raw


def _list(raw: Any) -> list[Any]:
    if not isinstance(raw, list):
        raise Malformed("The document could not be read: an array was expected")
    return raw


def _text(raw: Any) -> str | None:
    if raw is None or isinstance(raw, str):
        return raw
    if isinstance(raw, (int, Decimal)) and not isinstance(raw, bool):
        return str(raw)
    raise Malformed(f"The value '{raw}' could not be read as text")


def _identity(raw: Any) -> str | None:
    text = _text(raw)
    return text.strip().lower() if text else None


def _number(raw: Any) -> Decimal | None:
    if raw is None or raw == "":
        return None
    try:
        value = Decimal(str(raw)) if not isinstance(raw, bool) else Decimal("NaN")
    except ArithmeticError:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) >= _TOO_LARGE:
        raise Malformed(f"The string '{raw}' is not a valid Decimal value.")
    return value


def _amount_types(raw: Any) -> str | None:
    text = _text(raw)
    known = {"exclusive": "Exclusive", "inclusive": "Inclusive", "notax": "NoTax"}
    if text is not None and text.lower() not in known:
        raise Malformed(f"'{text}' is not a valid LineAmountTypes")
    return known[text.lower()] if text else None


def _day(raw: Any) -> date | None:
    text = _text(raw)
    if not text:
        return None
    try:
        if match := _MS_DATE.fullmatch(text):
            return datetime.fromtimestamp(int(match[1]) / 1000, UTC).date()
        return date.fromisoformat(text[:10]) if len(text) == 10 else datetime.fromisoformat(text).date()
    except (ValueError, OverflowError):
        raise Malformed(f"The string '{text}' is not a valid AllXsd value.") from None
