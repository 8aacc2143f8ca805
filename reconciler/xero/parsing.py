"""From Xero's shapes to our nouns. Raises UnreadableAnswer when something that a decision rests on is not there."""

import base64
import datetime as dt
import email.utils
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from reconciler.errors import UnreadableAnswer
from reconciler.model import ZERO, Bill, Contact, Line, Sense, Status
from reconciler.organisation import Books
from reconciler.xero import dates, shapes, zones
from reconciler.xero_port import Record

T = TypeVar("T")
NIL_ID = "00000000-0000-0000-0000-000000000000"
_SENSES = {sense.value.casefold(): sense for sense in Sense}
_STATUSES = {status.value: status for status in Status}


def decode(body: bytes, shape: type[T]) -> T:
    """The body as the given shape. Raises UnreadableAnswer with the place and kind of the fault, never the value."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        fault = str(error)
    raise UnreadableAnswer(f"Xero's answer is not of the published shape: {fault}")


def tenants(body: bytes) -> list[shapes.Tenant]:
    """The organisations that a connection may see, ids in small letters; practices and the like are left out."""
    found = decode(body, list[shapes.Tenant])
    ours = (one for one in found if (one.tenant_type or "ORGANISATION") == "ORGANISATION")
    return [msgspec.structs.replace(one, tenant_id=one.tenant_id.lower()) for one in ours]


def connected_at(tenant: shapes.Tenant) -> dt.datetime | None:
    """Since when the organisation is connected; `None` when that cannot be told."""
    try:
        return dates.instant(tenant.created_date_utc)
    except ValueError:
        return None


def scopes(access_token: str) -> frozenset[str] | None:
    """The scopes that a token of ours names, `None` when it cannot be read. Its signature proves nothing to us here."""
    payload = [*access_token.split("."), ""][1]
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=shapes.Claims)
    except ValueError:
        return None
    named = claims.scope.split() if isinstance(claims.scope, str) else claims.scope
    return frozenset(named) or None


def served_at(date: str | None) -> dt.datetime | None:
    """The server's time in an answer's `Date` header (RFC 9110, section 6.6.1), in whole seconds."""
    try:
        return email.utils.parsedate_to_datetime(date or "").astimezone(dt.UTC)
    except ValueError:
        return None


def bill(invoice: shapes.Invoice, organisation: str, read_at: dt.datetime) -> Bill | None:
    """The invoice as a bill; `None` for a sales invoice.

    Raises UnreadableAnswer when one of these is absent or unknown: type, id, status, date, currency, total, subtotal,
    amount type, time of change. A draft may lack its contact; amounts paid and credited are 0 when absent.
    """
    name = f"Bill {invoice.invoice_id or 'without an id'}"
    if _needed(invoice.type, name, "Type") != "ACCPAY":
        return None
    status = _known(_STATUSES, invoice.status, name, "Status")
    who = invoice.contact or shapes.Contact()
    return Bill(
        organisation=organisation,
        bill_id=_needed(invoice.invoice_id, name, "InvoiceID"),
        number=invoice.invoice_number or "",
        status=status,
        contact_id=who.contact_id or "",
        contact_name=who.name or "",
        date=_needed(_date(name, "Date", dates.day, invoice.date, invoice.date_string), name, "Date"),
        currency=_needed(invoice.currency_code, name, "CurrencyCode"),
        total=_needed(invoice.total, name, "Total"),
        subtotal=_needed(invoice.sub_total, name, "SubTotal"),
        sense=_known(_SENSES, (invoice.line_amount_types or "").casefold(), name, "LineAmountTypes"),
        updated_at=_changed(invoice, name),
        read_at=read_at,
        due_date=_date(name, "DueDate", dates.day, invoice.due_date, invoice.due_date_string),
        url=invoice.url or "",
        paid=_or_zero(invoice.amount_paid),
        credited=_credited(invoice, status),
        due=_or_zero(invoice.amount_due),
        paid_on=_paid_on(invoice, name),
        planned_on=_planned(invoice),
        lines=tuple(_line(item) for item in invoice.line_items or ()),
    )


def contact(item: shapes.Contact) -> Contact:
    """A contact. Whatever is not ACTIVE cannot be billed, a GDPR request included, and counts as archived."""
    return Contact(
        contact_id=_needed(item.contact_id, "A contact", "ContactID"),
        name=item.name or "",
        archived=(item.contact_status or "ACTIVE") != "ACTIVE",
        merged_to=item.merged_to_contact_id or "",
    )


def records(found: shapes.History) -> list[Record]:
    """The lines of a history that say what was done and when; others tell us nothing."""
    told = ((one, _moment(one)) for one in found.history_records)
    return [Record(one.changes, at, one.user or "") for one, at in told if one.changes and at]


def changed_at(item: shapes.Invoice | shapes.Contact) -> dt.datetime | None:
    """When it changed, by Xero's clock; `None` when that cannot be told."""
    twin = item.updated_date_utc_string if isinstance(item, shapes.Invoice) else None
    try:
        return dates.instant(item.updated_date_utc, twin)
    except ValueError:
        return None


def organisation(books: Books, found: shapes.Organisations, read_at: dt.datetime) -> Books:
    """The books with identity, zone and lock dates as found; a lock date that is not set is absent."""
    if not found.organisations:
        raise UnreadableAnswer("Xero's answer names no organisation.")
    item, name = found.organisations[0], "The organisation"
    return replace(
        books,
        organisation_id=_needed(item.organisation_id, name, "OrganisationID"),
        name=item.name or "",
        short_code=item.short_code or "",
        currency=_needed(item.base_currency, name, "BaseCurrency"),
        zone=zones.iana(item.timezone),
        period_lock=_date(name, "PeriodLockDate", dates.day, item.period_lock_date),
        year_lock=_date(name, "EndOfYearLockDate", dates.day, item.end_of_year_lock_date),
        read_at=read_at,
    )


def rights(books: Books, actions: Iterable[shapes.Allowance], rights_at: dt.datetime) -> Books:
    """The books with what the connection may do, as found."""
    found = {action.name: action.status for action in actions}
    return replace(
        books,
        adviser=found.get("ApproveTransactionsBeforePeriodLockDate") == "ALLOWED",
        may_approve=found.get("CreateApprovedBill") != "NOT-ALLOWED",
        rights_at=rights_at,
    )


def _planned(invoice: shapes.Invoice) -> dt.date | None:
    """No decision rests on it, so one that cannot be read is as good as none."""
    try:
        return dates.day(invoice.planned_payment_date)
    except ValueError:
        return None


def _moment(record: shapes.HistoryRecord) -> dt.datetime | None:
    try:
        return dates.instant(record.date_utc, record.date_utc_string)
    except ValueError:
        return None


def _changed(invoice: shapes.Invoice, name: str) -> dt.datetime:
    found = _date(name, "UpdatedDateUTC", dates.instant, invoice.updated_date_utc, invoice.updated_date_utc_string)
    return _needed(found, name, "UpdatedDateUTC")


def _credited(invoice: shapes.Invoice, status: Status) -> Decimal:
    """Some answers leave `AmountCredited` out; then what is neither due nor paid of an approved bill was credited."""
    if invoice.amount_credited is not None:
        return invoice.amount_credited
    if invoice.amount_due is None or invoice.total is None or status not in (Status.AUTHORISED, Status.PAID):
        return ZERO
    return max(ZERO, invoice.total - invoice.amount_due - _or_zero(invoice.amount_paid))


def _paid_on(invoice: shapes.Invoice, name: str) -> dt.date | None:
    if invoice.fully_paid_on_date:
        return _date(name, "FullyPaidOnDate", dates.day, invoice.fully_paid_on_date)
    kept = (payment for payment in invoice.payments or () if payment.status != "DELETED")
    days = (_date(name, "Payments.Date", dates.day, payment.date) for payment in kept)
    return max((day for day in days if day), default=None)


def _line(item: shapes.LineItem) -> Line:
    pairs = ((mark.name, mark.option) for mark in item.tracking or ())
    return Line(
        line_id=item.line_item_id or "",
        description=item.description or "",
        quantity=_or_zero(item.quantity),
        unit_amount=_or_zero(item.unit_amount),
        amount=_or_zero(item.line_amount),
        account=item.account_code or "",
        tax=item.tax_type or "",
        tax_amount=_or_zero(item.tax_amount),
        tracking=tuple((category, option) for category, option in pairs if category and option),
    )


def _date(name: str, what: str, read: Callable[..., T | None], *texts: str | None) -> T | None:
    try:
        return read(*texts)
    except ValueError as error:
        fault = str(error)
    raise UnreadableAnswer(f"{name}: {what} is {fault}.")


def _needed(value: T | None, name: str, what: str) -> T:
    if value is None or value == "":
        raise UnreadableAnswer(f"{name}: {what} is missing in Xero's answer.")
    return value


def _known(table: dict[str, T], value: str | None, name: str, what: str) -> T:
    if (value or "") not in table:
        raise UnreadableAnswer(f"{name}: {what} is {value or 'missing'!r}, which is none of {', '.join(table)}.")
    return table[value or ""]


def _or_zero(value: Decimal | None) -> Decimal:
    return ZERO if value is None else value
