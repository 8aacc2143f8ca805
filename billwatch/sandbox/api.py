"""The routes of `/api.xro/2.0`, and the small read-only endpoints."""

from collections.abc import Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from billwatch.sandbox import api_attachments, api_contacts, api_invoices, api_payments, listing, messages, shapes, wire
from billwatch.sandbox.books import Option, new_id
from billwatch.sandbox.gate import Call, Gate, NotFound, Work
from billwatch.sandbox.idempotency import Answer
from billwatch.sandbox.world import World

ROOT = "/api.xro/2.0"
_BROAD = "accounting.transactions"
_INVOICES = ("accounting.invoices", _BROAD)
_PAYMENTS = ("accounting.payments", _BROAD)
_SETTINGS = ("accounting.settings",)
_CONTACTS = ("accounting.contacts",)
_ATTACHMENTS = ("accounting.attachments",)


def organisation(call: Call) -> Answer:
    return call.answer(200, wire.envelope(call.now, Organisations=[shapes.organisation(call.org)]))


def actions(call: Call) -> Answer:
    return call.answer(200, wire.envelope(call.now, Actions=shapes.actions(call.org)))


def accounts(call: Call) -> Answer:
    found = listing.narrowed(call.org.accounts.values(), call.query, listing.ACCOUNT_FIELDS)
    shown = [shapes.account(account, call.org.created) for account in found]
    return call.answer(200, wire.envelope(call.now, Accounts=shown))


def tax_rates(call: Call) -> Answer:
    shown = [shapes.tax_rate(rate) for rate in call.org.tax_rates.values()]
    return call.answer(200, wire.envelope(call.now, TaxRates=shown))


def currencies(call: Call) -> Answer:
    shown = [shapes.currency(code) for code in sorted(call.org.currencies)]
    return call.answer(200, wire.envelope(call.now, Currencies=shown))


def tracking_categories(call: Call) -> Answer:
    archived = call.query.get("includeArchived", "").lower() == "true"
    found = [one for one in call.org.tracking.values() if archived or one.status == "ACTIVE"]
    return call.answer(200, wire.envelope(call.now, TrackingCategories=[shapes.tracking_category(c) for c in found]))


def tracking_option(call: Call) -> Answer:
    """`PUT /TrackingCategories/{TrackingCategoryID}/Options`: one option by its name, or several."""
    category = next((c for c in call.org.tracking.values() if c.category_id == call.path["category"].lower()), None)
    if category is None:
        raise NotFound
    body = wire.load(call.body)
    asked = body.get("Options", [body]) if isinstance(body, dict) else [{}]
    names = [str(entry.get("Name") or "").strip() for entry in asked]
    taken = {option.name.casefold() for option in category.options}
    if bad := [name for name in names if not name or name.casefold() in taken]:
        return call.answer(400, wire.plain_error(10, "ValidationException", messages.option_unusable(bad[0])))
    made = tuple(Option(new_id(), name) for name in names)
    call.org.tracking[category.name.casefold()] = replace(category, options=(*category.options, *made))
    return call.answer(200, wire.envelope(call.now, Options=[shapes.option(option) for option in made]))


_ENDPOINTS: tuple[tuple[str, tuple[str, ...], Mapping[str, Work]], ...] = (
    ("/Organisation", _SETTINGS, {"GET": organisation}),
    ("/Organisations", _SETTINGS, {"GET": organisation}),
    ("/Organisation/Actions", _SETTINGS, {"GET": actions}),
    ("/Accounts", _SETTINGS, {"GET": accounts}),
    ("/TaxRates", _SETTINGS, {"GET": tax_rates}),
    ("/Currencies", _SETTINGS, {"GET": currencies}),
    ("/TrackingCategories", _SETTINGS, {"GET": tracking_categories}),
    ("/TrackingCategories/{category}/Options", _SETTINGS, {"PUT": tracking_option}),
    (
        "/Contacts",
        _CONTACTS,
        {"GET": api_contacts.index, "PUT": api_contacts.create, "POST": api_contacts.upsert},
    ),
    ("/Contacts/{contact}", _CONTACTS, {"GET": api_contacts.show, "POST": api_contacts.upsert}),
    (
        "/Invoices",
        _INVOICES,
        {"GET": api_invoices.index, "PUT": api_invoices.create, "POST": api_invoices.upsert},
    ),
    ("/Invoices/{invoice}", _INVOICES, {"GET": api_invoices.show, "POST": api_invoices.update}),
    ("/Invoices/{invoice}/History", _INVOICES, {"GET": api_invoices.history, "PUT": api_invoices.annotate}),
    ("/Invoices/{invoice}/Attachments", _ATTACHMENTS, {"GET": api_attachments.index}),
    (
        "/Invoices/{invoice}/Attachments/{name}",
        _ATTACHMENTS,
        {"GET": api_attachments.show, "PUT": api_attachments.upload, "POST": api_attachments.upload},
    ),
    (
        "/Payments",
        _PAYMENTS,
        {"GET": api_payments.index, "PUT": api_payments.create, "POST": api_payments.create},
    ),
    ("/Payments/{payment}", _PAYMENTS, {"GET": api_payments.show, "POST": api_payments.delete}),
)
_METHODS = ["GET", "PUT", "POST", "DELETE", "PATCH"]


def routes(world: World) -> list[Route]:
    return [_route(world, path, scopes, works) for path, scopes, works in _ENDPOINTS]


def _route(world: World, path: str, scopes: tuple[str, ...], works: Mapping[str, Work]) -> Route:
    gate = Gate(world, path, scopes, works)

    async def endpoint(request: Request) -> Response:
        return await gate(request)

    return Route(ROOT + path, endpoint, methods=_METHODS)
