# ruff: noqa: ARG002  the Protocols and aiosmtpd say what a method is given
"""A ledger in memory, and a mail server on a real socket that can be told how to answer."""

import asyncio
import datetime as dt
import ssl
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from mail_samples import BOOKS, NOW
from msgspec.structs import replace

from notify.digests import Outlook, Week
from reconciler.model import Decision
from reconciler.organisation import Books
from reconciler.records import Mail


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now

    def move(self, **step: float) -> None:
        self.now += dt.timedelta(**step)


@dataclass
class Owed:
    """A mail with what became of it."""

    mail: Mail
    due: dt.datetime = NOW
    claimed_until: dt.datetime = NOW
    sent_at: dt.datetime | None = None
    error: str = ""
    given_up: bool = False
    heir: str = ""


@dataclass
class Outbox:
    """The mails owed; `sent` fails as often as `crashes` says, after the server has accepted the mail."""

    owed: dict[int, Owed] = field(default_factory=dict)
    crashes: int = 0

    def add(self, *mails: Mail) -> None:
        self.owed.update({mail.mail_id: Owed(mail) for mail in mails})

    def claim(self, now: dt.datetime, limit: int, lease: dt.timedelta) -> list[Mail]:
        open_ = [o for o in self.owed.values() if not o.sent_at and not o.given_up]
        due = [o for o in open_ if o.due <= now and o.claimed_until <= now][:limit]
        for owed in due:
            owed.claimed_until = now + lease
        return [owed.mail for owed in due]

    def sent(self, mail_id: int, now: dt.datetime) -> None:
        if self.crashes:
            self.crashes -= 1
            raise KeyboardInterrupt
        self.owed[mail_id].sent_at = now

    def failed(self, mail_id: int, error: str, next_try_at: dt.datetime, now: dt.datetime) -> None:
        owed = self.owed[mail_id]
        owed.error = error
        owed.mail = replace(owed.mail, tries=owed.mail.tries + 1)
        owed.due = owed.claimed_until = next_try_at

    def dropped(self, mail_id: int, now: dt.datetime) -> None:
        self.owed[mail_id].given_up = True

    def refused(self, mail: Mail, said: str, heir: str, send_after: dt.datetime, now: dt.datetime) -> None:
        owed = self.owed[mail.mail_id]
        owed.error, owed.given_up, owed.heir = said, True, heir

    def shut(self, now: dt.datetime) -> frozenset[str]:
        return frozenset()


@dataclass
class Tickets:
    """The hashes of links with when they expire."""

    kept: dict[bytes, dt.datetime] = field(default_factory=dict)

    def make(
        self,
        mail_id: int,
        address: str,
        flag_ids: Collection[int],
        token_hash: bytes,
        now: dt.datetime,
        expires: dt.datetime,
    ) -> None:
        self.kept.setdefault(token_hash, expires)


@dataclass
class Standing:
    """Milestones as they stand."""

    decisions: list[Decision] = field(default_factory=list)

    def standing(self, organisation: str, keys: Collection[str]) -> list[Decision]:
        return [decision for decision in self.decisions if decision.case.milestone.key in keys]


class Facts:
    """Weeks without anything, and nothing ahead."""

    def week(self, organisation: str, until: dt.datetime) -> Week:
        return Week(until.date() - dt.timedelta(days=7), until.date())

    def outlook(self, organisation: str, now: dt.datetime) -> Outlook:
        return Outlook(None, None, (), 7)


class Mirror:
    """The books of the samples."""

    def books(self, organisation: str) -> Books:
        return BOOKS


@dataclass
class Memory:
    """A ledger that forgets when the test ends."""

    outbox: Outbox = field(default_factory=Outbox)
    tickets: Tickets = field(default_factory=Tickets)
    milestones: Standing = field(default_factory=Standing)
    mirror: Mirror = field(default_factory=Mirror)


@dataclass
class Inbox:
    """What the mail server accepted, and the answers that it gives instead of accepting."""

    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refuse_recipient: dict[str, str] = field(default_factory=dict)
    refuse_data: list[str] = field(default_factory=list)
    connections: int = 0

    async def handle_EHLO(  # noqa: N802  the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self.refuse_recipient.get(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuse_data:
            return self.refuse_data.pop(0)
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.recipients.extend(envelope.rcpt_tos)
        return "250 OK"


class MailServer:
    """aiosmtpd on a free loopback port, on an event loop in a thread of its own. `port` keeps over a restart."""

    def __init__(self, inbox: Inbox, *, tls: ssl.SSLContext | None = None, password: str = "") -> None:
        self.inbox, self.port = inbox, 0
        self._tls, self._password = tls, password
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._thread.start()

    def up(self) -> "MailServer":
        self._run(self._up())
        return self

    def down(self) -> None:
        self._run(self._down())

    def close(self) -> None:
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine: object) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)  # type: ignore[arg-type]

    async def _up(self) -> None:
        self._server = await self._loop.create_server(self._session, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _down(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def _session(self) -> SMTP:
        secured = {"authenticator": self._check, "auth_required": True} if self._password else {}
        return SMTP(
            self.inbox,
            hostname="mail.example.org",
            loop=self._loop,
            tls_context=self._tls,
            enable_SMTPUTF8=False,
            **secured,
        )

    def _check(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=data.password == self._password.encode(), handled=False)
