"""Programs that call billwatch, or are called by it: their keys, and what each key is for."""

import base64
import binascii
import datetime as dt
import secrets
from collections.abc import Collection
from enum import StrEnum

from reconciler.value import Value

PREFIX = "bw_"
HOOK_PREFIX = "whsec_"


class Scope(StrEnum):
    """What a key allows: to look, to put milestones and act on them, or to scrape the metrics."""

    READ = "read"
    WRITE = "write"
    METRICS = "metrics"


class ApiKey(Value, frozen=True):
    """A key as it is kept: never its text, only whose it is and what it allows.

    `organisations` are those it is for; `None` stands for all there are.
    """

    key_id: int
    name: str
    scopes: frozenset[Scope]
    organisations: tuple[str, ...] | None
    made_at: dt.datetime
    used_at: dt.datetime | None = None
    revoked_at: dt.datetime | None = None

    def reaches(self, organisation: str) -> bool:
        """Whether it is for that organisation."""
        return self.organisations is None or organisation in self.organisations

    def allows(self, scope: Scope) -> bool:
        """Whether it may be used so; whoever may write may look."""
        return scope in self.scopes or (scope is Scope.READ and Scope.WRITE in self.scopes)


def new_key() -> str:
    """The text of a new key: 256 bits of chance behind a prefix by which leaks can be searched for."""
    return PREFIX + secrets.token_urlsafe(32)


def scopes_in_words(scopes: Collection[Scope]) -> str:
    """`read, write`, in the order of `Scope`."""
    return ", ".join(scope.value for scope in Scope if scope in scopes)


def new_hook_secret() -> str:
    """A new secret to sign events with, in the form of Standard Webhooks 1.0.0: 32 bytes of chance."""
    return HOOK_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def hook_key(secret: str) -> bytes:
    """The bytes of a secret such as `whsec_…`. Raises ValueError when it is none of 24 to 64 bytes."""
    try:
        key = base64.b64decode(secret.removeprefix(HOOK_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("is no base64") from None
    if not secret.startswith(HOOK_PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError("is no secret of Standard Webhooks")
    return key
