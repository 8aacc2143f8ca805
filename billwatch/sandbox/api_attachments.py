"""`/Invoices/{InvoiceID}/Attachments`: list, one, and upload (Xero-OpenAPI, tag Accounting).

The body is the file itself. A name that is in use is replaced, and a document takes ten files
(developer.xero.com/documentation/api/attachments); what is too large gets the 413 quoted in XeroAPI/Xero-Java#349.
"""

from billwatch.sandbox import messages, shapes, wire
from billwatch.sandbox.api_invoices import known
from billwatch.sandbox.bookkeeping import attach
from billwatch.sandbox.books import Attachment, new_id
from billwatch.sandbox.gate import Call, NotFound
from billwatch.sandbox.idempotency import Answer

MOST_FILES = 10
MOST_BYTES = 25 * 1024 * 1024


def index(call: Call) -> Answer:
    bill = known(call)
    found = call.org.attachments.get(bill.bill_id, {}).values()
    shown = [shapes.attachment(bill.bill_id, one) for one in found]
    return call.answer(200, wire.envelope(call.now, Attachments=shown))


def show(call: Call) -> Answer:
    """The file itself, by its name or its id."""
    asked = call.path["name"]
    for one in call.org.attachments.get(known(call).bill_id, {}).values():
        if asked in (one.name, one.attachment_id):
            return Answer(200, one.content, one.media)
    raise NotFound


def upload(call: Call) -> Answer:
    """`PUT` and `POST /Invoices/{InvoiceID}/Attachments/{FileName}`."""
    bill, name = known(call), call.path["name"]
    held = call.org.attachments.get(bill.bill_id, {})
    if len(call.body) > MOST_BYTES:
        return Answer(413, wire.dump(wire.problem(413, "PayloadTooLarge")))
    if refusal := _refusal(call.body, name, held):
        return call.answer(400, wire.plain_error(10, "ValidationException", refusal))
    media = call.headers.get("content-type", "application/octet-stream")
    file = Attachment(new_id(), name, media, call.body)
    attach(call.org, bill, file, call.now)
    shown = [shapes.attachment(bill.bill_id, file)]
    return call.answer(200, wire.envelope(call.now, Attachments=shown))


def _refusal(content: bytes, name: str, held: dict[str, Attachment]) -> str:
    if not content:
        return messages.FILE_EMPTY
    return messages.TOO_MANY_FILES if name not in held and len(held) >= MOST_FILES else ""
