"""A running billwatch to attack: the real daemon on a real socket, connected to the sandbox, mailing to a letterbox."""

import base64
import contextlib
import hashlib
import hmac
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from databases import asked
from letterbox import Letter, Letterbox
from starlette.applications import Starlette
from starlette.routing import Mount, Route, Router
from world import KEY, World, until

from billwatch.daemon import Daemon
from receiver.dashboard.passwords import hashed
from reconciler.model import Milestone

HOOK = "/webhooks/xero"
TICK = 0.05  # seconds
WEBHOOK_KEY = "a webhook key"
PASSWORD = "a few unusual words"
PUBLIC = "https://grants.example.org"
SETTINGS = """
public_url = "{public}"
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "billwatch@example.org"
collect_seconds = 0
[reconciler]
quiet_seconds = 0
fresh_minutes = 9999
[api]
requests_per_minute = 100000
[[user]]
name = "ana"
password_hash = "{hash}"
role = "act"
[[user]]
name = "vera"
password_hash = "{hash}"
"""
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


def settings(letterbox: Letterbox, public: str = PUBLIC) -> str:
    """What is added to a world's configuration."""
    return SETTINGS.format(public=public, port=letterbox.port, hash=hashed(PASSWORD, cost=16))


@dataclass(frozen=True)
class Answer:
    """One HTTP answer as it came over the wire."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Address:
    """A path as its route names it, and the methods that it takes."""

    path: str
    methods: frozenset[str]


def _addresses(app: Any, prefix: str) -> Iterator[Address]:
    while not isinstance(app, Starlette):
        app = app.default if isinstance(app, Router) else app._app
    for route in app.routes:
        if isinstance(route, Mount) and prefix + route.path != "/static":
            yield from _addresses(route.app, prefix + route.path)
        elif isinstance(route, Route):
            yield Address(prefix + route.path, frozenset(route.methods or ("GET", "POST")))


@dataclass
class Fort:
    """The running daemon, its world, and ways to reach it."""

    world: World
    daemon: Daemon
    letterbox: Letterbox
    folder: Path
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> tuple[str, int]:
        server = self.daemon._server
        return server.host, server.port

    @property
    def routes(self) -> list[Address]:
        """Every address that the daemon serves."""
        return list(_addresses(self.daemon._server._config.app, ""))

    def connect(self, seconds: float = 10) -> socket.socket:
        return socket.create_connection(self.address, timeout=seconds)

    def kept(self) -> list[bytes]:
        """The bodies of all raw requests that are stored."""
        return [bytes(body) for (body,) in self.asked("SELECT body FROM raw_request ORDER BY id")]

    def events(self, resource_id: bytes) -> int:
        """How many events are recorded of a bill."""
        ((count,),) = self.asked("SELECT count(*) FROM event WHERE resource_id = ?", resource_id.decode())
        return int(count)

    def asked(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query finds in the database."""
        return asked(self.world.house.config.storage.url, query, *values)

    def send(self, raw: bytes, seconds: float = 10) -> Answer:
        """Send these very bytes over a connection of their own."""
        with self.connect(seconds) as sock:
            sock.sendall(raw)
            return read_answer(sock)

    def post(self, body: bytes, signature: bytes | None = None, *headers: bytes) -> Answer:
        """Deliver a webhook, by default signed as it must be."""
        given = sign(body) if signature is None else signature
        return self.send(request(body, b"x-xero-signature: " + given, *headers))

    def ask(
        self, method: str, path: str, form: dict[str, str] | bytes | None = None, *, user: str = "", **headers: str
    ) -> Answer:
        """Ask as a browser does; `user` is whose session to use."""
        body = form if isinstance(form, bytes) else urlencode(form).encode() if form is not None else None
        sent = {"Host": PUBLIC.partition("//")[2], **{name.replace("_", "-"): value for name, value in headers.items()}}
        if user:
            sent.setdefault("Cookie", self.login(user))
        if body is not None:
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        with contextlib.closing(HTTPConnection(*self.address, timeout=20)) as connection:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            told = [(name.lower(), value) for name, value in answer.getheaders()]
            return Answer(answer.status, told, answer.read())

    def login(self, user: str) -> str:
        """The cookie of a session of that user."""
        if user not in self.cookies:
            answer = self.ask("POST", "/login", {"name": user, "password": PASSWORD}, Origin=PUBLIC)
            assert answer.status == 303, answer.text
            self.cookies[user] = (answer.header("set-cookie") or "").partition(";")[0]
        return self.cookies[user]

    def csrf(self, user: str, path: str = "/exemptions") -> str:
        """The token that forms of that user must bring back."""
        found = _CSRF.search(self.ask("GET", path, user=user).text)
        assert found, "no form on that page"
        return found[1]

    def flagged(self, key: str) -> Letter:
        """The mail that warns of a milestone whose bill was changed in Xero."""
        return self.edited(self.world.put(key))

    def edited(self, milestone: Milestone) -> Letter:
        """The mail that warns of the milestone once it is billed and its bill was changed; an hour has passed before,
        since nobody gets mails more often."""
        self.world.xero.advance(minutes=61)
        before = len(self.letterbox.letters)
        with self.world.cycle.lock:
            self.world.sweep()
            number = self.world.standing(milestone.key).case.bill.number
            self.world.org.edit(number, total="1300.00", description=milestone.description)
            self.world.sweep()
        # Not left to the daemon, whose jobs go by the real clock.
        self.world.house.postman().deliver()
        until(lambda: any(milestone.key in letter.text for letter in self.letterbox.letters[before:]))
        return next(letter for letter in self.letterbox.letters[before:] if milestone.key in letter.text)


def sign(body: bytes, key: str = WEBHOOK_KEY) -> bytes:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest())


def request(body: bytes, *headers: bytes, method: bytes = b"POST", path: bytes = HOOK.encode()) -> bytes:
    head = [method + b" " + path + b" HTTP/1.1", b"Host: fort", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def signed(body: bytes) -> bytes:
    """A request as Xero would send it."""
    return request(body, b"x-xero-signature: " + sign(body))


def event(number: int) -> bytes:
    """The body of a delivery about a bill that nobody follows; each number makes another."""
    return (
        b'{"events":[{"resourceUrl":"https://api.xero.com/x","resourceId":"717f2bfc-c6d4-41fd-b238-%012d",'
        b'"eventDateUtc":"2026-11-02T00:44:09.923","eventType":"UPDATE","eventCategory":"INVOICE",'
        b'"tenantId":"c2cc9b6e-9458-4c7d-93cc-f02b81b0594f","tenantType":"ORGANISATION"}],"entropy":"NLDZEGWUXNHES"}'
    ) % number


def until_read(fort: Fort) -> None:
    """Wait until the daemon has read all requests that are stored."""
    inbox = fort.world.house.ledger.inbox
    until(lambda: inbox.waiting() is None)


def read_answer(sock: socket.socket) -> Answer:
    """The next answer on a connection; raises `ConnectionError` when there is none."""
    with sock.makefile("rb") as stream:
        first = stream.readline()
        if not first:
            raise ConnectionResetError
        headers = []
        while (line := stream.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            headers.append((name.lower(), value.strip()))
        length = int(dict(headers).get("content-length", "0"))
        return Answer(int(first.split()[1]), headers, stream.read(length))


@contextlib.contextmanager
def running(world: World, letterbox: Letterbox, folder: Path) -> Iterator[Fort]:
    """The fort, for the length of a `with` block."""
    config = world.house.config
    world.house.config = msgspec.structs.replace(
        config, reconciler=msgspec.structs.replace(config.reconciler, tick_seconds=TICK)
    )
    daemon = Daemon(world.house)
    daemon.start()
    try:
        until(lambda: world.house.ledger.mirror.books(KEY).swept_at)
        yield Fort(world, daemon, letterbox, folder)
    finally:
        daemon.stop()
