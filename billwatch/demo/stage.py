"""The stage of the demo: a sandbox, a mail server that keeps what it gets, and the daemon, each on a free port."""

import asyncio
import email
import email.policy
import html
import re
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography.fernet import Fernet

from billwatch.config import Config, checked
from billwatch.daemon import Daemon
from billwatch.sandbox import Sandbox
from billwatch.wiring import House
from receiver.dashboard.passwords import hashed
from reconciler.model import Decision
from reconciler.reasons import Reason

KEY = "example"
USER = "ana"
DATABASE = "sqlite:///billwatch.db"
PATIENCE_SECONDS = 20.0
CONFIG = """
[server]
port = {port}
public_url = "http://127.0.0.1:{port}"
[[user]]
name = "{user}"
password_hash = "{password_hash}"
role = "act"
[storage]
url = "{database}"
[xero]
api_url = "{xero}"
identity_url = "{xero}"
webhook_keys = ["env:WEBHOOK_KEY"]
[keys]
encryption = ["env:ENCRYPTION_KEY"]
links = ["env:LINK_KEY"]
[reconciler]
quiet_seconds = 0
[mail]
host = "127.0.0.1"
port = {smtp}
security = "none"
sender = "billwatch@example.org"
collect_seconds = 1
[[organisation]]
key = "example"
name = "Example Trust"
tenant_id = "{tenant}"
client_id = "{client}"
client_secret = "env:CLIENT_SECRET"
mode = "sync"
account = "480"
tax = "NONE"
reply_to = "grants@example.org"
[organisation.people]
accounting = ["accounts@example.org"]
grants = ["grants@example.org"]
operator = ["ops@example.org"]
"""


class Letters:
    """An SMTP server that keeps the mails it accepts."""

    def __init__(self) -> None:
        self.kept: list[EmailMessage] = []
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            self._loop.create_server(lambda: SMTP(self, loop=self._loop), "127.0.0.1", 0)
        )
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, name="letters", daemon=True)
        self._thread.start()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  theirs
        """Accept a mail."""
        content = envelope.content
        raw = content if isinstance(content, bytes) else str(content).encode()
        message = email.message_from_bytes(raw, policy=email.policy.default)
        self.kept.append(message)
        return "250 Message accepted"

    def to(self, recipient: str, subject: str = "") -> list[EmailMessage]:
        """The mails to that address whose subject holds the text, oldest first."""
        return [m for m in list(self.kept) if m["To"] == recipient and subject in m["Subject"]]

    def close(self) -> None:
        """Stop serving."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._server.close()
        self._loop.run_until_complete(self._server.wait_closed())
        self._loop.close()


class Stage:
    """Everything running, for the length of a `with` block. All names of a person in it are invented."""

    def __init__(self, database: str = DATABASE) -> None:
        self._database = database
        self._stack = ExitStack()
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="billwatch-demo-")))
        self.webhook_key = secrets.token_urlsafe(32)
        self.password = secrets.token_urlsafe(9)

    def __enter__(self) -> Self:
        self.xero = self._stack.enter_context(Sandbox())
        self.org = self.xero.organisation("Example Trust", country="NZ")
        # The story puts days into half a minute; Xero's 60 calls a minute are for days of ordinary length.
        self.xero.limits(minute=600)
        self.letters = Letters()
        self._stack.callback(self.letters.close)
        self.house = self._stack.enter_context(House(self._config()))
        self.daemon = Daemon(self.house)
        self.daemon.start()
        self._stack.callback(self.daemon.stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def write(self, name: str, text: str) -> Path:
        """A file beside the configuration."""
        path = self._folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def sweep(self) -> None:
        """The sweep that comes every quarter of an hour, now."""
        self.house.cycle(KEY).turn(sweep=True)

    def standing(self) -> dict[str, Decision]:
        """How every milestone stands, by key."""
        listed = self.house.ledger.overview.listing(KEY, 1_000)
        keys = [one.milestone.key for one in listed]
        return {d.case.milestone.key: d for d in self.house.ledger.milestones.standing(KEY, keys)}

    def mailed(self) -> dict[str, list[str]]:
        """The reasons that somebody was mailed about, by milestone."""
        found: dict[str, list[str]] = {}
        for key in self.standing():
            told = [m.value for m in self.house.ledger.overview.timeline(KEY, key) if m.what == "flag"]
            if told:
                found[key] = [flag.reason.value for flag in told]
        return found

    def reason(self, key: str) -> Reason | None:
        """Why the milestone stands as it does; `None` before it is decided."""
        found = self.house.ledger.milestones.standing(KEY, [key])
        return found[0].verdict.reason if found else None

    def _config(self) -> Config:
        environ = {
            "WEBHOOK_KEY": self.webhook_key,
            "ENCRYPTION_KEY": Fernet.generate_key().decode(),
            "LINK_KEY": secrets.token_urlsafe(32),
            "CLIENT_SECRET": self.xero.client_secret,
        }
        text = CONFIG.format(
            port=_free_port(),
            database=self._database,
            user=USER,
            password_hash=hashed(self.password),
            xero=self.xero.url,
            smtp=self.letters.port,
            tenant=self.org.tenant_id,
            client=self.xero.client_id,
        )
        return checked(text.encode(), self._folder / "billwatch.toml", environ=environ)


class Page:
    """The page behind a mail's link, used as a browser without JavaScript would."""

    def __init__(self, mail: EmailMessage) -> None:
        body = mail.get_body(("plain",))
        found = re.search(r"http://\S+/r/\S+", body.get_content() if body else "")
        self.url = found[0] if found else ""

    def choose(self, **fields: str) -> str:
        """Open the page, fill the form in, review it, confirm it; the text of the page that tells the outcome."""
        with httpx.Client(timeout=PATIENCE_SECONDS) as browser:
            form = _fields(browser.get(self.url).text)
            review = browser.post(self.url, data=form | fields | {"step": "review"})
            result = browser.post(self.url, data=_fields(review.text) | {"step": "confirm"})
        return html.unescape(re.sub(r"<[^>]+>|\s+", " ", result.text))


def until(holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold within some seconds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        kept = given.get("type") == "hidden" or "checked" in given
        if tag == "input" and kept and given.get("name"):
            self.fields.setdefault(str(given["name"]), []).append(given.get("value") or "")


def _fields(page: str) -> dict[str, str | list[str]]:
    """The hidden fields and ticked boxes of a page's form."""
    form = _Form()
    form.feed(page)
    return {name: values if name == "keys" else values[-1] for name, values in form.fields.items()}


def _free_port() -> int:
    """A free port of the loopback interface, known before the daemon listens because its mails carry it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
