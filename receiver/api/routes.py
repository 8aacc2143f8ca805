"""The API itself: who asks, what comes in, what is asked of the house, what goes out."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import msgspec
import structlog
from msgspec import UNSET
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from receiver.api import shapes, views
from receiver.api.auth import Guard
from receiver.api.conditions import condition_of, etag
from receiver.api.fields import Key
from receiver.api.many import milestones_of, outcomes
from receiver.api.openapi import document
from receiver.api.operations import JSON, OPERATIONS, Operation
from receiver.api.ports import NotUsable, Platform
from receiver.api.problems import Refusal, answer, fault_of, refusal_of
from receiver.body import BodyLimits, BodyRefused, Disconnected, read_body
from receiver.dashboard.states import reasons_of
from reconciler.callers import ApiKey

TOO_OLD = (
    "What came after cursor {after} is not kept in full any more, but only what came after {forgotten}. "
    "Read the milestones anew, and then the changes from an empty `after` on."
)

BASE = "/api/v1"
SECONDS = 60.0
EMPTY = b"{}"
KEY_MUST = "must be a key of 1 to 200 Latin letters, digits and signs, without spaces at its ends."

log = structlog.get_logger(__name__)
T = TypeVar("T", bound=msgspec.Struct)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was let in. `body` is what came in, decoded where it is one value; `query` as the table says."""

    operation: Operation
    caller: ApiKey
    request: Request
    organisation: str
    key: str
    query: Any
    body: Any

    def person(self, named: str) -> str:
        """Who decides: whoever the platform names, and always which key."""
        name = " ".join(named.split())
        return f"{name} ({self.caller.name})" if name else self.caller.name


class Api:
    """`/api/v1`. `require_if_match` refuses to replace a milestone without saying which version."""

    def __init__(
        self, platform: Platform, guard: Guard, version: str, *, public_url: str = "", require_if_match: bool = False
    ) -> None:
        self._platform, self._guard, self._require = platform, guard, require_if_match
        self._document = document(version, public_url)
        self._handlers: dict[str, Callable[[Asked], Response]] = {
            "listOrganisations": self._organisations,
            "listMilestones": self._milestones,
            "putMilestones": self._put_many,
            "getMilestone": self._milestone,
            "putMilestone": self._put,
            "previewMilestone": self._preview,
            "resyncMilestone": self._resync,
            "exemptMilestone": self._exempt,
            "endExemption": self._end_exemption,
            "listChanges": self._changes,
        }

    def routes(self) -> list[BaseRoute]:
        """The routes to mount."""
        by_path: dict[str, dict[str, Operation]] = {}
        for one in OPERATIONS:
            by_path.setdefault(one.path, {})[one.method] = one
        own: list[BaseRoute] = [
            Route(path, self._endpoint(table), methods=list(table)) for path, table in by_path.items()
        ]
        own.append(Route("/openapi.json", self._openapi))
        app = Starlette(routes=own, exception_handlers={HTTPException: _refused})
        app.router.redirect_slashes = False
        return [Route(BASE, _nothing), Mount(BASE, app=_Undecoded(app))]

    async def _openapi(self, _request: Request) -> Response:
        return Response(self._document, media_type=JSON)

    def _endpoint(self, table: Mapping[str, Operation]) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            operation = table["GET" if request.method == "HEAD" else request.method]
            with structlog.contextvars.bound_contextvars(run=secrets.token_hex(4)):
                try:
                    caller = await run_in_threadpool(self._guard.admit, request, operation.scope)
                    content = await _content(request, operation)
                    return await run_in_threadpool(self._serve, operation, caller, request, content)
                except Disconnected:
                    return Response(status_code=400)
                except Exception as error:  # noqa: BLE001  nobody who calls sees a traceback
                    return self._failed(error)

        return serve

    def _failed(self, error: Exception) -> Response:
        refusal = refusal_of(error, self._platform.now())
        if refusal.status >= 500:
            log.error("api request failed", error=str(error), exc_info=error if refusal.status == 500 else None)
        return answer(refusal)

    def _serve(self, operation: Operation, caller: ApiKey, request: Request, content: bytes) -> Response:
        """Check all that can be checked without the house, then ask it."""
        try:
            found = {name: unquote(text, errors="strict") for name, text in request.path_params.items()}
        except UnicodeDecodeError:
            raise Refusal(404) from None
        organisation = found.get("organisation", "")
        if organisation and not (organisation in self._platform.organisations() and caller.reaches(organisation)):
            raise Refusal(404, f"There is no organisation “{organisation}” that this key reaches.")
        query = _query(operation.query, request) if operation.query else None
        body = _decoded(operation, content) if operation.body and not operation.many else content
        asked = Asked(operation, caller, request, organisation, found.get("key", ""), query, body)
        result = self._handlers[operation.name](asked)
        if operation.method != "GET":
            log.info("api", operation=operation.name, caller=caller.name, status=result.status_code, **found)
        return result

    def _organisations(self, asked: Asked) -> Response:
        mine = [key for key in self._platform.organisations() if asked.caller.reaches(key)]
        found = [views.organisation(each) for each in self._platform.standing(mine)]
        return _json(shapes.Organisations(items=found))

    def _milestones(self, asked: Asked) -> Response:
        query: shapes.ListQuery = asked.query
        reasons = None if query.state is UNSET else reasons_of(query.state)
        if query.reason is not UNSET:
            one = frozenset({query.reason})
            reasons = one if reasons is None else one & reasons
        after = (asked.organisation, query.after)
        found = self._platform.milestones(asked.organisation, query.limit + 1, after, reasons, query.text)
        (standing,) = self._platform.standing([asked.organisation])
        items = [views.brief(each, standing.organisation, standing.books) for each in found[: query.limit]]
        follows = items[-1].key if len(found) > query.limit else None
        return _json(shapes.Page(items=items, next=follows))

    def _milestone(self, asked: Asked) -> Response:
        return self._told(asked)

    def _put(self, asked: Asked) -> Response:
        condition = condition_of(asked.request)
        if self._require and not condition.stated:
            raise Refusal(428, "Say which version is replaced with If-Match, or that there is none: If-None-Match: *.")
        _check_key(asked.key)
        put = _usable(lambda: self._platform.put(asked.organisation, asked.key, asked.body, condition))
        if put is None:
            raise self._stale(asked)
        return self._told(asked, 200 if put.before else 201)

    def _stale(self, asked: Asked) -> Refusal:
        """A put whose condition does not hold: what there is instead."""
        story = self._platform.milestone(asked.organisation, asked.key)
        if story is None:
            return Refusal(412, f"There is no milestone “{asked.key}” yet that could be replaced.")
        version = views.full(story).version
        words = f"“{asked.key}” is there, in version {version}. Read it, then decide again."
        return Refusal(412, words, headers={"ETag": etag(version)})

    def _put_many(self, asked: Asked) -> Response:
        media = _media(asked.request)
        read = milestones_of(asked.body, lines=media != JSON)
        return _json(outcomes(read, self._platform.put_many(asked.organisation, read.usable)))

    def _preview(self, asked: Asked) -> Response:
        _check_key(asked.key)
        seen = _usable(lambda: self._platform.preview(asked.organisation, asked.key, asked.body))
        return _json(views.preview(seen))

    def _resync(self, asked: Asked) -> Response:
        self._found(asked)
        self._platform.resync(asked.organisation, asked.key, asked.person(asked.body.by))
        return self._told(asked)

    def _exempt(self, asked: Asked) -> Response:
        self._found(asked)
        self._platform.exempt(asked.organisation, asked.key, asked.body, asked.person(asked.body.by))
        return self._told(asked)

    def _end_exemption(self, asked: Asked) -> Response:
        if not self._platform.end_exemption(asked.organisation, asked.key, asked.person("")):
            raise Refusal(404, f"“{asked.key}” is not exempt.")
        return self._told(asked)

    def _changes(self, asked: Asked) -> Response:
        query: shapes.ChangesQuery = asked.query
        after = int(query.after or 0)
        found = self._platform.changes(asked.organisation, after, query.limit + 1)
        # Asked afterwards, so that nothing can be let go of in between unnoticed.
        if query.after and after < (forgotten := self._platform.forgotten(asked.organisation)):
            raise Refusal(410, TOO_OLD.format(after=after, forgotten=forgotten))
        items = [views.change(each) for each in found[: query.limit]]
        follows = items[-1].cursor if items else str(after)
        return _json(shapes.Feed(items=items, next=follows, more=len(found) > query.limit))

    def _found(self, asked: Asked) -> shapes.Full:
        story = self._platform.milestone(asked.organisation, asked.key)
        if story is None:
            raise Refusal(404, f"There is no milestone “{asked.key}” in {asked.organisation}.")
        return views.full(story)

    def _told(self, asked: Asked, status: int = 200) -> Response:
        """How the milestone stands now."""
        full = self._found(asked)
        headers = {"ETag": etag(full.version)}
        if status == 201:
            headers["Location"] = f"{BASE}/organisations/{asked.organisation}/milestones/{quote(asked.key, safe='')}"
        return _json(full, status, headers)


class _Undecoded:
    """Leaves the path as it was sent, so that a key with a slash in it stays one segment."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path") or quote(scope["path"]).encode()
        await self._app({**scope, "path": raw.decode("ascii", "replace")}, receive, send)


async def _content(request: Request, operation: Operation) -> bytes:
    """The body, where the operation takes one. Raises `Refusal`, `Disconnected`."""
    if operation.body is None:
        return b""
    try:
        content = await read_body(request.scope, request.receive, BodyLimits(operation.size, SECONDS))
    except BodyRefused as refused:
        raise Refusal(refused.status, headers={"Connection": "close"}) from None
    if not content and not operation.body_needed:
        return EMPTY
    if _media(request) not in operation.media:
        allowed = ", ".join(operation.media)
        raise Refusal(415, f"Send the body as {allowed}.", headers={"Accept": allowed})
    return content


def _media(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _decoded(operation: Operation, content: bytes) -> Any:
    kind = operation.body or msgspec.Struct
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise Refusal(422, errors=[fault_of(error, kind)]) from None
    except (msgspec.DecodeError, RecursionError):
        raise Refusal(400, "The body cannot be read as JSON.") from None


def _query(kind: type[T], request: Request) -> T:
    names = kind.__struct_fields__
    given = {name: value for name, value in request.query_params.items() if name in names}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Refusal(422, errors=[fault_of(error, kind)]) from None


def _check_key(key: str) -> None:
    """Milestones that came in otherwise may have other keys; new ones may not."""
    try:
        msgspec.convert(key, Key)
    except msgspec.ValidationError:
        raise Refusal(422, errors=[shapes.Fault(pointer="/key", detail=KEY_MUST)]) from None


def _usable(act: Callable[[], R]) -> R:
    try:
        return act()
    except NotUsable as error:
        raise Refusal(422, errors=error.faults) from None


def _json(value: msgspec.Struct, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, dict(headers or {}), JSON)


async def _nothing(_request: Request) -> Response:
    return answer(Refusal(404))


async def _refused(_request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    return answer(Refusal(status, headers=getattr(error, "headers", None) or {}))
