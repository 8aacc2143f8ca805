"""The mail server of a sandbox that a person starts: it takes every mail, and shows it there."""

import asyncio
import email
import email.policy
import textwrap
import threading
from collections.abc import Callable

from aiosmtpd.smtp import SMTP, Envelope, Session

END_SECONDS = 5.0


class Mailbox:
    """Listens from `start` to `stop`; `say` hears each mail as text. Nothing is kept."""

    def __init__(self, host: str, port: int, say: Callable[[str], None]) -> None:
        self._host, self._port, self._say = host, port, say
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox-mail", daemon=True)
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._server.sockets[0].getsockname()[1] if self._server else self._port
        return port

    def start(self) -> None:
        """Take mails from now on. Raises OSError where the port is not to be had."""
        serving = self._loop.create_server(lambda: SMTP(self, loop=self._loop), self._host, self._port)
        self._server = self._loop.run_until_complete(serving)
        self._thread.start()

    def stop(self) -> None:
        """Take no more."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(END_SECONDS)
        if self._server:
            self._server.close()
        self._loop.close()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  theirs
        """Take a mail, and tell of it."""
        content = envelope.content
        self._say(shown(content if isinstance(content, bytes) else str(content).encode()))
        return "250 OK: shown where the sandbox runs"


def shown(raw: bytes) -> str:
    """A mail as a person reads it: to whom, the subject, and its text."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    body = message.get_body(("plain",))
    text = "\n".join(str(body.get_content()).strip().splitlines()) if body else ""
    return f"mail to {message['To']}: {message['Subject']}\n\n{textwrap.indent(text, '    ')}\n"
