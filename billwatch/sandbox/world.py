"""Everything the sandbox remembers, in one place, behind one lock.

Whoever reads or writes `organisations` or the parts below holds `lock`. Time is the clock handed in plus what the
control API has added, so that tokens, keys, windows and retries can run out without anybody sleeping.
"""

import random
import secrets
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from billwatch.sandbox import chart
from billwatch.sandbox.books import Event, Organisation, new_id
from billwatch.sandbox.faults import Faults
from billwatch.sandbox.idempotency import Idempotency
from billwatch.sandbox.identity import App, Identity
from billwatch.sandbox.known import APP, known_id
from billwatch.sandbox.limits import Limits, Meter
from billwatch.sandbox.switches import Switches

Clock = Callable[[], datetime]


@dataclass(slots=True)
class World:
    clock: Clock  # aware UTC
    switches: Switches = field(default_factory=Switches)
    limits: Limits = field(default_factory=Limits)
    meter: Meter = field(default_factory=Meter)
    faults: Faults = field(default_factory=Faults)
    idempotency: Idempotency = field(default_factory=Idempotency)
    identity: Identity = field(init=False)
    organisations: dict[str, Organisation] = field(default_factory=dict)
    custom: dict[str, App] = field(default_factory=dict)  # custom connections by tenant
    lock: threading.RLock = field(default_factory=threading.RLock)
    ahead: timedelta = timedelta(0)
    listeners: list[Callable[[Event], None]] = field(default_factory=list)
    dice: random.Random = field(default_factory=random.Random)
    known: bool = False  # ids and secrets are made from names, so that they outlive a restart; else by chance
    app: App = field(init=False)

    def __post_init__(self) -> None:
        self.identity = Identity(self.switches)
        self.app = self.identity.register(known_as=APP if self.known else "")

    def now(self) -> datetime:
        return self.clock() + self.ahead

    def found(
        self, name: str, country: str, currency: str | None, currencies: set[str], zone: str | None
    ) -> Organisation:
        """Start an organisation with the chart of its country; it is connected at once."""
        now, known_as = self.now(), name if self.known else ""
        base = currency or chart.BASE_CURRENCY.get(country, "USD")
        iana = zone or chart.HOME_ZONE.get(country, "UTC")
        org = Organisation(
            tenant_id=known_id(known_as) if known_as else new_id(),
            name=name,
            short_code="!" + secrets.token_urlsafe(4)[:5].replace("-", "a").replace("_", "b"),
            country=country,
            currency=base,
            currencies={base, *currencies},
            zone=iana,
            zone_name=chart.zone_name(iana),
            created=now,
            accounts=chart.accounts(country),
            tax_rates=chart.tax_rates(country),
            tracking=chart.tracking(),
            switches=self.switches,
            announce=self.announce,
        )
        self.organisations[org.tenant_id] = org
        self.custom[org.tenant_id] = self.identity.register(org.tenant_id, known_as=known_as)
        self.identity.connect(org.tenant_id, now)
        return org

    def reset(self) -> None:
        """Forget everything but the app's client id and secret, and set the clock right again."""
        self.switches.set(**asdict(Switches()))
        self.limits, self.meter, self.faults, self.idempotency = Limits(), Meter(), Faults(), Idempotency()
        self.identity = Identity(self.switches, {self.app.client_id: self.app})
        self.organisations.clear()
        self.custom.clear()
        self.ahead = timedelta(0)

    def announce(self, event: Event) -> None:
        """Hand an event to whoever listens, if the organisation is connected: others raise none."""
        if self.identity.connection_of(event.tenant_id) is None:
            return
        for listener in self.listeners:
            listener(event)
