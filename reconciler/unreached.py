"""Why something could not be reached, in words: from what the system and TLS said, whichever library asked."""

import socket
import ssl
from collections.abc import Iterator

_BROKEN = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)


def why(error: BaseException) -> str:
    """The first cause that says something, as the end of a sentence without its full stop."""
    return next((told for cause in _causes(error) if (told := _told(cause))), _spaced(type(error).__name__))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What led to the error, from the very cause on to the error itself."""
    before = error.__cause__ or error.__context__
    if before is not None:
        yield from _causes(before)
    yield error


def _told(error: BaseException) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message.rstrip('.')}"
        case ssl.SSLError():
            return "it does not speak TLS as it should"
        case socket.gaierror():
            return "there is no such name"
        case ConnectionRefusedError():
            return "it refuses connections"
        case TimeoutError():
            return "it did not answer in time"
        case OSError() if isinstance(error, _BROKEN):
            return "it broke the connection off"
        case OSError():
            return (error.strerror or "").lower()
    return ""


def _spaced(name: str) -> str:
    """`RemoteProtocolError` as `remote protocol error`."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
