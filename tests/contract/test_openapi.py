"""What the sandbox answers, and what billwatch asks, is what Xero has published (XeroAPI/Xero-OpenAPI).

Every field of every answer must be in the description, of the right type and form, but for `TOLERATED`.
"""

import datetime as dt
import json
import re
import threading
from dataclasses import dataclass
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace

from billwatch.sandbox import Sandbox
from reconciler.model import Bill, Field, Line, Sense, Status, Terms, Write
from reconciler.organisation import Books, Organisation
from reconciler.records import Attempt, Element
from reconciler.xero.connections import Connection, Connections

from .conftest import MemoryStore
from .published import ACCOUNTING, VARIABLE, WEBHOOKS, Fault, description, folder
from .walk import Kept, taken

pytestmark = pytest.mark.skipif(
    folder() is None, reason=f"Xero's published description is not at hand: name its folder in {VARIABLE}"
)

NEW = "not described"
# Place (a pattern), what is objected to, and why the sandbox is right all the same.
TOLERATED = (
    (r"(Id|Status|ProviderName|DateTimeUTC)", NEW, "the envelope: every published example has it, no schema does"),
    (r".*\b(DateString|DueDateString)", NEW, "twins of the dates: in every published example of an invoice"),
    (r".*\bLineItems\.\*\.ValidationErrors", NEW, "in the published examples of `GET /Invoices`"),
    (r".*\b(CreditNotes|Prepayments|Overpayments)\.\*\.ID", NEW, "in published examples of credit notes"),
    (
        r".*\bOptions\.\*\.(HasValidationErrors|IsActive|IsArchived|IsDeleted)",
        NEW,
        "in the published examples of tracking options",
    ),
    (r"HistoryRecords\.\*\.(DateUTCString|ValidationErrors)", NEW, "in the published examples of history records"),
    (r"scope", NEW, "of a token: asked for by OAuth 2.0 (RFC 6749, 5.1), and the SDK fails without it"),
    (r"\*\.(createdDateUtc|updatedDateUtc)", "format", "of a connection: the published example has no zone either"),
    (r"events\.\*\.eventDateUtc", "format", "the published examples have no zone either"),
    (r"(first|last)EventSequence", "minimum", "0 in the check of intent to receive (captures of real deliveries)"),
    (r"events\.\*\.eventCategory", "oneOf", "PREPAYMENT came after this version of the description"),
)
# A refusal's elements echo the whole document; the schema `Element` names little more than ids.
ECHOES = {"/Invoices": "Invoice", "/Payments": "Payment", "/Contacts": "Contact"}


@pytest.fixture(scope="module")
def walked(running: Sandbox) -> list[Kept]:
    running.reset()
    running.limits(on=False)
    return taken(running)


def faults(kept: Kept) -> set[Fault]:
    """All that the description objects to, elements of a refusal measured as the documents that they echo."""
    described, body = description(kept.file), kept.body
    if kept.file == WEBHOOKS:
        return described.faults(described.event(kept.path), body)
    if kept.path == "AccessToken":
        return described.faults(described.schema(kept.path), body)
    found: set[Fault] = set()
    if "Elements" in body:
        echo = described.schema(ECHOES[f"/{kept.path.split('/')[1]}"])
        found = {fault for element in body["Elements"] for fault in described.faults(echo, element)}
        body = {**body, "Elements": [{"ValidationErrors": one["ValidationErrors"]} for one in body["Elements"]]}
    return found | described.faults(described.response(kept.method, kept.path, kept.status), body)


def tolerated(fault: Fault) -> bool:
    return any(re.fullmatch(place, fault.place) and fault.said == said for place, said, _ in TOLERATED)


def test_every_answer_is_of_the_published_shape(walked: list[Kept]) -> None:
    found = {kept.name: [fault for fault in faults(kept) if not tolerated(fault)] for kept in walked}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_nothing_is_tolerated_that_does_not_occur(walked: list[Kept]) -> None:
    found = {fault for kept in walked for fault in faults(kept)}
    idle = [
        row
        for row in TOLERATED
        if not any(re.fullmatch(row[0], fault.place) and fault.said == row[1] for fault in found)
    ]
    assert idle == []


def test_every_operation_that_billwatch_uses_was_walked(walked: list[Kept]) -> None:
    used = {
        *(("GET", path) for path in ("/Organisation", "/Organisation/Actions", "/Contacts", "/Contacts/{ContactID}")),
        *(("GET", path) for path in ("/Accounts", "/TaxRates", "/Currencies", "/TrackingCategories")),
        *(("GET", path) for path in ("/Invoices", "/Invoices/{InvoiceID}", "/Invoices/{InvoiceID}/History")),
        ("PUT", "/TrackingCategories/{TrackingCategoryID}/Options"),
        ("GET", "/Invoices/{InvoiceID}/Attachments"),
        ("PUT", "/Invoices/{InvoiceID}/Attachments/{FileName}"),
        *(("PUT", path) for path in ("/Invoices", "/Invoices/{InvoiceID}/History", "/Payments", "/Contacts")),
        *(("POST", path) for path in ("/Invoices", "/Invoices/{InvoiceID}", "/Payments/{PaymentID}")),
        *(("GET", path) for path in ("/Payments", "/Payments/{PaymentID}", "/Connections")),
        *(("POST", path) for path in ("AccessToken", "invoices", "contacts", "creditNotes")),
    }
    assert used <= {(kept.method, kept.path) for kept in walked}
    refused = {(kept.method, kept.path) for kept in walked if kept.status == 400}
    assert {
        ("PUT", "/Invoices"),
        ("POST", "/Invoices"),
        ("POST", "/Invoices/{InvoiceID}"),
        ("PUT", "/Payments"),
    } <= refused


def test_an_invoice_event_has_the_published_fields_and_no_others(walked: list[Kept]) -> None:
    items = description(WEBHOOKS).document["components"]["schemas"]["WebhookEvent"]["properties"]["events"]["items"]
    (event,) = next(kept.body["events"] for kept in walked if kept.note == "INVOICE")
    assert set(event) == set(items["properties"])


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        ({"Status": "OPEN"}, Fault("Invoices.*.Status", "enum")),
        ({"Total": "100.00"}, Fault("Invoices.*.Total", "type")),
        ({"InvoiceID": "G-1"}, Fault("Invoices.*.InvoiceID", "format")),
        ({"Date": "2026-10-15"}, Fault("Invoices.*.Date", "x-is-msdate")),
        ({"Date": "/Date(1792022400001+0000)/"}, Fault("Invoices.*.Date", "x-is-msdate")),
        ({"UpdatedDateUTC": "2026-10-15T00:00:00Z"}, Fault("Invoices.*.UpdatedDateUTC", "x-is-msdate-time")),
        ({"Colour": "red"}, Fault("Invoices.*.Colour", NEW)),
    ],
)
def test_what_is_not_of_the_published_shape_is_noticed(spoil: dict[str, Any], fault: Fault) -> None:
    described = description(ACCOUNTING)
    assert described.faults(described.response("GET", "/Invoices", 200), {"Invoices": [spoil]}) == {fault}


NOW = dt.datetime(2026, 11, 2, 11, 30, tzinfo=dt.UTC)
ID = "0b5bb4a5-0000-4000-8000-000000000000"
TERMS = Terms(
    contact=ID,
    total=Decimal("1234.56"),
    currency="NZD",
    date=dt.date(2026, 11, 2),
    due_date=dt.date(2026, 11, 22),
    description="First milestone",
    account="480",
    tax="NONE",
    sense=Sense.EXCLUSIVE,
    tracking=(("Region", "North"),),
)
LINE = Line(
    "0b5bb4a5-0000-4000-8000-000000000001", "x", Decimal(2), Decimal("1.2345"), Decimal("2.47"), "480", "", Decimal(0)
)


EMPTY = {
    **{name: [] for name in ("Actions", "Accounts", "TaxRates", "Currencies", "Contacts")},
    "TrackingCategories": [{"Name": "Region", "TrackingCategoryID": ID, "Options": []}],
    "HistoryRecords": [],
    "Organisations": [{"OrganisationID": ID, "BaseCurrency": "NZD"}],
}
HEADERS = ("If-Modified-Since", "Idempotency-Key", "xero-tenant-id")


@dataclass(frozen=True)
class Asked:
    """One request: its path with ids taken out, the names of its parameters, and its JSON."""

    method: str
    path: str
    parameters: set[str]
    body: Any


@pytest.fixture(scope="module")
def asked() -> list[Asked]:
    """Everything that the client ever asks of Xero, heard by a server that has nothing to tell."""
    heard: list[Asked] = []

    class Listener(BaseHTTPRequestHandler):
        def answer(self) -> None:
            url, sent = urlsplit(self.path), self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if url.path == "/connect/token":
                return self.say({"access_token": "t", "expires_in": 1_800})
            names = {*parse_qs(url.query), *(name for name in HEADERS if name in self.headers)}
            name = "{TrackingCategoryID}" if "/TrackingCategories" in url.path else "{InvoiceID}"
            path = url.path.removeprefix("/api.xro/2.0").replace(ID, name)
            heard.append(Asked(self.command, path, names, json.loads(sent) if sent else None))
            return self.say({**EMPTY, "Invoices": [{"InvoiceID": ID}] if sent else []})

        do_GET = do_PUT = do_POST = answer  # noqa: N815 - the library's names

        def say(self, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        ask_everything(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    return heard


def ask_everything(url: str) -> None:
    connection = Connection("main", "client_credentials", "id", "secret", url, url)
    with Connections(MemoryStore(), [Fernet.generate_key().decode()], lambda: NOW) as connections:
        client = connections.client(connection, Organisation("trust", "Example Trust", tenant_id=ID))
        client.read_lists(client.read_rights(client.read_organisation(Books())))
        client.bills([ID])
        client.bill(ID)
        client.history(ID)
        client.annotate(ID, "billwatch: made this bill", "key")
        client.make_options((("Region", "Youth"),), "key")
        for pages in (client.changed_bills(NOW), client.open_bills(), client.changed_contacts(NOW)):
            assert list(pages) == []
        bill = Bill(
            *("trust", ID, "G-1", Status.AUTHORISED, ID, "Kea", TERMS.date, "NZD"),
            *(TERMS.total, TERMS.total, TERMS.sense, NOW, NOW),
        )
        new = Write(TERMS, Status.SUBMITTED, "G-1", url="https://grants.example.org/1")
        change = Write(TERMS, Status.SUBMITTED, "G-1", bill_id=ID, fields=frozenset(Field))
        relabel = replace(change, fields=frozenset({Field.DESCRIPTION}))
        for write, request in (
            (new, client.create_request([new])),
            (change, client.update_request([(change, bill)])),
            (relabel, client.update_request([(relabel, replace(bill, lines=(LINE,)))])),
        ):
            client.send(Attempt(1, "trust", *request, "key", NOW, (Element("M-1", write, 1, 1),)))


def test_billwatch_asks_only_with_parameters_that_are_published(asked: list[Asked]) -> None:
    described = description(ACCOUNTING)
    unknown = [(one.path, one.parameters - described.parameters(one.method, one.path)) for one in asked]
    assert [(path, names) for path, names in unknown if names] == []


def test_billwatch_sends_only_what_the_description_takes(asked: list[Asked]) -> None:
    described = description(ACCOUNTING)
    sent = [one for one in asked if one.body is not None]
    assert [one.method for one in sent] == ["PUT", "PUT", "PUT", "POST", "POST"]
    for one in sent:
        assert described.faults(described.request(one.method, one.path), one.body) - SENT == set()


# The description marks a calendar day as `x-is-msdate` wherever it stands; its text asks for YYYY-MM-DD in requests.
SENT = {Fault(f"Invoices.*.{name}", "x-is-msdate") for name in ("Date", "DueDate")}
