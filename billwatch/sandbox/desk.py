"""Everything a test or the control API may do to a sandbox, in one object; each method takes the world's lock."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from billwatch.sandbox.faults import Fault, Faults, Weather
from billwatch.sandbox.handle import Org
from billwatch.sandbox.webhooks import Webhooks
from billwatch.sandbox.world import World


@dataclass(frozen=True, slots=True)
class Desk:
    world: World
    webhooks: Webhooks

    @property
    def client_id(self) -> str:
        return self.world.app.client_id

    @property
    def client_secret(self) -> str:
        return self.world.app.client_secret

    def organisation(
        self,
        name: str = "Example Trust",
        *,
        country: str = "NZ",
        currency: str | None = None,
        currencies: Iterable[str] = (),
        zone: str | None = None,
        **settings: Any,
    ) -> Org:
        """A new organisation, connected. `zone` is an IANA name; `settings` as in `Org.settings`."""
        with self.world.lock:
            org = Org(self.world, self.world.found(name, country, currency, set(currencies), zone))
            org.settings(**settings)
            return org

    def org(self, tenant_id: str) -> Org:
        """The handle of one organisation. Raises KeyError."""
        with self.world.lock:
            return Org(self.world, self.world.organisations[tenant_id.lower()])

    def orgs(self) -> list[Org]:
        with self.world.lock:
            return [Org(self.world, books) for books in self.world.organisations.values()]

    def reset(self) -> None:
        """Begin anew: no organisations, tokens, faults or events; defaults everywhere; client id and secret stay."""
        self.webhooks.forget()
        with self.world.lock:
            self.world.reset()

    def now(self) -> datetime:
        return self.world.now()

    def advance(self, seconds: float = 0, **more: float) -> datetime:
        """Move the sandbox's clock; `more` are other units of timedelta: minutes, hours, days."""
        with self.world.lock:
            self.world.ahead += timedelta(seconds=seconds, **more)
        self.webhooks.wake()
        return self.world.now()

    def fault(self, status: int | None = None, **fields: Any) -> None:
        """Order a fault; fields of `faults.Fault`."""
        with self.world.lock:
            self.world.faults.add(Fault(status, **fields))

    def weather(self, share: float, seed: int = 0, *, writes: float | None = None) -> None:
        """From now on that share of the calls fails, of writes another if given, by dice with that seed; 0: none."""
        shares = (share, share if writes is None else writes)
        if not all(0 <= one <= 1 for one in shares):
            raise ValueError("the share of failing calls lies between 0 and 1")
        with self.world.lock:
            self.world.faults.weather = Weather(*shares, random.Random(seed))  # noqa: S311 - to be repeatable

    def clear_faults(self) -> None:
        """Forget ordered faults, and have fair weather."""
        with self.world.lock:
            self.world.faults = Faults()

    def limits(self, **figures: Any) -> None:
        """Figures of `limits.Limits`; `on=False` lifts them."""
        with self.world.lock:
            self.world.limits.set(**figures)

    def idempotency_down(self, down: bool = True) -> None:
        with self.world.lock:
            self.world.idempotency.down = down

    def switch(self, **values: Any) -> None:
        """Fields of `switches.Switches`."""
        with self.world.lock:
            self.world.switches.set(**values)

    def forget_tokens(self) -> None:
        with self.world.lock:
            self.world.identity.forget_access()

    def tokens(self, scope: str = "", *, org: Org | None = None) -> dict[str, Any]:
        """A token answer without the walk through consent; with `offline_access` also a refresh token."""
        with self.world.lock:
            identity = self.world.identity
            app = self.world.custom[org.tenant_id] if org else self.world.app
            scopes = identity.scopes(scope) if scope else identity.scopes(" ".join(DEFAULT_SCOPES))
            return identity.issue(app, scopes, "00000000-0000-4000-8000-000000000000", self.world.now())

    def calls(self, endpoint: str | None = None, *, method: str | None = None, tenant_id: str | None = None) -> int:
        """API calls counted so far; `endpoint` as in `/Invoices/{invoice}`."""
        with self.world.lock:
            return sum(
                count
                for (tenant, verb, name), count in self.world.meter.calls.items()
                if endpoint in (None, name) and method in (None, verb) and tenant_id in (None, tenant)
            )

    def breaches(self) -> dict[str, int]:
        """How often a call was refused because a limit was used up, by limit; ordered 429s do not count."""
        with self.world.lock:
            return dict(self.world.limits.breaches)

    def calls_table(self) -> list[dict[str, object]]:
        """Calls and bytes of answers per tenant, method and endpoint."""
        with self.world.lock:
            meter = self.world.meter
            return [
                {"tenant_id": key[0], "method": key[1], "endpoint": key[2], "calls": count, "bytes": meter.bytes[key]}
                for key, count in sorted(meter.calls.items())
            ]

    def reset_calls(self) -> None:
        with self.world.lock:
            self.world.meter.reset()

    def address_book(self) -> dict[str, object]:
        cards = [
            {
                "tenant_id": org.tenant_id,
                "name": org.books.name,
                "client_id": org.client_id,
                "client_secret": org.client_secret,
            }
            for org in self.orgs()
        ]
        return {"client_id": self.client_id, "client_secret": self.client_secret, "organisations": cards}


DEFAULT_SCOPES = (
    "offline_access",
    "accounting.attachments",
    "accounting.invoices",
    "accounting.payments",
    "accounting.settings",
    "accounting.contacts",
)
