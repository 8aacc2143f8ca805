"""The page for a person: what an accountant would do in Xero, on one screen, without a script.

Every button is a form that posts to `/page/{tenant}/…` and comes back to `/`; a refusal is shown in Xero's words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from billwatch.sandbox.books import Bill
from billwatch.sandbox.desk import Desk
from billwatch.sandbox.handle import Org, Refused
from billwatch.sandbox.identity_routes import TEMPLATES
from billwatch.sandbox.webhooks import OK, Delivery

SHOWN_BILLS = 200
SHOWN_DELIVERIES = 12
# Which buttons a bill has, by its status; the rules still decide.
BUTTONS = {
    "DRAFT": ("Submit", "Approve", "Delete"),
    "SUBMITTED": ("Approve", "Delete"),
    "AUTHORISED": ("Pay", "Void"),
    "PAID": ("Undo payment",),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One bill as the table shows it."""

    bill: Bill
    contact: str
    archived: bool
    locked: bool

    @property
    def buttons(self) -> tuple[str, ...]:
        if self.bill.status == "AUTHORISED" and self.bill.payments:
            return ("Pay", "Undo payment")
        return BUTTONS.get(self.bill.status, ())

    @property
    def editable(self) -> bool:
        return self.bill.status in ("DRAFT", "SUBMITTED", "AUTHORISED") and not self.bill.settled


class Page:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        return [
            Route("/", self.show, methods=["GET"]),
            Route("/organisationlogin/default.aspx", self.deep, methods=["GET"]),
            Route("/page/check", self.check, methods=["POST"]),
            Route("/page/{tenant}/bill", self._posted(_act_on_bill), methods=["POST"]),
            Route("/page/{tenant}/add", self._posted(_add), methods=["POST"]),
            Route("/page/{tenant}/locks", self._posted(_set_locks), methods=["POST"]),
            Route("/page/{tenant}/contact", self._posted(_act_on_contact), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        orgs = self._desk.orgs()
        asked = request.query_params.get("org")
        chosen = next((org for org in orgs if org.tenant_id == asked), orgs[0] if orgs else None)
        with self._desk.world.lock:
            context = {
                "orgs": orgs,
                "org": chosen,
                "rows": _rows(chosen, request.query_params.get("bill", "")) if chosen else [],
                "contacts": sorted(chosen.contacts(), key=lambda one: one.name.casefold()) if chosen else [],
                "today": chosen.books.today(self._desk.now()) if chosen else None,
                "hooks": self._desk.webhooks,
                "deliveries": _recent(self._desk.webhooks.deliveries(None)),
                "problem": request.query_params.get("problem"),
            }
        return TEMPLATES.TemplateResponse(request, "page.html", context)

    async def deep(self, request: Request) -> Response:
        """Xero's deep link to a bill: `shortcode` names the organisation, `redirecturl` its page of the bill."""
        asked = request.query_params
        page = parse_qs(urlsplit(asked.get("redirecturl", "")).query)
        org = next((one for one in self._desk.orgs() if one.short_code == asked.get("shortcode")), None)
        if org is None:
            return RedirectResponse(f"/?{urlencode({'problem': 'There is no such organisation here.'})}", 303)
        bill = page.get("InvoiceID", [""])[0]
        return RedirectResponse(f"/?{urlencode({'org': org.tenant_id, 'bill': bill})}#{quote(bill)}", 303)

    async def check(self, request: Request) -> Response:
        """Run the check of intent to receive."""
        form = await request.form()
        back = {"org": str(form.get("org", ""))}
        if (verdict := await run_in_threadpool(self._desk.webhooks.enable)) != OK:
            back["problem"] = f"The receiver did not pass the check: {verdict}."
        return RedirectResponse(f"/?{urlencode(back)}", 303)

    def _posted(self, deed: Callable[[Org, FormData], None]) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            form = await request.form()
            tenant = request.path_params["tenant"]
            back = {"org": tenant}
            try:
                await run_in_threadpool(deed, self._desk.org(tenant), form)
            except Refused as error:
                back["problem"] = " ".join(error.messages)
            except (KeyError, ValueError, ArithmeticError):
                back["problem"] = "That could not be read. Amounts look like 100.00, dates like 2026-11-30."
            return RedirectResponse(f"/?{urlencode(back)}", 303)

        return endpoint


def _act_on_bill(org: Org, form: FormData) -> None:
    bill, amount = str(form["bill"]), str(form.get("amount", "")).strip()
    match str(form["action"]):
        case "Submit":
            org.submit(bill)
        case "Approve":
            org.approve(bill)
        case "Pay":
            org.pay(bill)
        case "Undo payment":
            org.unpay(bill)
        case "Void":
            org.void(bill)
        case "Delete":
            org.delete(bill)
        case "Set amount":
            org.edit(bill, total=amount)
        case other:
            raise ValueError(other)


def _add(org: Org, form: FormData) -> None:
    fields = {name: str(form[name]) for name in ("number", "contact", "total", "status")}
    org.add_bill(**fields, date=str(form.get("date") or "") or None)


def _set_locks(org: Org, form: FormData) -> None:
    org.lock(period=str(form.get("period") or "") or None, year=str(form.get("year") or "") or None)


def _act_on_contact(org: Org, form: FormData) -> None:
    contact = str(form["contact"])
    if form["action"] == "Archive":
        org.archive_contact(contact)
    else:
        org.unarchive_contact(contact)


def _rows(org: Org, asked: str = "") -> list[Row]:
    """The bills changed last, newest first, after the one that was asked for."""
    bills = sorted(org.bills(), key=lambda bill: bill.updated or org.books.created, reverse=True)
    bills.sort(key=lambda bill: bill.bill_id != asked)
    locks = [day for day in (org.books.period_lock, org.books.year_lock) if day]
    until = max(locks) if locks else None
    rows = []
    for bill in bills[:SHOWN_BILLS]:
        contact = org.books.contacts[bill.contact_id]
        locked = until is not None and bill.day <= until
        rows.append(Row(bill, contact.name, contact.status == "ARCHIVED", locked))
    return rows


def _recent(deliveries: list[Delivery]) -> list[Delivery]:
    return list(reversed(deliveries))[:SHOWN_DELIVERIES]


def _milliseconds(seconds: float) -> str:
    return f"{timedelta(seconds=seconds) / timedelta(milliseconds=1):.0f} ms"


TEMPLATES.env.filters["milliseconds"] = _milliseconds
