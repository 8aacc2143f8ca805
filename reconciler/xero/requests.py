"""The exact requests that make or change bills. Pure: the same values always give the same bytes.

Every path says `summarizeErrors=false`, so that one refused element does not hide the others, and `unitdp=4`, so
that a unit amount with four decimals survives being sent back (Xero-OpenAPI, parameters of `/Invoices`).
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec

from reconciler.model import NEW_CONTACT, Bill, Field, Line, Sense, Status, Terms, Tracking, Write

PATH = "/Invoices?summarizeErrors=false&unitdp=4"
BATCH = 50
LONGEST_NOTE = 2_500
Json = dict[str, Any]
Request = tuple[str, str, bytes]

_ONE = Decimal(1)
_LINE_FIELDS = frozenset({Field.TOTAL, Field.SENSE, Field.DESCRIPTION, Field.ACCOUNT, Field.TAX, Field.TRACKING})
_MOVES_TAX = frozenset({Field.TOTAL, Field.SENSE, Field.TAX, Field.CURRENCY})
_encoder = msgspec.json.Encoder(decimal_format="number")


def create(writes: Sequence[Write]) -> Request:
    """PUT, which only ever creates, of up to `BATCH` bills."""
    return "PUT", PATH, _body(_new(write) for write in _checked(writes))


def update(writes: Sequence[tuple[Write, Bill]]) -> Request:
    """POST of up to `BATCH` bills, each with its InvoiceID and the pending fields alone.

    The number is never sent: Xero would edit whichever bill has it. An approved bill takes edits only with its
    status sent along. When anything on the line is pending, the line is sent whole, with its LineItemID.
    """
    return "POST", PATH, _body(_changed(write, bill) for write, bill in _checked(writes))


def note(bill_id: str, text: str) -> Request:
    """PUT of a note into the history of a bill, cut to the length that Xero takes (developer.xero.com, "History and
    notes")."""
    body = {"HistoryRecords": [{"Details": text[:LONGEST_NOTE]}]}
    return "PUT", f"/Invoices/{bill_id}/History", _encoder.encode(body)


def attachments(bill_id: str) -> str:
    """The path of the files on a bill (Xero-OpenAPI, `/Invoices/{InvoiceID}/Attachments`)."""
    return f"/Invoices/{bill_id}/Attachments"


def attachment(bill_id: str, name: str) -> str:
    """The path of the file of that name on a bill."""
    return f"{attachments(bill_id)}/{quote(name, safe='')}"


def option(category_id: str, name: str) -> Request:
    """PUT of a new option of a tracking category."""
    return "PUT", f"/TrackingCategories/{category_id}/Options", _encoder.encode({"Name": name})


def _checked(writes: Sequence[Any]) -> Sequence[Any]:
    if not 1 <= len(writes) <= BATCH:
        raise ValueError(f"a request holds 1 to {BATCH} bills, not {len(writes)}")
    return writes


def _body(elements: Iterable[Json]) -> bytes:
    return _encoder.encode({"Invoices": list(elements)})


def _new(write: Write) -> Json:
    terms = write.terms
    return {
        "Type": "ACCPAY",
        "Status": write.status.value,
        "InvoiceNumber": write.number,
        **_head(terms, frozenset({Field.CONTACT, Field.DATE, Field.DUE_DATE, Field.CURRENCY})),
        **({"Url": write.url} if write.url and "xero" not in write.url.lower() else {}),
        "LineAmountTypes": terms.sense.value,
        "LineItems": [_own_line(terms)],
    }


def _changed(write: Write, bill: Bill) -> Json:
    pending = write.fields
    element: Json = {"InvoiceID": bill.bill_id, **_head(write.terms, pending)}
    if bill.status is Status.AUTHORISED:
        element["Status"] = bill.status.value
    if Field.LINES in pending or pending & _LINE_FIELDS:
        element["LineAmountTypes"] = _sense(write, bill).value
        element["LineItems"] = [_line(write, bill)]
    return element


def _head(terms: Terms, fields: frozenset[Field]) -> Json:
    parts: dict[Field, Json] = {
        Field.CONTACT: {"Contact": _contact(terms.contact)},
        Field.DATE: {"Date": terms.date.isoformat()},
        Field.DUE_DATE: {"DueDate": terms.due_date.isoformat()} if terms.due_date else {},
        Field.CURRENCY: {"CurrencyCode": terms.currency} if terms.currency else {},
    }
    return {key: value for field, part in parts.items() if field in fields for key, value in part.items()}


def _contact(contact: str) -> Json:
    """Nothing but the id, since any other field would edit the contact itself."""
    if contact.startswith(NEW_CONTACT):
        return {"Name": contact.removeprefix(NEW_CONTACT)}
    return {"ContactID": contact}


def _sense(write: Write, bill: Bill) -> Sense:
    """What the amounts sent mean. Lines sent without it would be read as tax exclusive."""
    ours = write.fields & {Field.TOTAL, Field.SENSE, Field.LINES}
    return write.terms.sense if ours else bill.sense


def _line(write: Write, bill: Bill) -> Json:
    """The bill's one line with the pending fields in it; when the set of lines is pending, one line of our own."""
    if Field.LINES in write.fields:
        return {**_identity(bill.lines[:1]), **_own_line(write.terms)}
    if len(bill.lines) != 1:
        raise ValueError(f"bill {bill.bill_id} has {len(bill.lines)} lines, so no field of its one line can be pending")
    line = bill.lines[0]
    return {**_identity(bill.lines), **_amounts(write, line), **_coding(write, line)}


def _identity(lines: Sequence[Line]) -> Json:
    return {"LineItemID": lines[0].line_id} if lines and lines[0].line_id else {}


def _amounts(write: Write, line: Line) -> Json:
    if write.fields & {Field.TOTAL, Field.SENSE}:
        return {"Quantity": _ONE, "UnitAmount": _plain(write.terms.total)}
    return {"Quantity": _plain(line.quantity), "UnitAmount": _plain(line.unit_amount)}


def _coding(write: Write, line: Line) -> Json:
    terms, pending = write.terms, write.fields
    account = terms.account if Field.ACCOUNT in pending else line.account
    tax = terms.tax if Field.TAX in pending else line.tax
    return {
        "Description": terms.description if Field.DESCRIPTION in pending else line.description,
        **({"AccountCode": account} if account else {}),
        **({"TaxType": tax} if tax else {}),
        # A tax amount that a person has set by hand would else be worked out anew.
        **({} if pending & _MOVES_TAX else {"TaxAmount": _plain(line.tax_amount)}),
        "Tracking": _tracking(terms.tracking if Field.TRACKING in pending else line.tracking),
    }


def _own_line(terms: Terms) -> Json:
    return {
        "Description": terms.description,
        "Quantity": _ONE,
        "UnitAmount": _plain(terms.total),
        **({"AccountCode": terms.account} if terms.account else {}),
        **({"TaxType": terms.tax} if terms.tax else {}),
        "Tracking": _tracking(terms.tracking),
    }


def _tracking(pairs: Tracking) -> list[Json]:
    return [{"Name": category, "Option": option} for category, option in pairs]


def _plain(amount: Decimal) -> Decimal:
    """The same number without an exponent: `1E+2` is written as `100`."""
    exponent = amount.as_tuple().exponent
    return amount.quantize(_ONE) if isinstance(exponent, int) and exponent > 0 else amount
