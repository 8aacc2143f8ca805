"""Why something could not be reached is told in words, by its first cause."""

import socket
import ssl

import pytest

from reconciler.unreached import why


class ProtocolError(Exception):
    """An error of a library."""


CAUSES = [
    (ConnectionRefusedError(111, "Connection refused"), "it refuses connections"),
    (socket.gaierror(-2, "Name or service not known"), "there is no such name"),
    (TimeoutError("timed out"), "it did not answer in time"),
    (ConnectionResetError(104, "reset"), "it broke the connection off"),
    (OSError(113, "No route to host"), "no route to host"),
    (ssl.SSLError(1, "wrong version"), "it does not speak TLS as it should"),
    (ValueError("odd"), "protocol error"),
]


@pytest.mark.parametrize(("cause", "words"), CAUSES, ids=lambda value: type(value).__name__)
def test_each_cause_has_its_words_under_whatever_error_it_comes(cause: Exception, words: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        raise ProtocolError from cause
    assert why(caught.value) == words
