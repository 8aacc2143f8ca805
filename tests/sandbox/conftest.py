"""One sandbox for all tests, set back to its defaults before each, and one new organisation per test."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import outside
import pytest

from billwatch.sandbox import Org, Sandbox

KEY = "dGVzdF9rZXk="  # what signs webhooks
START = datetime(2026, 11, 2, 11, 30, tzinfo=UTC)  # already 3 November in New Zealand


@dataclass
class Api:
    """A plain HTTP client of one organisation, with the headers every call needs."""

    http: httpx.Client
    org: Org
    token: str

    def call(self, method: str, path: str, body: Any = None, *, headers: Any = None, **params: Any) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.token}", "xero-tenant-id": self.org.tenant_id}
        sent |= {"Accept": "application/json", **(headers or {})}
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.request(method, f"/api.xro/2.0{path}", content=content, headers=sent, params=params)

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.call("GET", path, **params)

    def put(self, path: str, body: Any, **params: Any) -> httpx.Response:
        return self.call("PUT", path, body, **params)

    def post(self, path: str, body: Any, **params: Any) -> httpx.Response:
        return self.call("POST", path, body, **params)

    def write(self, path: str, *bills: Any, method: str = "POST") -> list[Any]:
        """The elements of a write with `summarizeErrors=false`, numbers read exactly."""
        answer = self.call(method, path, {"Invoices": list(bills)}, summarizeErrors="false")
        assert answer.status_code == 200, answer.text
        return list(exact(answer)["Invoices"])


def exact(answer: httpx.Response) -> Any:
    return json.loads(answer.content, parse_float=Decimal)


def errors(element: Any) -> list[str]:
    return [error["Message"] for error in element.get("ValidationErrors", [])]


def a_bill(**changes: Any) -> dict[str, Any]:
    line = {"Description": "Grant", "Quantity": 1, "UnitAmount": 100, "AccountCode": "480"}
    bill = {
        "Type": "ACCPAY",
        "Contact": {"Name": "Kea Trust"},
        "Date": "2026-10-15",
        "DueDate": "2026-11-20",
        "LineItems": [line],
    }
    return {key: value for key, value in {**bill, **changes}.items() if value is not None}


@pytest.fixture(scope="session")
def running() -> Iterator[Sandbox]:
    with Sandbox(lambda: START) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def http(running: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url) as client:
        yield client


@pytest.fixture
def xero(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture
def org(xero: Sandbox) -> Org:
    return xero.organisation("Example Trust", currencies=["AUD"])


@pytest.fixture
def api(xero: Sandbox, http: httpx.Client, org: Org) -> Api:
    return Api(http, org, xero.tokens()["access_token"])


@dataclass
class Ear:
    """A receiver that answers as it is told, and keeps what it was sent."""

    url: str = ""
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    good: int = 200
    bad: int = 401
    body: bytes = b""
    cookie: bool = False

    def answer(self, signature: str, content: bytes) -> int:
        right = base64.b64encode(hmac.new(KEY.encode(), content, hashlib.sha256).digest()).decode()
        return self.good if signature == right else self.bad

    def events(self) -> list[Any]:
        return [event for _, content in self.heard for event in json.loads(content)["events"]]


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()

    class Handler(outside.Ear):
        def hear(self, content: bytes) -> None:
            ear.heard.append((dict(self.headers.items()), content))
            self.send_response(ear.answer(self.headers["x-xero-signature"], content))
            if ear.cookie:
                self.send_header("Set-Cookie", "a=b")
            self.send_header("Content-Length", str(len(ear.body)))
            self.end_headers()
            self.wfile.write(ear.body)

    with outside.served(Handler) as server:
        ear.url = f"http://127.0.0.1:{server.server_port}/webhooks/xero"
        yield ear


@pytest.fixture
def quiet() -> Iterator[Sandbox]:
    """A sandbox that is not served and delivers only when flushed."""
    sandbox = Sandbox(lambda: START)
    yield sandbox
    sandbox.close()
