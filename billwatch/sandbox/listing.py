"""Filters, order and pages of the list endpoints (Xero-OpenAPI, `GET /Invoices` and `GET /Contacts`)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from billwatch.sandbox import query, wire
from billwatch.sandbox.books import Bill, Contact, Organisation
from billwatch.sandbox.query import Getter
from billwatch.sandbox.wire import Json
from billwatch.sandbox.wish import Malformed

DEFAULT_PAGE = 100
LARGEST_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Page:
    number: int | None  # None: not paged
    size: int


def page(parameters: Mapping[str, str], *, needs_page: bool, forced: bool = False) -> Page:
    """The page asked for. Raises Malformed for a number or size out of range."""
    number = _whole(parameters.get("page"), "page", None)
    size = _whole(parameters.get("pageSize"), "pageSize", LARGEST_PAGE)
    if number is None and (forced or (size is not None and not needs_page)):
        number = 1
    return Page(number, (size if number is not None else None) or DEFAULT_PAGE)


def cut(items: list[Any], wanted: Page) -> tuple[list[Any], Json]:
    """The items of that page, and the `pagination` object if the list is paged."""
    if wanted.number is None:
        return items, {}
    first = (wanted.number - 1) * wanted.size
    counts = wire.pagination(wanted.number, wanted.size, len(items))
    return items[first : first + wanted.size], {"pagination": counts}


def bills(org: Organisation, parameters: Mapping[str, str], since: datetime | None) -> list[Bill]:
    """The invoices that pass every filter, in the order asked for."""
    fields = bill_fields(org)
    found: Iterable[Bill] = _by_ids(org, parameters.get("IDs"))
    for name, getter in _LISTS.items():
        if wanted := _names(parameters.get(name)):
            found = [bill for bill in found if getter(bill).casefold() in wanted]
    if since is not None:
        found = [bill for bill in found if bill.updated and bill.updated >= since]
    if term := parameters.get("searchTerm", "").casefold():
        found = [bill for bill in found if term in bill.number.casefold() or term in bill.reference.casefold()]
    return narrowed(found, parameters, fields)


def contacts(org: Organisation, parameters: Mapping[str, str], since: datetime | None) -> list[Contact]:
    wanted = _names(parameters.get("IDs"))
    found = [contact for contact in org.contacts.values() if not wanted or contact.contact_id in wanted]
    if not wanted and parameters.get("includeArchived", "").lower() != "true":
        found = [contact for contact in found if contact.status == "ACTIVE"]
    if since is not None:
        found = [contact for contact in found if contact.updated and contact.updated >= since]
    if term := parameters.get("searchTerm", "").casefold():
        found = [one for one in found if any(term in text.casefold() for text in (one.name, one.email, one.number))]
    return narrowed(found, parameters, CONTACT_FIELDS)


def narrowed(found: Iterable[Any], parameters: Mapping[str, str], fields: Mapping[str, Getter]) -> list[Any]:
    """`where` and `order`. Raises query.QueryError."""
    if text := parameters.get("where"):
        test = query.where(text, fields)
        found = [item for item in found if test(item)]
    items = list(found)
    if text := parameters.get("order"):
        items = query.sort(items, query.order(text, fields))
    return items


def modified_since(text: str | None) -> datetime | None:
    """`If-Modified-Since` in any of the forms in use: ISO without zone (UTC), ISO with one, RFC 1123."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            found = parsedate_to_datetime(text)
        except ValueError:
            return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def bill_fields(org: Organisation) -> dict[str, Getter]:
    def of_contact(getter: Callable[[Contact], str]) -> Getter:
        return lambda bill: getter(org.contacts[bill.contact_id]) if bill.contact_id in org.contacts else None

    return {
        **_BILL_FIELDS,
        "contact.name": of_contact(lambda contact: contact.name),
        "contact.contactnumber": of_contact(lambda contact: contact.number),
        "contact.contactstatus": of_contact(lambda contact: contact.status),
    }


_BILL_FIELDS: dict[str, Getter] = {
    "type": lambda bill: bill.type,
    "status": lambda bill: bill.status,
    "invoiceid": lambda bill: bill.bill_id,
    "invoicenumber": lambda bill: bill.number,
    "reference": lambda bill: bill.reference,
    "url": lambda bill: bill.url or None,
    "date": lambda bill: bill.day,
    "duedate": lambda bill: bill.due,
    "fullypaidondate": lambda bill: bill.fully_paid_on,
    "updateddateutc": lambda bill: bill.updated,
    "currencycode": lambda bill: bill.currency,
    "amountdue": lambda bill: Decimal(bill.amount_due),
    "amountpaid": lambda bill: Decimal(bill.paid),
    "amountcredited": lambda bill: Decimal(bill.credited),
    "total": lambda bill: Decimal(bill.total),
    "contact.contactid": lambda bill: bill.contact_id,
}
CONTACT_FIELDS: dict[str, Getter] = {
    "contactid": lambda contact: contact.contact_id,
    "name": lambda contact: contact.name,
    "contactnumber": lambda contact: contact.number,
    "accountnumber": lambda contact: contact.account_number,
    "contactstatus": lambda contact: contact.status,
    "emailaddress": lambda contact: contact.email,
    "issupplier": lambda contact: contact.is_supplier,
    "iscustomer": lambda contact: contact.is_customer,
    "updateddateutc": lambda contact: contact.updated,
}
ACCOUNT_FIELDS: dict[str, Getter] = {
    "accountid": lambda account: account.account_id,
    "code": lambda account: account.code,
    "name": lambda account: account.name,
    "type": lambda account: account.type,
    "class": lambda account: account.klass,
    "status": lambda account: account.status,
    "taxtype": lambda account: account.tax_type,
}
PAYMENT_FIELDS: dict[str, Getter] = {
    "paymentid": lambda payment: payment.payment_id,
    "status": lambda payment: payment.status,
    "date": lambda payment: payment.day,
    "amount": lambda payment: payment.amount,
    "reference": lambda payment: payment.reference,
    "invoice.invoiceid": lambda payment: payment.bill_id,
    "updateddateutc": lambda payment: payment.updated,
}
_LISTS: dict[str, Callable[[Bill], str]] = {
    "Statuses": lambda bill: bill.status,
    "ContactIDs": lambda bill: bill.contact_id,
    "InvoiceNumbers": lambda bill: bill.number,
}


def _by_ids(org: Organisation, text: str | None) -> list[Bill]:
    if not (wanted := _names(text)):
        return list(org.bills.values())
    return [org.bills[bill_id] for bill_id in wanted if bill_id in org.bills]


def _names(text: str | None) -> dict[str, None]:
    return {part.strip().casefold(): None for part in (text or "").split(",") if part.strip()}


def _whole(text: str | None, name: str, largest: int | None) -> int | None:
    if text is None or text == "":
        return None
    if not text.isdecimal() or int(text) < 1 or (largest is not None and int(text) > largest):
        raise Malformed(f"Invalid value '{text}' for {name}")
    return int(text)
