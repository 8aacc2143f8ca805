"""The door put together: which path leads where."""

import asyncio
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp

from receiver import webhook
from receiver.render import STYLE_ROUTE, message
from receiver.security import SecurityHeaders

READY_SECONDS = 2.0


def create_app(hook: webhook.Webhook, ready: Callable[[], bool], routes: Sequence[BaseRoute] = ()) -> ASGIApp:
    """The ASGI application.

    `ready` asks the storage for a sign of life and may block or raise. `routes` are the other pages and interfaces.

    The webhook is looked for first, before all that pages are wrapped in. Its route stands among theirs too, so that
    another method at its address is answered as it is elsewhere.
    """
    door = Route(webhook.PATH, hook, methods=["POST"])
    own = [
        door,
        Route("/healthz", _healthy),
        Route("/readyz", _readiness(ready)),
        STYLE_ROUTE,
    ]
    app = Starlette(routes=[*own, *routes], exception_handlers={404: _not_found, 405: _not_allowed, 500: _failed})
    app.router.redirect_slashes = False
    pages = SecurityHeaders(app)
    return Router([door, Route(webhook.PATH, pages)], redirect_slashes=False, default=pages)


async def _healthy(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


def _readiness(ready: Callable[[], bool]) -> Callable[[Request], object]:
    async def readiness(_request: Request) -> Response:
        try:
            async with asyncio.timeout(READY_SECONDS):
                good = await run_in_threadpool(ready)
        except Exception:  # noqa: BLE001  whatever keeps the storage from answering, the answer is "not ready"
            good = False
        return PlainTextResponse("ready\n") if good else PlainTextResponse("The storage does not answer.\n", 503)

    return readiness


async def _not_found(_request: Request, _error: Exception) -> Response:
    return message(404, "There is nothing here", "Please check the address, or open the link from the mail again.")


async def _not_allowed(_request: Request, error: Exception) -> Response:
    answer = message(405, "That does not work here", "This address takes no requests of that kind.")
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


async def _failed(_request: Request, _error: Exception) -> Response:
    return message(
        500,
        "Something went wrong on our side",
        "Nothing was lost. Please try again in a minute; if it happens again, tell whoever runs billwatch.",
    )
