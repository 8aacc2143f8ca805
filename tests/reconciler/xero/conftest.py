"""One sandbox for all tests and one new organisation per test; for answers that a sandbox never gives, a server that
recites a script. Both over real sockets, both on a clock that only the test moves.
"""

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stamina
from cryptography.fernet import Fernet

from billwatch.sandbox import Org, Sandbox
from reconciler.model import Status, Terms, Write
from reconciler.organisation import Organisation
from reconciler.records import Attempt, Element
from reconciler.xero.client import Client
from reconciler.xero.connections import Connection, Connections

START = dt.datetime(2026, 11, 2, 11, 30, tzinfo=dt.UTC)
KEY = Fernet.generate_key().decode()
BOOKS = "/api.xro/2.0"


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


class MemoryStore:
    """Compare-and-set like the real one; `events` tells when something was kept."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, int]] = {}
        self.events: list[str] = []

    def get(self, name: str) -> tuple[bytes, int] | None:
        return self.kept.get(name)

    def put(self, name: str, blob: bytes, version: int) -> bool:
        if self.kept.get(name, (b"", 0))[1] != version:
            return False
        self.kept[name] = (blob, version + 1)
        self.events.append("kept")
        return True

    def alone(self, _name: str) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """`status` 0 hangs up without an answer; `before` runs while the caller waits."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[], object] = bool


class Script:
    """Answers calls in order; token requests get `tokens` in order, or a new token each when there are none left."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.replies: list[Reply] = []
        self.tokens: list[Reply] = []
        self.granted = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def reply(self, status: int = 200, body: bytes = b"{}", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.replies.append(Reply(status, body, named))

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/connect/token":
            return self.tokens.pop(0) if self.tokens else self._grant()
        self.asked.append(asked)
        return self.replies.pop(0) if self.replies else Reply(500, b"the script is at its end")

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _grant(self) -> Reply:
        self.granted += 1
        body = f'{{"access_token":"access-{self.granted}","expires_in":1800,"refresh_token":"refresh-{self.granted}"}}'
        return Reply(200, body.encode())


def _handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65_537)
            self.close_connection = True
            if not self.raw_requestline or not self.parse_request():
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            reply = script.answer(Asked(self.command, self.path, headers, body))
            reply.before()
            if reply.status:
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            return

    return Handler


@dataclass
class Rig:
    """A client with everything around it; `waits` holds the seconds it would have slept."""

    client: Client
    connections: Connections
    connection: Connection
    store: MemoryStore
    clock: Clock
    waits: list[float]


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def connections(store: MemoryStore, clock: Clock, waits: list[float]) -> Iterator[Connections]:
    def wait(seconds: float) -> None:
        waits.append(seconds)
        clock.advance(seconds)

    with Connections(store, [KEY], clock, wait=wait, jitter=lambda: 0.5, silence_seconds=5.0) as connections:
        yield connections


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()
    yield script
    script.close()


@pytest.fixture
def rig(script: Script, connections: Connections, store: MemoryStore, clock: Clock, waits: list[float]) -> Rig:
    """Against the script, as a custom connection."""
    connection = Connection("main", "client_credentials", "id", "secret", api_url=script.url, identity_url=script.url)
    organisation = Organisation("trust", "Example Trust", tenant_id="tenant-1")
    return Rig(connections.client(connection, organisation), connections, connection, store, clock, waits)


@pytest.fixture(scope="session")
def shared_clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def shared_sandbox(shared_clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(shared_clock) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: Sandbox, shared_clock: Clock) -> Iterator[Sandbox]:
    shared_clock.now = START
    yield shared_sandbox
    shared_sandbox.clear_faults()
    shared_sandbox.idempotency_down(False)
    shared_sandbox.switch(sparse_single=False, errors_on_lines=False, escape_slashes=True)


@pytest.fixture
def org(sandbox: Sandbox) -> Org:
    return sandbox.organisation("Example Trust", currencies=["EUR"])


@pytest.fixture
def xero(sandbox: Sandbox, org: Org, shared_clock: Clock) -> Iterator[Client]:
    """Against the sandbox, as a custom connection."""
    connection = Connection("main", "client_credentials", org.client_id, org.client_secret, sandbox.url, sandbox.url)
    with Connections(MemoryStore(), [KEY], shared_clock, wait=shared_clock.advance) as connections:
        yield connections.client(connection, Organisation("trust", "Example Trust"))


def terms(**changes: Any) -> Terms:
    given = {
        "contact": "new:Kea Trust",
        "total": Decimal("115.00"),
        "currency": "NZD",
        "date": dt.date(2026, 11, 2),
        "due_date": dt.date(2026, 11, 16),
        "description": "First milestone",
        "account": "429",
        "tax": "INPUT2",
        **changes,
    }
    return Terms(**given)


def write(number: str = "G-1", status: Status = Status.SUBMITTED, *, url: str = "", **changes: Any) -> Write:
    return Write(terms(**changes), status, number, url=url)


def attempt(request: tuple[str, str, bytes], *writes: Write, key: str = "key-1") -> Attempt:
    elements = tuple(Element(one.number or one.bill_id, one, 1, 1) for one in writes)
    return Attempt(1, "trust", *request, key, START, elements)
