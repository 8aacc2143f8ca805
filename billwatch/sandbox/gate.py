"""What every API call passes before and after its own work.

In this order: ordered faults · token · tenant · scope · limits · idempotency · the work itself · delay or cut ·
headers and counters. The work runs under the world's lock and never awaits, so each call is atomic.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from billwatch.sandbox import faults, wire
from billwatch.sandbox.books import Organisation, new_id
from billwatch.sandbox.faults import Fault
from billwatch.sandbox.idempotency import LONGEST_KEY, Answer, KeyReused
from billwatch.sandbox.identity import Grant
from billwatch.sandbox.limits import Breach
from billwatch.sandbox.query import QueryError
from billwatch.sandbox.wish import Malformed
from billwatch.sandbox.witness import observed
from billwatch.sandbox.world import World


@dataclass(frozen=True, slots=True)
class Call:
    """One call as its work sees it; `query` has the last value of each parameter."""

    world: World
    org: Organisation
    now: datetime
    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def answer(self, status: int, content: object) -> Answer:
        return Answer(status, wire.dump(content, escape_slashes=self.world.switches.escape_slashes))


class NotFound(Exception):
    """No such document: 404 as text, as the live API answers."""


Work = Callable[[Call], Answer]
_KEYED = ("POST", "PUT", "PATCH")


@dataclass(frozen=True, slots=True)
class Gate:
    """One endpoint: `name` for the counters, `scopes` of which any one (or its `.read` for GET) is needed."""

    world: World
    name: str
    scopes: tuple[str, ...]
    works: Mapping[str, Work]  # by method

    async def __call__(self, request: Request) -> Response:
        body = await request.body()
        with self.world.lock:
            fault = self.world.faults.take(request.method, request.url.path)
        if fault and "before" in (fault.cut, fault.hang):
            return await _unanswered(request, fault)
        tenant, answer, entered = self._pass(request, body, fault)
        try:
            if fault and fault.delay:
                await asyncio.sleep(fault.delay)
        finally:
            if entered:
                with self.world.lock:
                    self.world.limits.leave(tenant)
        if fault and "after" in (fault.cut, fault.hang):
            return await _unanswered(request, fault)
        return self._respond(request, tenant, answer)

    def _pass(self, request: Request, body: bytes, fault: Fault | None) -> tuple[str, Answer, bool]:
        """The tenant, the answer, and whether the call is now in flight."""
        with self.world.lock:
            now = self.world.now()
            asked = request.headers.get("xero-tenant-id", "").strip().lower()
            if fault and fault.status not in (None, 500):
                return asked, _faulty(fault, now), False
            grant = self.world.identity.bearer(_token(request))
            if grant is None or now >= grant.expires:
                return asked, _unauthorised(grant), False
            org = self._organisation(grant, asked)
            if org is None or not self._allowed(grant, request.method):
                return asked, _forbidden(org), False
            if breach := self.world.limits.enter(org.tenant_id, now):
                return org.tenant_id, _too_many(breach), False
            call = _call(self.world, org, now, request, body)
            return org.tenant_id, self._once(call, grant, request, fault), True

    def _organisation(self, grant: Grant, asked: str) -> Organisation | None:
        tenants = [connection.tenant_id for connection in self.world.identity.visible(grant)]
        if not asked and len(tenants) == 1:
            asked = tenants[0]
        return self.world.organisations.get(asked) if asked in tenants else None

    def _allowed(self, grant: Grant, method: str) -> bool:
        needed = set(self.scopes)
        if method == "GET":
            needed |= {f"{scope}.read" for scope in self.scopes}
        return bool(needed & grant.scopes)

    def _once(self, call: Call, grant: Grant, request: Request, fault: Fault | None) -> Answer:
        """Do the work, or give the stored answer if this key has been answered before."""
        key = call.headers.get("idempotency-key")
        if not key or call.method not in _KEYED:
            return self._work(call, fault)
        if self.world.idempotency.down:
            return _text(*faults.TEXTS["error"])
        if len(key) > LONGEST_KEY:
            return _bad("Idempotency Key: at most 128 characters are allowed.")
        url = f"{request.url.path}?{request.url.query}"
        asked = (call.method, f"{call.org.tenant_id} {url}", call.body)
        try:
            stored = self.world.idempotency.recall(grant.app.client_id, key, asked, call.now)
        except KeyReused:
            return _bad(f"Idempotency Key: {key} is used with a different request.")
        if stored is None:
            stored = self._work(call, fault)
            self.world.idempotency.store(grant.app.client_id, key, asked, stored, call.now)
        return stored

    def _work(self, call: Call, fault: Fault | None) -> Answer:
        if fault and fault.status == 500:
            return _faulty(fault, call.now)
        work = self.works.get(call.method)
        if work is None:
            return _text(*faults.TEXTS["unimplemented"])
        try:
            with observed(call.org, call.headers.get("user-agent", ""), call.method, self.name, call.body):
                return work(call)
        except Malformed as error:
            return call.answer(400, wire.plain_error(17, "PostDataInvalidException", str(error)))
        except QueryError as error:
            return call.answer(400, wire.plain_error(16, "QueryParseException", str(error)))
        except NotFound:
            return _text(404, wire.NOT_FOUND_TEXT)

    def _respond(self, request: Request, tenant: str, answer: Answer) -> Response:
        with self.world.lock:
            self.world.meter.count(tenant, request.method, self.name, len(answer.body))
            remaining = self.world.limits.headers(tenant, self.world.now())
        if any(name == "X-Rate-Limit-Problem" and value == "minute" for name, value in answer.headers):
            remaining["X-MinLimit-Remaining"] = "0"
        headers = {**remaining, "xero-correlation-id": new_id(), **dict(answer.headers)}
        return Response(answer.body, answer.status, headers, media_type=answer.media)


async def _unanswered(request: Request, fault: Fault) -> Response:
    """Not a byte of an answer: the connection ends (the scope has its transport), or the caller ends it."""
    if fault.cut:
        request.scope["extensions"]["sandbox.transport"].abort()
    while (await request.receive())["type"] != "http.disconnect":
        continue
    return Response(status_code=500)


def _call(world: World, org: Organisation, now: datetime, request: Request, body: bytes) -> Call:
    query = dict(request.query_params)
    return Call(world, org, now, request.method, request.path_params, query, request.headers, body)


def _token(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _unauthorised(grant: Grant | None) -> Answer:
    if grant is None:
        return _problem(401, "AuthenticationUnsuccessful")
    return _expired(grant.expires)


def _expired(at: datetime) -> Answer:
    return _problem(401, f"TokenExpired: token expired at {at:%m/%d/%Y %H:%M:%S}")


def _forbidden(org: Organisation | None) -> Answer:
    return _problem(403, "AuthenticationUnsuccessful" if org is None else "insufficient_scope")


def _too_many(breach: Breach) -> Answer:
    headers = [("X-Rate-Limit-Problem", breach.problem)]
    if breach.retry_after is not None:
        headers.append(("Retry-After", str(breach.retry_after)))
    return Answer(429, b"", "text/plain", tuple(headers))


def _faulty(fault: Fault, now: datetime) -> Answer:
    status = fault.status or 500
    kind = fault.kind or faults.DEFAULT_KIND.get(status, "")
    if status == 429:
        return _too_many(Breach(kind, None if kind == "concurrent" else fault.retry_after))
    if status == 401 and kind == "expired":
        return _expired(now)
    if status in faults.DETAILS:
        return _problem(status, faults.DETAILS[status])
    return _text(status, faults.TEXTS[kind][1])


def _problem(status: int, detail: str) -> Answer:
    return Answer(status, wire.dump(wire.problem(status, detail)))


def _text(status: int, text: str) -> Answer:
    return Answer(status, text.encode(), "text/html")


def _bad(message: str) -> Answer:
    return Answer(400, wire.dump(wire.plain_error(10, "ValidationException", message)))
