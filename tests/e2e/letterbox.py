"""A mail server on a real socket, and what it was handed."""

import asyncio
import re
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

LINK = re.compile(r"https://grants\.example\.org/r/([\w-]{43})")


@dataclass(frozen=True)
class Letter:
    """A mail as it came in."""

    recipient: str
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return self.message.get_body(("plain",)).get_content()

    @property
    def tokens(self) -> list[str]:
        """The tokens of the links in it, each once."""
        return list(dict.fromkeys(LINK.findall(self.text)))


@dataclass
class Letterbox:
    """Listens on a free port of the loopback interface for the length of a `with` block."""

    letters: list[Letter] = field(default_factory=list)
    port: int = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.letters.extend(Letter(recipient, message) for recipient in envelope.rcpt_tos)
        return "250 taken"

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        made = self._loop.create_server(lambda: SMTP(self, loop=self._loop), "127.0.0.1", self.port)
        self._server: Any = self._loop.run_until_complete(made)
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
