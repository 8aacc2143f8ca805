"""Access tokens: asked for, refreshed once at a time, and kept encrypted.

An access token lives 30 minutes. A refresh token changes at every refresh and must be stored before the access token
that came with it is used; the previous one can be tried again for 30 minutes, so that a refresh whose answer was lost
is repeated and nothing breaks. One that is not used for 60 days ends, and the consent with it
(developer.xero.com/documentation/guides/oauth2/token-types). A custom connection has none.
"""

import base64
import datetime as dt
import re
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeGuard
from urllib.parse import urlencode

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from reconciler.errors import ConfigurationError, ConnectionLost, Unavailable
from reconciler.ports import Clock
from reconciler.xero import parsing
from reconciler.xero.http import Answer, Call, Http
from reconciler.xero.settings import Connection
from reconciler.xero.shapes import Granted

UNUSED = dt.timedelta(days=60)
_EARLY = dt.timedelta(seconds=60)
_LIFE = dt.timedelta(minutes=30)


class TokenStore(Protocol):
    """Where sealed tokens are kept; the store never sees what is in them."""

    def get(self, name: str) -> tuple[bytes, int] | None:
        """The blob of this connection and its version, from 1; `None` when there is none."""
        ...

    def put(self, name: str, blob: bytes, version: int) -> bool:
        """Replace the blob if its version is still this one (0: there is none), durably; `False` when it is not."""
        ...

    def alone(self, name: str, /) -> AbstractContextManager[object]:
        """While it lasts, no other process that shares the store has the same."""
        ...


@dataclass(frozen=True, slots=True)
class TokenSet:
    """An access token with the end of its life, and the refresh token that follows it (empty when there is none)."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: dt.datetime


class Seal:
    """The lock on stored tokens. The first key encrypts, all of them decrypt.

    `keys` are looked at each time, so that they can be exchanged under a running daemon. Raises ConfigurationError.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys
        self._made = _lock(tuple(keys))

    def encrypt(self, plain: bytes) -> bytes:
        """Seal it with the newest key."""
        return self._lock().encrypt(plain)

    def decrypt(self, blob: bytes) -> bytes:
        """What was sealed with any of the keys. Raises `cryptography.fernet.InvalidToken`."""
        return self._lock().decrypt(blob)

    def newest(self, blob: bytes) -> bool:
        """Whether the newest key alone opens it. Raises as `decrypt` does when none of them does."""
        self.decrypt(blob)
        try:
            Fernet(self._keys[0]).decrypt(blob)
        except InvalidToken:
            return False
        return True

    def _lock(self) -> MultiFernet:
        keys = tuple(self._keys)
        if keys != self._made[0]:
            self._made = _lock(keys)
        return self._made[1]


def _lock(keys: tuple[str, ...]) -> tuple[tuple[str, ...], MultiFernet]:
    try:
        return keys, MultiFernet([Fernet(key) for key in keys])
    except (ValueError, TypeError):
        fault = "A token key must be 32 bytes in URL-safe base64, and at least one is needed: billwatch keys makes one."
    raise ConfigurationError(fault)


class Tokens:
    """The tokens of one connection. Every method may raise ConnectionLost (a person must act) or Unavailable."""

    def __init__(self, connection: Connection, store: TokenStore, lock: Seal, http: Http, clock: Clock) -> None:
        self._connection, self._store, self._seal, self._http, self._clock = connection, store, lock, http, clock
        self._kept_as = connection.kept_as or connection.name
        self._turn = threading.Lock()
        self._held: TokenSet | None = None
        self._blob = b""

    def access(self) -> str:
        """A token that is good for at least another minute.

        The store is asked every time, so that a consent given to another process counts at once.
        """
        held = self._held
        if held is not None and self._good(held) and self._stored()[0] == self._blob:
            return held.access
        with self._turn:
            return self._current().access

    def renew(self, refused: str) -> str:
        """Another token than this one, which Xero has refused."""
        with self._turn:
            return self._current(refused).access

    def scopes(self) -> frozenset[str] | None:
        """What the token allows; `None` when that cannot be told."""
        return parsing.scopes(self.access())

    def lapses_at(self) -> dt.datetime | None:
        """When the consent ends unless its tokens are refreshed before; `None` where there is none that could."""
        blob, version = self._stored()
        held = self._opened(blob) if version else None
        return held.expires_at - _LIFE + UNUSED if held and held.refresh else None

    def redeem(self, code: str, redirect_uri: str, verifier: str = "") -> None:
        """Trade an authorisation code, once and within 5 minutes, and store what it gives."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        with self._turn:
            _, version = self._stored()
            fresh = self._ask(form | ({"code_verifier": verifier} if verifier else {}))
            self._held = self._keep(fresh, version)

    def _current(self, refused: str = "") -> TokenSet:
        """What is stored, if another thread or process has refreshed it meanwhile; else a refresh."""
        held, _ = self._load()
        if not self._serves(held, refused):
            with self._store.alone(self._kept_as):
                held, version = self._load()
                if not self._serves(held, refused):
                    held = self._refreshed(held, version)
        self._held = held
        return held

    def _serves(self, held: TokenSet | None, refused: str) -> TypeGuard[TokenSet]:
        return held is not None and held.access != refused and self._good(held)

    def _refreshed(self, held: TokenSet | None, version: int) -> TokenSet:
        try:
            return self._keep(self._ask(self._form(held)), version)
        except ConnectionLost:
            stored, newer = self._load()
            if stored is not None and newer != version and self._good(stored):
                return stored
            raise

    def _form(self, held: TokenSet | None) -> dict[str, str]:
        if self._connection.grant == "client_credentials":
            return {"grant_type": "client_credentials", "scope": " ".join(self._connection.scopes)}
        if held is None or not held.refresh:
            raise ConnectionLost(f"The connection {self._connection.name} is not authorised yet: billwatch connect.")
        return {"grant_type": "refresh_token", "refresh_token": held.refresh}

    def _ask(self, form: dict[str, str]) -> TokenSet:
        asked_at = self._clock()
        answer = self._http.exchange(self._call(form))
        granted = _read(answer)
        if answer.status == 200 and granted.access_token and granted.expires_in > 0:
            refresh = granted.refresh_token or form.get("refresh_token", "")
            return TokenSet(granted.access_token, refresh, asked_at + dt.timedelta(seconds=granted.expires_in))
        if answer.status in (400, 401, 403):
            raise ConnectionLost(self._lost(granted.error), correlation=answer.correlation)
        raise Unavailable(f"{answer.name}: {answer.status}, no token was given.", correlation=answer.correlation)

    def _call(self, form: dict[str, str]) -> Call:
        app = self._connection
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if app.client_secret:
            pair = f"{app.client_id}:{app.client_secret}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        else:
            form = {**form, "client_id": app.client_id}
        return Call("POST", app.token_url, headers, urlencode(form).encode())

    def _keep(self, fresh: TokenSet, version: int) -> TokenSet:
        """Store before use. If somebody else stored first, theirs counts and ours is forgotten."""
        blob = self._seal.encrypt(msgspec.json.encode(fresh))
        if self._store.put(self._kept_as, blob, version):
            self._blob = blob
            return fresh
        theirs, _ = self._load()
        if theirs is None or not self._good(theirs):
            raise Unavailable(f"The tokens of {self._connection.name} are being refreshed elsewhere.")
        return theirs

    def _stored(self) -> tuple[bytes, int]:
        return self._store.get(self._kept_as) or (b"", 0)

    def _load(self) -> tuple[TokenSet | None, int]:
        blob, version = self._stored()
        if not version:
            return None, 0
        self._blob = blob
        return self._opened(blob), version

    def _opened(self, blob: bytes) -> TokenSet:
        try:
            return msgspec.json.decode(self._seal.decrypt(blob), type=TokenSet)
        except (InvalidToken, msgspec.DecodeError):
            fault = f"The stored tokens of {self._connection.name} cannot be decrypted with the configured keys."
        raise ConnectionLost(f"{fault} Put the one they were stored with back under [keys], or run billwatch connect.")

    def _good(self, held: TokenSet) -> bool:
        return self._clock() < held.expires_at - _EARLY

    def _lost(self, error: str) -> str:
        known = error if re.fullmatch(r"[a-z_]{1,40}", error) else "no reason given"
        todo = "connect again" if known == "invalid_grant" else "check client id, secret and scopes, then connect again"
        return f"Xero refuses the connection {self._connection.name} a token ({known}): {todo}."


def _read(answer: Answer) -> Granted:
    try:
        return msgspec.json.decode(answer.body, type=Granted)
    except (msgspec.DecodeError, ValueError):
        return Granted()
