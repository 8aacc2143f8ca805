"""A real door on a real socket, and a client that sends bytes as they are."""

import base64
import contextlib
import datetime as dt
import hashlib
import hmac
import socket
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from peewee import SqliteDatabase

from receiver.app import create_app
from receiver.body import BodyLimits
from receiver.server import Server
from receiver.signature import SigningKey
from receiver.webhook import Webhook
from storage.inbox import GroupInbox, SqliteStore
from storage.queues import RawRequestRow

NOW = dt.datetime(2026, 7, 9, 8, 10, tzinfo=dt.UTC)
KEY = SigningKey("current", "test_key")
EMPTY = b'{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "NLDZEGWUXNHESAQVGLYF"}'
EVENT = (
    b'{"events":[{"resourceUrl":"https://api.xero.com/api.xro/2.0/Invoices/717f2bfc-c6d4-41fd-b238-3f2f0c0cf777",'
    b'"resourceId":"717f2bfc-c6d4-41fd-b238-3f2f0c0cf777","eventDateUtc":"2025-12-02T00:44:09.923",'
    b'"eventType":"UPDATE","eventCategory":"INVOICE","tenantId":"c2cc9b6e-9458-4c7d-93cc-f02b81b0594f",'
    b'"tenantType":"ORGANISATION"}],"firstEventSequence": 1,"lastEventSequence": 1, "entropy": "S0m3r4Nd0mt3xt"}'
)


@dataclass
class Answer:
    """One HTTP answer as it came over the wire."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


@dataclass
class Door:
    """A running receiver and what it keeps."""

    server: Server
    hook: Webhook
    inbox: GroupInbox
    path: Path
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port = self.server.port

    def kept(self) -> list[bytes]:
        return kept(self.path)

    def post(
        self, body: bytes, signature: bytes | None = None, *extra: bytes, path: bytes = b"/webhooks/xero"
    ) -> Answer:
        signature = sign(body) if signature is None else signature
        return self.send(request(body, b"x-xero-signature: " + signature, *extra, path=path))

    def send(self, raw: bytes) -> Answer:
        with self.connect() as sock:
            sock.sendall(raw)
            return read_answer(sock)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


def sign(body: bytes, key: str = KEY.secret) -> bytes:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest())


def request(body: bytes, *headers: bytes, method: bytes = b"POST", path: bytes = b"/webhooks/xero") -> bytes:
    head = [method + b" " + path + b" HTTP/1.1", b"Host: door", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def read_answer(sock: socket.socket) -> Answer:
    with sock.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        headers = []
        while (line := stream.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            headers.append((name.lower(), value.strip()))
        length = int(dict(headers).get("content-length", "0"))
        return Answer(status, headers, stream.read(length))


def make_database(path: Path) -> None:
    database = SqliteDatabase(path, pragmas={"journal_mode": "wal"})
    with database.bind_ctx([RawRequestRow]):
        database.create_tables([RawRequestRow])
    database.close()


def kept(path: Path) -> list[bytes]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT body FROM raw_request ORDER BY id")]


@contextlib.contextmanager
def open_door(
    path: Path,
    keys: Sequence[SigningKey] = (KEY,),
    limits: BodyLimits | None = None,
    inbox: GroupInbox | None = None,
) -> Iterator[Door]:
    inbox = inbox or GroupInbox(lambda: SqliteStore(path))
    hook = Webhook(keys, inbox, lambda: NOW, limits=limits)
    server = Server(create_app(hook, ready=path.exists), port=0)
    inbox.start()
    server.start()
    try:
        yield Door(server, hook, inbox, path)
    finally:
        server.stop()
        inbox.stop()
