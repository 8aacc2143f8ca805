"""Around the pages: signs of life, headers, plain words for what goes wrong."""

import asyncio
import socket
import threading

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.app import create_app
from receiver.render import STYLE_PATH
from receiver.security import HEADERS
from receiver.server import Server
from receiver.webhook import Webhook
from reconciler.errors import ConfigurationError


def _ready() -> bool:
    return True


def _broken() -> bool:
    raise OSError("gone")


def _ask(path: str, method: str = "GET", ready: object = _ready) -> httpx.Response:
    async def crash(_request: Request) -> Response:
        raise ZeroDivisionError

    app = create_app(Webhook([], None, None), ready, [Route("/crash", crash)])  # type: ignore[arg-type]

    async def asking() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
            return await client.request(method, path)

    return asyncio.run(asking())


def test_a_running_process_is_healthy_whatever_the_storage_does() -> None:
    assert _ask("/healthz", ready=_broken).status_code == 200


@pytest.mark.parametrize(("ready", "status"), [(_ready, 200), (_broken, 503), (lambda: False, 503)])
def test_readiness_follows_the_storage(ready: object, status: int) -> None:
    assert _ask("/readyz", ready=ready).status_code == status


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/nothing", "GET", 404),
        ("/healthz", "POST", 405),
        ("/crash", "GET", 500),
        ("/healthz", "GET", 200),
        (STYLE_PATH, "GET", 200),
        ("/webhooks/xero", "GET", 405),
        ("/webhooks/xero/", "POST", 404),
        ("/a%0Ab", "GET", 404),
        ("/webhooks/xero%0Ab", "POST", 404),
    ],
)
def test_every_answer_but_the_webhook_s_carries_the_headers(path: str, method: str, status: int) -> None:
    answer = _ask(path, method)
    assert answer.status_code == status
    own = {"Cache-Control"} if path == STYLE_PATH else set()
    assert {name: answer.headers[name] for name in HEADERS if name not in own} == {
        name: value for name, value in HEADERS.items() if name not in own
    }


def test_the_stylesheet_may_be_kept_for_ever_because_its_address_changes_with_it() -> None:
    answer = _ask(STYLE_PATH)
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("path", ["/nothing", "/crash"])
def test_error_pages_are_plain_words(path: str) -> None:
    page = _ask(path).text
    assert "<h1>" in page
    assert "Traceback" not in page
    assert "ZeroDivision" not in page


def test_an_address_in_use_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Cannot listen on 127.0.0.1:{port}"):
            Server(create_app(Webhook([], None, None), _ready), port=port)  # type: ignore[arg-type]


def test_the_server_runs_in_the_caller_s_thread_until_stopped() -> None:
    server = Server(create_app(Webhook([], None, None), _ready), port=0)  # type: ignore[arg-type]
    statuses: list[int] = []

    def visit() -> None:
        server.ready.wait(10)
        statuses.append(httpx.get(f"http://127.0.0.1:{server.port}/healthz", trust_env=False).status_code)
        server.stop()

    visitor = threading.Thread(target=visit)
    visitor.start()
    server.run()
    visitor.join()
    assert statuses == [200]


def test_the_server_does_not_say_what_it_is() -> None:
    server = Server(create_app(Webhook([], None, None), _ready), port=0)  # type: ignore[arg-type]
    server.start()
    answer = httpx.get(f"http://127.0.0.1:{server.port}/healthz", trust_env=False)
    server.stop()
    assert "server" not in answer.headers
    assert "date" in answer.headers
