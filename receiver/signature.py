"""Who sent a request: the signature that Xero puts on every webhook delivery."""

import hmac
from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

HEADER = b"x-xero-signature"

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A webhook signing key as the developer portal shows it, under the name that the configuration gives it."""

    name: str
    secret: str = field(repr=False)
    _begun: HMAC = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_begun", HMAC(self.secret.encode(), SHA256()))

    def sign(self, body: bytes) -> bytes:
        """The signature of these bytes."""
        mac = self._begun.copy()
        mac.update(body)
        return b2a_base64(mac.finalize(), newline=False)


def matching_key(keys: Sequence[SigningKey], headers: Headers, body: bytes) -> str | None:
    """The name of the first key that signed these exact bytes; `None` when there is none.

    The signature is base64 of HMAC-SHA256, and the key is the text itself, although it looks like base64
    ("Webhooks: configuring your server", developer.xero.com). Every key is tried and compared in constant time;
    a request without, or with more than one, signature is nobody's. `headers` have names in lower case (ASGI).
    """
    given = [value for name, value in headers if name == HEADER]
    if len(given) != 1:
        return None
    matches = [key.name for key in keys if hmac.compare_digest(key.sign(body), given[0])]
    return matches[0] if matches else None
