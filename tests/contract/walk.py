"""A walk through every operation that billwatch uses, in many states of a bill, with every answer kept."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from billwatch.sandbox import Event, Org, Sandbox, payload

from .published import ACCOUNTING, IDENTITY, WEBHOOKS


@dataclass(frozen=True)
class Kept:
    """One answer (or webhook): of which operation in which file, and its JSON; `note` says which case it was."""

    file: str
    method: str
    path: str
    status: int
    note: str
    body: Any = field(repr=False)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path} {self.status} {self.note}".strip()


def taken(xero: Sandbox) -> list[Kept]:
    """Every answer of the walk, in order."""
    with httpx.Client(base_url=xero.url) as http:
        return list(_Walk(xero, http).all())


class _Walk:
    def __init__(self, xero: Sandbox, http: httpx.Client) -> None:
        self._xero, self._http = xero, http
        self._org = xero.organisation("Example Trust", currencies=["AUD"])
        self._token = xero.tokens()["access_token"]

    def all(self) -> Iterator[Kept]:
        yield from self._settings()
        yield from self._contacts()
        yield from self._bills()
        yield from self._writes()
        yield from self._attachments()
        yield from self._refusals()
        yield from self._payments()
        yield from self._identity()
        yield from webhooks(self._xero, self._org)

    def _call(self, method: str, path: str, note: str = "", body: Any = None, **given: Any) -> Kept:
        """One call; `given` fills the braces of the path, and what fits none of them is a query parameter."""
        sent = {"Authorization": f"Bearer {self._token}", "xero-tenant-id": self._org.tenant_id}
        params = {name: value for name, value in given.items() if f"{{{name}}}" not in path}
        url = f"/api.xro/2.0{path.format(**given)}"
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        answer = self._http.request(method, url, headers=sent, params=params, **content)
        return Kept(ACCOUNTING, method, path, answer.status_code, note, answer.json())

    def _settings(self) -> Iterator[Kept]:
        yield self._call("GET", "/Organisation", "without locks")
        self._org.lock(period="2018-12-31", year="2018-03-31")
        yield self._call("GET", "/Organisation", "with locks")
        self._org.lock()
        yield self._call("GET", "/Organisation/Actions")
        self._org.archive_account("477")
        for path in ("/Accounts", "/TaxRates", "/Currencies"):
            yield self._call("GET", path)
        self._org.archive_tracking("Region", "West")
        yield self._call("GET", "/TrackingCategories", includeArchived="true")
        category = self._org.books.tracking["region"].category_id
        for note in ("", "refused"):
            options = "/TrackingCategories/{TrackingCategoryID}/Options"
            yield self._call("PUT", options, note, {"Name": "Youth"}, TrackingCategoryID=category)

    def _contacts(self) -> Iterator[Kept]:
        for name in ("Kea Trust", "Tui Trust", "Moa Trust"):
            self._org.add_contact(name, email="someone@example.org", number=f"N-{name}")
        self._org.archive_contact("Tui Trust")
        gone = self._org.merge_contact("Moa Trust", "Kea Trust")
        yield self._call("GET", "/Contacts", "paged", page=1, includeArchived="true")
        yield self._call("GET", "/Contacts", "not paged")
        yield self._call("GET", "/Contacts/{ContactID}", "merged", ContactID=gone.contact_id)
        wish = {"Contacts": [{"Name": "Ruru Trust"}, {"Name": "Kea Trust"}]}
        yield self._call("PUT", "/Contacts", "one refused", wish, summarizeErrors="false")
        yield self._call("PUT", "/Contacts", "refused", wish, summarizeErrors="true")
        yield self._call("POST", "/Contacts", "updated", {"Contacts": [{"Name": "Ruru Trust", "FirstName": "Ann"}]})

    def _bills(self) -> Iterator[Kept]:
        states = {
            "draft": self._org.add_bill(contact="Kea Trust", status="DRAFT", url="https://grants.example.org/1"),
            "paid": self._org.add_bill(contact="Kea Trust", status="PAID", reference="R", number="G-2"),
            "part paid": self._org.add_bill(contact="Kea Trust", paid=40, amount_types="Inclusive"),
            "foreign": self._org.add_bill(contact="Kea Trust", currency="AUD", amount_types="Exclusive"),
            "credited": self._org.add_bill(contact="Kea Trust"),
            "voided": self._org.add_bill(contact="Tui Trust", status="VOIDED"),
            "deleted": self._org.add_bill(contact="Kea Trust", status="DELETED"),
            "sales": self._org.add_bill(contact="Kea Trust", type="ACCREC", account="200", number="S-1"),
        }
        for kind in ("CreditNotes", "Prepayments", "Overpayments"):
            self._org.credit(states["credited"].bill_id, 10, kind=kind)
        self._org.edit(states["draft"].bill_id, planned="2026-12-24", add_line={"description": None, "unit_amount": 1})
        for note, bill in states.items():
            yield self._call("GET", "/Invoices/{InvoiceID}", note, InvoiceID=bill.bill_id)
        yield self._call("GET", "/Invoices", "paged", page=1, pageSize=1000, unitdp=4)
        yield self._call("GET", "/Invoices", "not paged")
        yield self._call("GET", "/Invoices", "summary", summaryOnly="true")
        paid = states["paid"].bill_id
        yield self._call("GET", "/Invoices/{InvoiceID}/History", InvoiceID=paid)
        note = {"HistoryRecords": [{"Details": "billwatch: made for M-1"}]}
        yield self._call("PUT", "/Invoices/{InvoiceID}/History", "", note, InvoiceID=paid)

    def _writes(self) -> Iterator[Kept]:
        north = [{"Name": "Region", "Option": "North"}]
        good = a_bill(InvoiceNumber="W-1", Status="SUBMITTED", LineItems=[line(Tracking=north)])
        made = self._call("PUT", "/Invoices", "created", {"Invoices": [good]}, summarizeErrors="true")
        yield made
        yield self._call("PUT", "/Invoices", "one refused", {"Invoices": [good, a_bill(LineItems=[])]}, **OPEN)
        yield self._call("POST", "/Invoices", "one refused", {"Invoices": [good, a_bill(Status="PAID")]}, **OPEN)
        bill_id = made.body["Invoices"][0]["InvoiceID"]
        wish = {"Invoices": [{"Status": "AUTHORISED"}]}
        yield self._call("POST", "/Invoices/{InvoiceID}", "approved", wish, InvoiceID=bill_id)
        yield self._call(
            "POST", "/Invoices/{InvoiceID}", "refused", {"Status": "DRAFT"}, InvoiceID=bill_id, summarizeErrors="false"
        )

    def _attachments(self) -> Iterator[Kept]:
        paid, files = self._org.bill("G-2").bill_id, "/Invoices/{InvoiceID}/Attachments"
        for note, content in (("", b"%PDF-1.7"), ("refused", b"")):
            yield self._call("PUT", f"{files}/{{FileName}}", note, content, InvoiceID=paid, FileName="a b.pdf")
        yield self._call("GET", files, InvoiceID=paid)
        yield self._call("GET", "/Invoices/{InvoiceID}", "with a file", InvoiceID=paid)

    def _refusals(self) -> Iterator[Kept]:
        two = {"Invoices": [a_bill(LineItems=[line(AccountCode="999")]), a_bill(Contact=None)]}
        for method in ("PUT", "POST"):
            yield self._call(method, "/Invoices", "refused", two, summarizeErrors="true")
        self._xero.switch(errors_on_lines=True)
        yield self._call("PUT", "/Invoices", "refused on the line", two, summarizeErrors="true")
        self._xero.switch(errors_on_lines=False)
        settled = self._org.bill("G-2").bill_id
        yield self._call("POST", "/Invoices/{InvoiceID}", "refused", {"Status": "VOIDED"}, InvoiceID=settled)
        long = {"HistoryRecords": [{"Details": "x" * 2_501}]}
        yield self._call("PUT", "/Invoices/{InvoiceID}/History", "refused", long, InvoiceID=settled)

    def _payments(self) -> Iterator[Kept]:
        bill = self._org.add_bill(contact="Kea Trust").bill_id
        wish = {"Payments": [payment(bill, 40)]}
        made = self._call("PUT", "/Payments", "", wish)
        yield made
        yield self._call("PUT", "/Payments", "refused", {"Payments": [payment(bill, 400)]}, summarizeErrors="true")
        yield self._call(
            "PUT", "/Payments", "one refused", {"Payments": [payment(bill, 1), payment(bill, 999)]}, **OPEN
        )
        yield self._call("GET", "/Payments", "paged", page=1)
        payment_id = made.body["Payments"][0]["PaymentID"]
        yield self._call("GET", "/Payments/{PaymentID}", PaymentID=payment_id)
        gone = {"Status": "DELETED"}
        yield self._call("POST", "/Payments/{PaymentID}", "", gone, PaymentID=payment_id)
        yield self._call("POST", "/Payments/{PaymentID}", "refused", gone, PaymentID=payment_id)

    def _identity(self) -> Iterator[Kept]:
        asked = self._http.get("/connections", headers={"Authorization": f"Bearer {self._token}"})
        yield Kept(IDENTITY, "GET", "/Connections", asked.status_code, "", asked.json())
        refresh = self._xero.tokens("openid offline_access accounting.invoices")["refresh_token"]
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        answer = self._http.post("/connect/token", data=form, auth=(self._xero.client_id, self._xero.client_secret))
        yield Kept(IDENTITY, "POST", "AccessToken", answer.status_code, "refreshed", answer.json())
        form = {
            "grant_type": "client_credentials",
            "client_id": self._org.client_id,
            "client_secret": self._org.client_secret,
        }
        answer = self._http.post("/connect/token", data=form)
        yield Kept(IDENTITY, "POST", "AccessToken", answer.status_code, "custom connection", answer.json())


OPEN = {"summarizeErrors": "false"}


def line(**changes: Any) -> dict[str, Any]:
    return {"Description": "Grant", "Quantity": 1, "UnitAmount": 100, "AccountCode": "480", **changes}


def a_bill(**changes: Any) -> dict[str, Any]:
    bill = {"Type": "ACCPAY", "Contact": {"Name": "Kea Trust"}, "Date": "2026-10-15", "DueDate": "2026-11-20"}
    return {key: value for key, value in {**bill, "LineItems": [line()], **changes}.items() if value is not None}


def payment(bill_id: str, amount: float) -> dict[str, Any]:
    return {"Invoice": {"InvoiceID": bill_id}, "Account": {"Code": "090"}, "Date": "2026-10-20", "Amount": amount}


def webhooks(xero: Sandbox, org: Org) -> Iterator[Kept]:
    """The bodies of the check of intent, of ordinary events, and of categories with data."""
    heard: list[Event] = []
    world = xero.desk.world
    world.listeners.append(heard.append)
    org.add_bill(contact="Weka Trust")  # a new contact and a new bill
    org.send("CREDITNOTE", data={"Type": "ACCPAYCREDIT", "Status": "DRAFT"})
    org.send("PREPAYMENT", data={"Type": "SPEND-PREPAYMENT", "Status": "AUTHORISED"})
    world.listeners.remove(heard.append)
    paths = {"INVOICE": "invoices", "CONTACT": "contacts", "CREDITNOTE": "creditNotes", "PREPAYMENT": "invoices"}
    for events, path, note in ((), "invoices", "intent to receive"), *(((e,), paths[e.category], "") for e in heard):
        first = 76 if events else 0
        content = payload.body(events, first, first, world.dice, world.switches)
        yield Kept(WEBHOOKS, "POST", path, 0, note or events[0].category, json.loads(content))
