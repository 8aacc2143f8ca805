"""Who is logged in: a signed cookie that names a user, and the token that every form of theirs must bring back."""

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from itsdangerous import BadData, URLSafeSerializer

HOURS = 12
SALT = "billwatch dashboard session"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may use the dashboard; with `may_act` also decide. Without a hash, only through a proxy."""

    name: str
    password_hash: str = field(default="", repr=False)
    may_act: bool = False


@dataclass(frozen=True, slots=True)
class Visitor:
    """A user at the door. `token` is bound to their session; nobody else's page can know it."""

    user: User
    token: str


class Sessions:
    """Opens and reads sessions. `keys` are newest first: the first signs, the others still open what is old."""

    def __init__(self, keys: Sequence[str], users: Sequence[User], clock: Callable[[], dt.datetime]) -> None:
        self._users = {user.name: user for user in users}
        self._clock = clock
        self._key = keys[0].encode()
        options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        self._signer: URLSafeSerializer = URLSafeSerializer(list(reversed(keys)), salt=SALT, signer_kwargs=options)

    def open(self, user: User) -> str:
        """The cookie of a new session."""
        until = self._clock() + dt.timedelta(hours=HOURS)
        cookie = self._signer.dumps([user.name, secrets.token_urlsafe(16), _mark(user), int(until.timestamp())])
        return cookie if isinstance(cookie, str) else cookie.decode()

    def read(self, cookie: str) -> Visitor | None:
        """Whose session it is; `None` when it is none of ours, is over, or the user's password has changed."""
        try:
            name, nonce, mark, until = self._signer.loads(cookie)
        except (BadData, ValueError, TypeError):
            return None
        user = self._users.get(name)
        if user is None or mark != _mark(user) or self._clock().timestamp() >= until:
            return None
        return Visitor(user, self._token(f"session:{nonce}"))

    def named(self, name: str) -> Visitor | None:
        """The visitor whom a trusted proxy names."""
        user = self._users.get(name)
        return Visitor(user, self._token(f"named:{name}")) if user else None

    def _token(self, text: str) -> str:
        return hmac.digest(self._key, f"{SALT}:form:{text}".encode(), "sha256").hex()


def _mark(user: User) -> str:
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]
