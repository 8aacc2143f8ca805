"""The mail server: settings, a connection for a batch, and what its refusals mean."""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import StrEnum

from notify import clean

POLICY = re.compile(rb"\s*5\.7\.\d")


class Security(StrEnum):
    """How the connection is protected: not at all, from `STARTTLS` on, or from the first byte."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class MailError(Exception):
    """The server did not take a mail. The text is a sentence for the operator, without secrets."""


class Undeliverable(MailError):
    """The server refused this recipient for good; the same again cannot help."""


class Deferred(MailError):
    """The server did not take this mail now; later it may."""


class Unreachable(Deferred):
    """No mail can be sent at all just now: no connection, no agreement on security, or no login."""


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server. `timeout` is in seconds, per answer; `ca_file` names further certificates to trust."""

    host: str
    port: int = 587
    security: Security = Security.STARTTLS
    username: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 20.0
    ca_file: str = ""

    @contextmanager
    def connected(self) -> Iterator["Connection"]:
        """A connection for several mails. Raises `Unreachable`."""
        connection = Connection(self, self._open())
        try:
            yield connection
        finally:
            connection.close()

    def send(self, message: EmailMessage, recipient: str) -> str:
        """Send one mail over a connection of its own; what the server said of it. Raises `MailError`."""
        with self.connected() as connection:
            return connection.send(message, recipient)

    def _open(self) -> smtplib.SMTP:
        client: smtplib.SMTP | None = None
        try:
            client = self._connect()
            if self.security is Security.STARTTLS:
                client.starttls(context=self._context())
            if self.username:
                client.login(self.username, self.password)
            return client
        except (OSError, smtplib.SMTPException, ValueError) as error:
            if client:
                client.close()
            # What the server said may hold what we sent it; so neither its words nor the error's are handed on.
            raise Unreachable(_why(self, error)) from None

    def _connect(self) -> smtplib.SMTP:
        if self.security is Security.TLS:
            return _KeepingTls(self.host, self.port, timeout=self.timeout, context=self._context())
        return _Keeping(self.host, self.port, timeout=self.timeout)

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.ca_file:
            context.load_verify_locations(self.ca_file)
        return context


class _Answer:
    """Keeps what the server said when it accepted a mail, which the library throws away."""

    answer = ""

    def data(self, msg: object) -> tuple[int, bytes]:
        """Send the content (RFC 5321, section 4.1.1.4)."""
        code, said = super().data(msg)  # type: ignore[misc]
        self.answer = f"{code} {clean.plain(said.decode(errors='replace'))}"
        return code, said


class _Keeping(_Answer, smtplib.SMTP):
    pass


class _KeepingTls(_Answer, smtplib.SMTP_SSL):
    pass


class Connection:
    """An open connection. It is good for further mails until a method raised `Unreachable`."""

    def __init__(self, server: Server, client: smtplib.SMTP) -> None:
        self._server = server
        self._client = client

    def send(self, message: EmailMessage, recipient: str) -> str:
        """Hand over one mail; returning means that the server has accepted it, in these words.

        Raises `Undeliverable`, `Deferred` or `Unreachable`.
        """
        try:
            self._client.send_message(message, to_addrs=[recipient])
        except smtplib.SMTPRecipientsRefused as error:
            code, said = error.recipients[recipient]
            raise _refusal(code, said, lasting=500 <= code < 600) from None
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, error.smtp_error, lasting=error.smtp_code in (550, 551, 553)) from None
        except smtplib.SMTPSenderRefused as error:
            raise _refusal(error.smtp_code, error.smtp_error, lasting=False, what="our sender address") from None
        except smtplib.SMTPNotSupportedError:
            raise Undeliverable("The mail server cannot carry an address that is not plain ASCII.") from None
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(_why(self._server, error)) from None
        return str(getattr(self._client, "answer", ""))

    def close(self) -> None:
        """Say goodbye, if the server still listens."""
        try:
            self._client.quit()
        except (OSError, smtplib.SMTPException):
            self._client.close()


def _refusal(code: int, said: bytes | str, *, lasting: bool, what: str = "the mail") -> MailError:
    """The error for a refusal.

    Only what a server says of the mailbox lasts (RFC 5321, section 4.2.3). An enhanced code 5.7.x (RFC 3463,
    section 3.8) speaks of policy, such as relaying denied: that is for the operator to repair, and no mail is lost.
    """
    raw = said if isinstance(said, bytes) else said.encode()
    words = clean.plain(raw.decode(errors="replace"))
    sentence = f"The mail server refused {what}: {code} {words}"
    return Undeliverable(sentence) if lasting and not POLICY.match(raw) else Deferred(sentence)


def _why(server: Server, error: Exception) -> str:
    place = f"The mail server {server.host}:{server.port}"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"{place} did not accept user name and password (answer {error.smtp_code})."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{place} showed a certificate that is not trusted ({error.verify_message})."
    if isinstance(error, ssl.SSLError):
        return f"{place} and we could not agree on encryption; check port and security."
    if isinstance(error, smtplib.SMTPNotSupportedError):
        if "STARTTLS" not in str(error):
            return f"{place} offers no login: leave out username and password."
        return (
            f'{place} does not offer STARTTLS. Set security to "tls", or to "none" for a server that you reach safely.'
        )
    # smtplib reports a silence while it waits for an answer as a disconnection; the context tells them apart.
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return f"{place} did not answer within {server.timeout:g} seconds."
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return f"{place} broke the connection off."
    if isinstance(error, smtplib.SMTPException):
        return f"{place} turned the connection down ({type(error).__name__})."
    return f"{place} cannot be reached ({getattr(error, 'strerror', None) or type(error).__name__})."
