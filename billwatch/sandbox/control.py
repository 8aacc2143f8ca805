"""The control API: what tests and scripts do to the sandbox over HTTP. All bodies are JSON objects.

- `GET /control` — address book: client id and secret, organisations with tenant ids and custom connections
- `POST /control/reset` — forget everything but the app's client id and secret
- `POST /control/organisations` `{name, country, currency?, currencies?, zone?, adviser?, may_approve?, demo?}`
- `POST /control/organisations/{tenant}/{action}` with the arguments of the method of `handle.Org` of that name:
  approve, submit, void, delete, unpay, uncredit `{bill}`; pay `{bill, amount?, on?}`; credit `{bill, amount, kind?}`;
  edit `{bill, …}`; add_bill `{…}`; add_contact `{name, archived?}`; archive_contact, unarchive_contact `{contact}`;
  rename_contact `{contact, new_name}`; merge_contact `{contact, into}`; archive_account, restore_account `{code}`;
  archive_tracking `{category, option?}`; lock `{period?, year?}`; settings `{adviser?, may_approve?, …}`;
  disconnect, reconnect; send `{category, kind?, data?}`; bill, contact `{name}`; bills, contacts
- `POST /control/clock` `{advance_seconds}`; `GET` tells the time
- `POST /control/faults` — fields of `faults.Fault`; `DELETE` forgets all
- `POST /control/weather` `{share, seed?, writes?}` — that share of the calls fails in any way, by dice; 0: none
- `POST /control/limits` `{on?, minute?, day?, app_minute?, concurrent?}`
- `POST /control/idempotency` `{down}`
- `POST /control/switches` — fields of `switches.Switches`
- `POST /control/tokens/forget` — every access token becomes unknown
- `GET /control/calls` — calls and bytes per tenant, method and endpoint; `DELETE` resets
- `GET /control/webhooks`; `POST /control/webhooks` `{url?, key?, …}` with fields of `webhooks.Manners`;
  `POST /control/webhooks/enable` runs the check and gives `{status}`; `POST /control/webhooks/flush` returns when
  everything due has been attempted; `GET /control/webhooks/deliveries`

What Xero would refuse a person is answered with 400 and `{messages}`; a wrong argument with 400 and `{error}`; an
unknown document with 404.
"""

from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from billwatch.sandbox import wire
from billwatch.sandbox.books import Bill
from billwatch.sandbox.desk import Desk
from billwatch.sandbox.handle import Org, Refused

ACTIONS = (
    *("approve", "submit", "void", "delete", "pay", "unpay", "credit", "uncredit", "edit", "bill", "bills"),
    *("add_bill", "add_contact", "archive_contact", "unarchive_contact", "rename_contact", "merge_contact"),
    *("contact", "contacts", "archive_account", "restore_account", "archive_tracking", "lock", "settings"),
    *("disconnect", "reconnect", "send"),
)

Deed = Callable[[dict[str, Any]], object]


class Control:
    """Each route is a deed: it takes the JSON body and gives back what is to be shown."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        desk = self._desk
        deeds: list[tuple[str, str, Deed]] = [
            ("GET", "", lambda _: desk.address_book()),
            ("POST", "/reset", lambda _: desk.reset()),
            ("POST", "/organisations", lambda body: _card(desk.organisation(**body))),
            ("POST", "/clock", lambda body: _time(desk.advance(float(body.get("advance_seconds", 0))))),
            ("GET", "/clock", lambda _: _time(desk.now())),
            ("POST", "/faults", lambda body: desk.fault(**body)),
            ("DELETE", "/faults", lambda _: desk.clear_faults()),
            ("POST", "/weather", lambda body: desk.weather(**body)),
            ("POST", "/limits", lambda body: desk.limits(**body)),
            ("POST", "/idempotency", lambda body: desk.idempotency_down(bool(body.get("down")))),
            ("POST", "/switches", lambda body: desk.switch(**body)),
            ("POST", "/tokens/forget", lambda _: desk.forget_tokens()),
            ("GET", "/calls", lambda _: desk.calls_table()),
            ("DELETE", "/calls", lambda _: desk.reset_calls()),
            ("GET", "/webhooks", lambda _: self._webhooks()),
            ("POST", "/webhooks", self._configure),
            ("POST", "/webhooks/enable", lambda _: {"status": desk.webhooks.enable()}),
            ("POST", "/webhooks/flush", lambda _: {"requests": desk.webhooks.flush()}),
            ("GET", "/webhooks/deliveries", lambda _: desk.webhooks.deliveries(None)),
        ]
        fixed = [Route(f"/control{path}", _endpoint(deed), methods=[method]) for method, path, deed in deeds]
        return [*fixed, Route("/control/organisations/{tenant}/{action}", self._act, methods=["POST"])]

    async def _act(self, request: Request) -> Response:
        tenant, action = request.path_params["tenant"], request.path_params["action"]
        if action not in ACTIONS:
            return _json(404, {"error": f"there is no action {action}"})

        def deed(body: dict[str, Any]) -> object:
            return getattr(self._desk.org(tenant), action)(**body)

        return await _done(request, deed)

    def _configure(self, body: dict[str, Any]) -> object:
        hooks = self._desk.webhooks
        manners = {name: value for name, value in body.items() if name not in ("url", "key")}
        if "url" in body or "key" in body:
            hooks.configure(body.get("url", hooks.url), body.get("key", hooks.key))
        hooks.set(**manners)
        return self._webhooks()

    def _webhooks(self) -> object:
        hooks = self._desk.webhooks
        return {"url": hooks.url, "status": hooks.status, "waiting": len(hooks.waiting()), **asdict(hooks.manners)}


def _endpoint(deed: Deed) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        return await _done(request, deed)

    return endpoint


async def _done(request: Request, deed: Deed) -> Response:
    """Run a deed off the event loop, so that deliveries may call back into this very server."""
    try:
        body = await request.json() if await request.body() else {}
        return _json(200, _plain(await run_in_threadpool(deed, body)))
    except Refused as error:
        return _json(400, {"messages": list(error.messages)})
    except KeyError as error:
        return _json(404, {"error": f"there is no {error.args[0]}"})
    except (TypeError, ValueError, ArithmeticError) as error:
        return _json(400, {"error": str(error)})


def _plain(value: object) -> object:
    """Dataclasses as objects, with the sums of a bill that are worked out; bytes as text."""
    if isinstance(value, Bill):
        sums = ("subtotal", "tax", "total", "paid", "credited", "amount_due", "fully_paid_on")
        return {
            **{key: _plain(entry) for key, entry in asdict(value).items()},
            **{key: _plain(getattr(value, key)) for key in sums},
        }
    if is_dataclass(value) and not isinstance(value, type):
        return {key: _plain(entry) for key, entry in asdict(value).items()}
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, bytes):
        return value.decode()
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def _card(org: Org) -> object:
    return {
        "tenant_id": org.tenant_id,
        "name": org.books.name,
        "short_code": org.short_code,
        "client_id": org.client_id,
        "client_secret": org.client_secret,
    }


def _time(now: datetime) -> object:
    return {"now": now}


def _json(status: int, content: object) -> Response:
    return Response(wire.dump(content, escape_slashes=False), status, media_type="application/json")
