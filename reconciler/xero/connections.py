"""Connections to Xero, each with one pool and one set of tokens, and the clients of the organisations behind them."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType

import stamina.instrumentation

from reconciler.errors import ConfigurationError
from reconciler.model import Organisation
from reconciler.ports import Clock
from reconciler.xero import parsing
from reconciler.xero.client import Client
from reconciler.xero.http import SILENCE_SECONDS, Http
from reconciler.xero.limits import Limits
from reconciler.xero.settings import Connection, Grant
from reconciler.xero.shapes import Tenant
from reconciler.xero.tokens import Tokens, TokenStore, seal
from reconciler.xero.usage import Usage
from reconciler.xero.wire import Wire, log_retry

__all__ = ["Connection", "Connections", "Grant", "Tenant"]


class Connections:
    """Makes clients. Organisations that name the same connection share its pool and its tokens, since one set of
    tokens serves all tenants of a consent and must be refreshed from one place only.

    `keys` encrypt stored tokens, newest first. `wait` takes seconds, at most `patience_seconds` and a little jitter.
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
        day_reserve: int = 50,
    ) -> None:
        stamina.instrumentation.set_on_retry_hooks([log_retry])
        self._store, self._seal, self._clock = store, seal(keys), clock
        self._wait, self._jitter = wait, jitter
        self._patience_seconds, self._day_reserve = patience_seconds, day_reserve
        self._silence_seconds = silence_seconds
        self._open: dict[str, tuple[Connection, Http, Tokens]] = {}

    def __enter__(self) -> "Connections":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def client(self, connection: Connection, organisation: Organisation) -> Client:
        """The client of one organisation. Make one and keep it: it remembers the organisation's limits."""
        limits, usage = self._limits(), Usage()
        http, tokens = self._opened(connection)
        tenant_id = organisation.tenant_id or connection.tenant_id
        wire = Wire(connection.books_url, tenant_id, http, tokens, limits, usage)
        return Client(organisation, wire, limits, usage, self._clock)

    def tokens(self, connection: Connection) -> Tokens:
        """The tokens of a connection, to redeem an authorisation code."""
        return self._opened(connection)[1]

    def tenants(self, connection: Connection) -> list[Tenant]:
        """The organisations that the connection may see."""
        http, tokens = self._opened(connection)
        answer = Wire(connection.api_url, "", http, tokens, self._limits(), Usage()).read("connections", "/connections")
        return parsing.decode(answer.body, list[Tenant])

    def close(self) -> None:
        """Close all connections."""
        while self._open:
            self._open.popitem()[1][1].close()

    def _opened(self, connection: Connection) -> tuple[Http, Tokens]:
        with suppress(KeyError):
            known, http, tokens = self._open[connection.name]
            if known != connection:
                raise ConfigurationError(f"Two different connections are named {connection.name}.")
            return http, tokens
        http = Http(self._clock, silence_seconds=self._silence_seconds)
        tokens = Tokens(connection, self._store, self._seal, http, self._clock)
        self._open[connection.name] = (connection, http, tokens)
        return http, tokens

    def _limits(self) -> Limits:
        return Limits(
            self._clock,
            self._wait,
            patience_seconds=self._patience_seconds,
            day_reserve=self._day_reserve,
            jitter=self._jitter,
        )
