"""`/Payments`: a payment is created and deleted, never changed (Xero-OpenAPI, tag Accounting)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from billwatch.sandbox import listing, shapes, wire, wish
from billwatch.sandbox.bookkeeping import Scribe
from billwatch.sandbox.books import NIL_ID, Bill, Organisation, Payment
from billwatch.sandbox.gate import Call, NotFound
from billwatch.sandbox.idempotency import Answer
from billwatch.sandbox.wire import Json
from billwatch.sandbox.wish import Malformed, PaymentWish


def index(call: Call) -> Answer:
    wanted = listing.page(call.query, needs_page=call.org.switches.page_size_needs_page)
    since = listing.modified_since(call.headers.get("if-modified-since"))
    found = [one for one in call.org.payments.values() if since is None or (one.updated and one.updated >= since)]
    items, pagination = listing.cut(listing.narrowed(found, call.query, listing.PAYMENT_FIELDS), wanted)
    shown = [shapes.payment(call.org, payment) for payment in items]
    return call.answer(200, wire.envelope(call.now, **pagination, Payments=shown))


def show(call: Call) -> Answer:
    return call.answer(200, wire.envelope(call.now, Payments=[shapes.payment(call.org, _known(call))]))


def create(call: Call) -> Answer:
    """`PUT /Payments`, also `POST /Payments`: each lowers the amount due; at 0 the bill is PAID."""
    entries = [wish.payment(entry) for entry in wish.elements(wire.load(call.body), "Payments")]
    default = str(call.org.switches.summarize_by_default)
    summarize = call.query.get("summarizeErrors", default).lower() == "true"
    scribe = Scribe(call.org, call.now)
    shown: list[Json] = []
    failed = False
    for entry in entries:
        bill = _bill(call.org, entry)
        payment = _drafted(scribe, bill, entry)
        refused = scribe.pay(bill, payment)
        failed = failed or bool(refused)
        shown.append(_element(call, bill, payment, refused, told=not summarize))
    if summarize and failed:
        return call.answer(400, wire.validation_exception([one for one in shown if one["HasValidationErrors"]]))
    return call.answer(200, wire.envelope(call.now, Payments=shown))


def delete(call: Call) -> Answer:
    """`POST /Payments/{PaymentID}` with `Status` DELETED, bare or wrapped in `Payments`."""
    payment = _known(call)
    entries = wish.elements(wire.load(call.body), "Payments")
    if [_status(entry) for entry in entries] != ["DELETED"]:
        raise Malformed("Only the Status DELETED can be set on a payment")
    refused = Scribe(call.org, call.now).unpay(payment)
    shape = shapes.payment(call.org, call.org.payments[payment.payment_id])
    if refused:
        return call.answer(400, wire.validation_exception([_with_errors(shape, refused)]))
    return call.answer(200, wire.envelope(call.now, Payments=[shape]))


def _element(call: Call, bill: Bill | None, payment: Payment, refused: tuple[str, ...], *, told: bool) -> Json:
    status = {"StatusAttributeString": "ERROR" if refused else "OK"} if told else {}
    if bill is None:
        blank: Json = {"PaymentID": NIL_ID, "Amount": wire.money(payment.amount), "Date": wire.day(payment.day)}
        return {**_with_errors(blank, refused), **status}
    invoice = shapes.bill(call.org, call.org.bills[bill.bill_id])
    shape = shapes.payment(call.org, call.org.payments.get(payment.payment_id, payment), invoice=invoice)
    if refused:
        shape = {**_with_errors(shape, refused), "PaymentID": NIL_ID}
    return {**shape, **status}


def _with_errors(shape: Json, refused: tuple[str, ...]) -> Json:
    return {**shape, "HasValidationErrors": True, "ValidationErrors": wire.texts(refused)}


def _drafted(scribe: Scribe, bill: Bill | None, entry: PaymentWish) -> Payment:
    code = entry.account_code or ""
    for account in scribe.org.accounts.values():
        if account.account_id == entry.account_id:
            code = account.code
    drafted = scribe.draft_payment(bill, entry.amount or Decimal(0), entry.day, code)
    return replace(drafted, reference=entry.reference, reconciled=entry.reconciled)


def _bill(org: Organisation, entry: PaymentWish) -> Bill | None:
    if entry.bill_id:
        return org.bills.get(entry.bill_id)
    numbered = org.bills_numbered(entry.bill_number) if entry.bill_number else []
    return numbered[-1] if numbered else None


def _known(call: Call) -> Payment:
    payment = call.org.payments.get(call.path["payment"].lower())
    if payment is None:
        raise NotFound
    return payment


def _status(entry: Any) -> object:
    return entry.get("Status") if isinstance(entry, dict) else None
