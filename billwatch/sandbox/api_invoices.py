"""`/Invoices`: list, one, create, update and history (Xero-OpenAPI, tag Accounting).

PUT creates only. POST updates what it finds by `InvoiceID` or, without one, by `InvoiceNumber`, and creates the rest.
With `summarizeErrors=false` the answer is 200 and each element tells its own outcome; otherwise one refused element
makes the whole answer a 400.
"""

from dataclasses import replace

from billwatch.sandbox import listing, messages, rules, shapes, wire, wish
from billwatch.sandbox.bookkeeping import Scribe
from billwatch.sandbox.books import Bill
from billwatch.sandbox.gate import Call, NotFound
from billwatch.sandbox.idempotency import Answer
from billwatch.sandbox.merge import Manner
from billwatch.sandbox.rules import Judgement
from billwatch.sandbox.wire import Json
from billwatch.sandbox.wish import BillWish, Malformed

LONGEST_NOTE = 2_500


def index(call: Call) -> Answer:
    """`GET /Invoices`. Several invoices without `page` come without their lines."""
    summary = call.query.get("summaryOnly", "").lower() == "true"
    wanted = listing.page(call.query, needs_page=call.org.switches.page_size_needs_page, forced=summary)
    since = listing.modified_since(call.headers.get("if-modified-since"))
    found, pagination = listing.cut(listing.bills(call.org, call.query, since), wanted)
    heavy = not summary and (wanted.number is not None or len(found) == 1)
    invoices = [shapes.bill(call.org, bill, heavy=heavy, unit_places=_places(call)) for bill in found]
    if not summary and not heavy:
        invoices = [_with_allocations(call, bill, shape) for bill, shape in zip(found, invoices, strict=True)]
    return call.answer(200, wire.envelope(call.now, **pagination, Invoices=invoices))


def show(call: Call) -> Answer:
    shape = shapes.bill(call.org, known(call), single=True, unit_places=_places(call))
    return call.answer(200, wire.envelope(call.now, Invoices=[shape]))


def create(call: Call) -> Answer:
    """`PUT /Invoices`."""
    return _write(call, [(None, replace(entry, bill_id=None)) for entry in _wishes(call)])


def upsert(call: Call) -> Answer:
    """`POST /Invoices`."""
    entries = _wishes(call)
    if any(entry.bill_id and entry.bill_id not in call.org.bills for entry in entries):
        raise NotFound
    return _write(call, [(_same(call, entry), entry) for entry in entries])


def update(call: Call) -> Answer:
    """`POST /Invoices/{InvoiceID}`."""
    before = known(call)
    entries = _wishes(call)
    if len(entries) != 1:
        raise Malformed("Only one Invoice can be updated at a time")
    return _write(call, [(before, entries[0])])


def history(call: Call) -> Answer:
    notes = call.org.history.get(known(call).bill_id, [])
    shown = [shapes.note(note) for note in reversed(notes)]
    return call.answer(200, wire.envelope(call.now, HistoryRecords=shown))


def annotate(call: Call) -> Answer:
    """`PUT /Invoices/{InvoiceID}/History`."""
    bill = call.org.bills.get(call.path["invoice"].lower())
    if bill is None:
        return call.answer(400, wire.plain_error(10, "ValidationException", messages.NO_DOCUMENT))
    details = [str(entry.get("Details") or "") for entry in wish.elements(wire.load(call.body), "HistoryRecords")]
    if any(not text or len(text) > LONGEST_NOTE for text in details):
        return call.answer(400, wire.plain_error(10, "ValidationException", messages.NOTE_LENGTH))
    notes = [call.org.note(bill.bill_id, "Note", text, call.now) for text in details]
    return call.answer(200, wire.envelope(call.now, HistoryRecords=[shapes.made_note(note) for note in notes]))


def _write(call: Call, asked: list[tuple[Bill | None, BillWish]]) -> Answer:
    manner = Manner(call.org.today(call.now), places=_places(call))
    switches = call.org.switches
    summarize = call.query.get("summarizeErrors", str(switches.summarize_by_default)).lower() == "true"
    if summarize and not switches.save_good_of_bad_batch:
        # One element may create the contact that the next one names, so this only tells whether any is refused.
        trial = [rules.judge(call.org, before, entry, manner) for before, entry in asked]
        if any(verdict.refused for verdict in trial):
            return _refused(call, asked, trial)
    scribe = Scribe(call.org, call.now)
    verdicts = [scribe.write(_current(call, before), entry, manner) for before, entry in asked]
    if summarize and any(verdict.refused for verdict in verdicts):
        return _refused(call, asked, verdicts)
    shapes_ = [_element(call, before, v, told=not summarize) for (before, _), v in zip(asked, verdicts, strict=True)]
    return call.answer(200, wire.envelope(call.now, Invoices=shapes_))


def _refused(call: Call, asked: list[tuple[Bill | None, BillWish]], verdicts: list[Judgement]) -> Answer:
    pairs = [(before, verdict) for (before, _), verdict in zip(asked, verdicts, strict=True) if verdict.refused]
    return call.answer(400, wire.validation_exception([_element(call, *pair, told=False) for pair in pairs]))


def _element(call: Call, before: Bill | None, verdict: Judgement, *, told: bool) -> Json:
    """One element of a write's answer: as saved, or the requested document with its errors."""
    shape = shapes.bill(call.org, verdict.bill, single=True, unit_places=_places(call))
    if not verdict.refused:
        return {**shape, "StatusAttributeString": "OK"} if told else shape
    if before is None:
        shape = shapes.blank_identity(shape)
    above = list(verdict.messages)
    for position, text in verdict.on_lines:
        if call.org.switches.errors_on_lines:
            shape["LineItems"][position].setdefault("ValidationErrors", []).append({"Message": text})
        elif text not in above:
            above.append(text)
    status = {"StatusAttributeString": "ERROR"} if told else {}
    return {**shape, **status, "HasErrors": True, "ValidationErrors": wire.texts(above), "Warnings": []}


def _current(call: Call, before: Bill | None) -> Bill | None:
    return call.org.bills[before.bill_id] if before else None


def _same(call: Call, entry: BillWish) -> Bill | None:
    """The invoice that a POST means: by ID, or the newest live one of the same type with that number."""
    if entry.bill_id:
        return call.org.bills[entry.bill_id]
    live = [
        bill
        for bill in call.org.bills_numbered(entry.number or "")
        if bill.number and bill.type == (entry.type or bill.type) and bill.status not in ("VOIDED", "DELETED")
    ]
    return live[-1] if live else None


def known(call: Call) -> Bill:
    """The invoice of the path, by ID or by number."""
    asked = call.path["invoice"]
    found = call.org.bills.get(asked.lower())
    if found is None:
        numbered = [bill for bill in call.org.bills_numbered(asked) if bill.number]
        found = numbered[-1] if numbered else None
    if found is None:
        raise NotFound
    return found


def _wishes(call: Call) -> list[BillWish]:
    return [wish.bill(entry) for entry in wish.elements(wire.load(call.body), "Invoices")]


def _places(call: Call) -> int:
    return 4 if call.query.get("unitdp") == "4" else 2


def _with_allocations(call: Call, bill: Bill, shape: Json) -> Json:
    """Lists without paging leave out lines only; payments are still shown."""
    full = shapes.bill(call.org, bill)
    return {**shape, **{key: full[key] for key in ("Payments", "CreditNotes", "Prepayments", "Overpayments")}}
