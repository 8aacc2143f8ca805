"""Connections to Xero, each with one pool and one set of tokens, and the clients of the organisations behind them."""

import datetime as dt
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType

import stamina.instrumentation

from reconciler.errors import ConfigurationError
from reconciler.organisation import Organisation
from reconciler.ports import Clock
from reconciler.xero import parsing
from reconciler.xero.answers import checked
from reconciler.xero.client import Client
from reconciler.xero.http import SILENCE_SECONDS, Answer, Call, Http
from reconciler.xero.limits import DAY_RESERVE, Limits
from reconciler.xero.purse import Purse, Store
from reconciler.xero.settings import Connection, Grant
from reconciler.xero.shapes import Tenant
from reconciler.xero.tokens import Seal, Tokens, TokenStore
from reconciler.xero.usage import Usage
from reconciler.xero.windows import Windows
from reconciler.xero.wire import Wire, log_retry
from reconciler.xero_port import Budget

__all__ = ["Connection", "Connections", "Grant", "Look", "Tenant"]


@dataclass(frozen=True, slots=True)
class Look:
    """What a connection may see and do, `None` where it cannot be told; `ahead` is our clock minus Xero's."""

    tenants: tuple[Tenant, ...]
    scopes: frozenset[str] | None
    ahead: dt.timedelta | None


class Connections:
    """Makes clients. Organisations that name the same connection share its pool and its tokens, since one set of
    tokens serves all tenants of a consent and must be refreshed from one place only.

    `keys` encrypt stored tokens, newest first. `wait` takes seconds, at most `patience_seconds` and a little jitter.
    `budgets` remembers limits and what was spent; without it both end with the process.
    Close it, or use it as a context manager.
    """

    def __init__(
        self,
        store: TokenStore,
        keys: Sequence[str],
        clock: Clock,
        *,
        wait: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        patience_seconds: float = 5.0,
        silence_seconds: float = SILENCE_SECONDS,
        day_reserve: int = DAY_RESERVE,
        budgets: Store | None = None,
    ) -> None:
        stamina.instrumentation.set_on_retry_hooks([log_retry])
        self._store, self._seal, self._clock = store, Seal(keys), clock
        self._wait, self._jitter = wait, jitter
        self._patience_seconds, self._day_reserve = patience_seconds, day_reserve
        self._silence_seconds, self._budgets = silence_seconds, budgets
        self._apps: dict[str, Windows] = {}
        self._open: dict[str, tuple[Connection, Http, Tokens]] = {}

    def __enter__(self) -> "Connections":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def client(self, connection: Connection, organisation: Organisation) -> Client:
        """The client of one organisation. Make one and keep it: it remembers the organisation's limits."""
        http, tokens = self._opened(connection)
        purse = self._purse(organisation.key, connection)
        tenant_id = organisation.tenant_id or connection.tenant_id
        wire = Wire(connection.books_url, tenant_id, http, tokens, purse)
        return Client(organisation, wire, purse, self._clock)

    def tokens(self, connection: Connection) -> Tokens:
        """The tokens of a connection, to redeem an authorisation code."""
        return self._opened(connection)[1]

    def tenants(self, connection: Connection) -> list[Tenant]:
        """The organisations that the connection may see (identity API, `GET /connections`)."""
        return parsing.tenants(self._listed(connection).body)

    def look(self, connection: Connection) -> Look:
        """Prove that the connection works, and tell what it may see and do."""
        answer = self._listed(connection)
        served, now = parsing.served_at(answer.headers.get("date")), self._clock()
        scopes = self.tokens(connection).scopes()
        return Look(tuple(parsing.tenants(answer.body)), scopes, now - served if served else None)

    def disconnect(self, connection: Connection, tenant: Tenant) -> None:
        """Take the app's access to that organisation away; it is no error when it has none any more.

        The path names the connection's own id, which is not the tenant's (identity API, `DELETE /connections/{id}`).
        """
        http, tokens = self._opened(connection)
        headers = {"Authorization": f"Bearer {tokens.access()}"}
        answer = http.exchange(Call("DELETE", f"{connection.api_url}/connections/{tenant.id}", headers, writes=True))
        if answer.status != 404:
            checked(answer, writes=True)

    def close(self) -> None:
        """Close all connections."""
        while self._open:
            self._open.popitem()[1][1].close()

    def _listed(self, connection: Connection) -> Answer:
        http, tokens = self._opened(connection)
        # Identity counts apart from the books of any organisation, and what it says is not remembered.
        purse = Purse("", "", Limits(self._clock, self._wait), Usage(self._clock), None)
        return Wire(connection.api_url, "", http, tokens, purse).read("connections", "/connections")

    def _opened(self, connection: Connection) -> tuple[Http, Tokens]:
        with suppress(KeyError):
            known, http, tokens = self._open[connection.name]
            if replace(known, tenant_id="") != replace(connection, tenant_id=""):
                raise ConfigurationError(f"Two different connections are named {connection.name}.")
            return http, tokens
        http = Http(self._clock, silence_seconds=self._silence_seconds)
        tokens = Tokens(connection, self._store, self._seal, http, self._clock)
        self._open[connection.name] = (connection, http, tokens)
        return http, tokens

    def _purse(self, organisation: str, connection: Connection) -> Purse:
        app = f"app:{connection.client_id}"
        if app not in self._apps:
            self._apps[app] = Windows(self._budget(app))
        limits = Limits(
            self._clock,
            self._wait,
            own=Windows(self._budget(organisation)),
            app=self._apps[app],
            patience_seconds=self._patience_seconds,
            day_reserve=self._day_reserve,
            jitter=self._jitter,
        )
        return Purse(organisation, app, limits, Usage(self._clock), self._budgets)

    def _budget(self, name: str) -> Budget:
        return self._budgets.budget(name) if self._budgets else Budget()
