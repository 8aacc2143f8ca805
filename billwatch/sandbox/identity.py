"""Apps, tokens and connections (Xero, guides "OAuth 2.0 overview" and "Custom connections"; xero-identity.yaml).

The sandbox has one app that reaches every connected organisation, and for each organisation a custom connection with
a client id of its own that reaches only that one.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from billwatch.sandbox.books import new_id
from billwatch.sandbox.known import CLIENT_SECRET, known_client
from billwatch.sandbox.switches import Switches

ACCESS_LIFE = timedelta(seconds=1_800)
CODE_LIFE = timedelta(minutes=5)
REFRESH_LIFE = timedelta(days=60)
REFRESH_GRACE = timedelta(minutes=30)
GRANULAR = (
    "accounting.invoices",
    "accounting.invoices.read",
    "accounting.payments",
    "accounting.payments.read",
    "accounting.settings",
    "accounting.settings.read",
    "accounting.contacts",
    "accounting.contacts.read",
)
BROAD = ("accounting.transactions", "accounting.transactions.read")
PLAIN = ("openid", "profile", "email", "offline_access", "accounting.attachments", "accounting.attachments.read")


class Refused(Exception):
    """A request to the identity server fails; the argument is the OAuth error code."""


@dataclass(frozen=True, slots=True)
class App:
    client_id: str
    client_secret: str = field(repr=False)
    tenant_id: str | None = None  # set for a custom connection


@dataclass(frozen=True, slots=True)
class Connection:
    id: str
    tenant_id: str
    auth_event_id: str
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What an access token, a refresh token or a code stands for; `expires` is its own end."""

    app: App
    scopes: frozenset[str]
    expires: datetime
    auth_event_id: str
    redirect_uri: str = ""
    challenge: str = ""
    replaced: datetime | None = None


@dataclass(slots=True)
class Identity:
    switches: Switches
    apps: dict[str, App] = field(default_factory=dict)
    connections: dict[str, Connection] = field(default_factory=dict)
    _access: dict[str, Grant] = field(default_factory=dict)
    _refresh: dict[str, Grant] = field(default_factory=dict)
    _codes: dict[str, Grant] = field(default_factory=dict)

    def register(self, tenant_id: str | None = None, *, known_as: str = "") -> App:
        """A new app, with the well-known client id and secret of that name, if one is given."""
        fresh = (secrets.token_hex(16).upper(), secrets.token_urlsafe(36))
        client_id, client_secret = (known_client(known_as), CLIENT_SECRET) if known_as else fresh
        app = App(client_id, client_secret, tenant_id)
        self.apps[app.client_id] = app
        return app

    def connect(self, tenant_id: str, now: datetime, auth_event_id: str | None = None) -> Connection:
        """Connect that tenant, or renew its connection."""
        event = auth_event_id or new_id()
        old = self.connection_of(tenant_id)
        new = (
            replace(old, auth_event_id=event, updated=now) if old else Connection(new_id(), tenant_id, event, now, now)
        )
        self.connections[new.id] = new
        return new

    def connection_of(self, tenant_id: str) -> Connection | None:
        return next((one for one in self.connections.values() if one.tenant_id == tenant_id), None)

    def visible(self, grant: Grant) -> list[Connection]:
        only = grant.app.tenant_id
        return [one for one in self.connections.values() if only is None or one.tenant_id == only]

    def bearer(self, token: str) -> Grant | None:
        """The grant of an access token, expired or not."""
        return self._access.get(token)

    def forget_access(self) -> None:
        """End every access token now; the next call with one is refused as unknown."""
        self._access.clear()

    def scopes(self, text: str) -> frozenset[str]:
        """The scopes of a request. Raises Refused for an unknown or, by default, a broad one."""
        asked = frozenset(text.split())
        known = {*GRANULAR, *PLAIN, *(BROAD if self.switches.broad_scopes else ())}
        if not asked <= known:
            raise Refused("invalid_scope")
        return asked

    def code(
        self, app: App, scopes: frozenset[str], redirect_uri: str, challenge: str, now: datetime
    ) -> tuple[str, str]:
        """A new authorisation code and the id of the consent it stands for."""
        code, event = secrets.token_urlsafe(32), new_id()
        self._codes[code] = Grant(app, scopes, now + CODE_LIFE, event, redirect_uri, challenge)
        return code, event

    def token(self, form: Mapping[str, str], now: datetime) -> dict[str, Any]:
        """Answer one request to the token endpoint. Raises Refused."""
        app = self.apps.get(form.get("client_id", ""))
        secret = form.get("client_secret", "")
        public = not secret and self._needs_no_secret(form)
        if app is None or not (public or secrets.compare_digest(app.client_secret.encode(), secret.encode())):
            raise Refused("unauthorized_client")
        grants = {
            "client_credentials": self._by_credentials,
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh,
        }
        if form.get("grant_type") not in grants:
            raise Refused("unsupported_grant_type")
        return grants[form["grant_type"]](app, form, now)

    def _needs_no_secret(self, form: Mapping[str, str]) -> bool:
        """Whether this is the code of a PKCE consent with its proof, or a refresh that goes back to one."""
        if form.get("grant_type") == "refresh_token":
            grant = self._refresh.get(form.get("refresh_token", ""))
            return grant is not None and bool(grant.challenge)
        return form.get("grant_type") == "authorization_code" and "code_verifier" in form

    def revoke(self, app: App, token: str) -> None:
        """Revoking a refresh token removes every connection of that user to the app."""
        grant = self._refresh.get(token)
        if grant is not None and grant.app == app:
            self.connections.clear()
            self._refresh.clear()

    def issue(
        self, app: App, scopes: frozenset[str], auth_event_id: str, now: datetime, *, challenge: str = ""
    ) -> dict[str, Any]:
        """A new set of tokens; the refresh token needs `offline_access`, and remembers a PKCE consent's challenge."""
        expires = now + ACCESS_LIFE
        access = _jwt(app, scopes, auth_event_id, expires)
        self._access[access] = Grant(app, scopes, expires, auth_event_id)
        answer = {"access_token": access, "expires_in": 1800, "token_type": "Bearer", "scope": " ".join(sorted(scopes))}
        if "openid" in scopes:
            answer["id_token"] = _jwt(app, scopes, auth_event_id, now + CODE_LIFE)
        if "offline_access" in scopes:
            refresh = secrets.token_urlsafe(32)
            self._refresh[refresh] = Grant(app, scopes, now + REFRESH_LIFE, auth_event_id, challenge=challenge)
            answer["refresh_token"] = refresh
        return answer

    def _by_credentials(self, app: App, form: Mapping[str, str], now: datetime) -> dict[str, Any]:
        scopes = self.scopes(form.get("scope", "")) or frozenset(GRANULAR)
        return self.issue(app, scopes - {"offline_access", "openid"}, new_id(), now)

    def _by_code(self, app: App, form: Mapping[str, str], now: datetime) -> dict[str, Any]:
        grant = self._codes.pop(form.get("code", ""), None)
        if grant is None or grant.app != app or now >= grant.expires:
            raise Refused("invalid_grant")
        if grant.redirect_uri != form.get("redirect_uri") or not _proved(
            grant.challenge, form.get("code_verifier", "")
        ):
            raise Refused("invalid_grant")
        return self.issue(app, grant.scopes, grant.auth_event_id, now, challenge=grant.challenge)

    def _by_refresh(self, app: App, form: Mapping[str, str], now: datetime) -> dict[str, Any]:
        token = form.get("refresh_token", "")
        grant = self._refresh.get(token)
        if grant is None or grant.app != app or now >= grant.expires:
            raise Refused("invalid_grant")
        if grant.replaced is not None and now - grant.replaced >= REFRESH_GRACE:
            raise Refused("invalid_grant")
        self._refresh[token] = replace(grant, replaced=grant.replaced or now)
        return self.issue(app, grant.scopes, grant.auth_event_id, now, challenge=grant.challenge)


def redirect_allowed(uri: str) -> bool:
    """Xero takes https, and http only for the word localhost."""
    return uri.startswith(("https://", "http://localhost:", "http://localhost/"))


def _proved(challenge: str, verifier: str) -> bool:
    if not challenge:
        return True
    return _base64(hashlib.sha256(verifier.encode()).digest()) == challenge


def _jwt(app: App, scopes: frozenset[str], auth_event_id: str, expires: datetime) -> str:
    head = {"alg": "RS256", "typ": "JWT", "kid": "sandbox"}
    claims = {
        "iss": "sandbox",
        "client_id": app.client_id,
        "exp": int(expires.timestamp()),
        "jti": secrets.token_hex(16),
        "authentication_event_id": auth_event_id,
        "xero_userid": "6d8c5f37-0000-4000-8000-000000000001",
        "scope": sorted(scopes),
    }
    parts = [_base64(json.dumps(part).encode()) for part in (head, claims)]
    return ".".join([*parts, _base64(secrets.token_bytes(64))])


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
