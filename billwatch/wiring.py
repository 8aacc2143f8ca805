"""Everything put together from one configuration. The only place where clocks and chance are made."""

import datetime as dt
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from urllib.parse import urlsplit

from billwatch.almanac import Almanac
from billwatch.config import Config
from billwatch.deciders import Deciders, cores
from billwatch.desk import Desk
from billwatch.keeping import forget
from billwatch.papers import Papers
from billwatch.secret import KeyRing, SigningKeys
from billwatch.sections import Hook, Mail
from billwatch.watch import Heartbeat, Watchman
from notify.diary import Diary
from notify.hooks import UNASKED, Courier, Endpoint
from notify.postman import Postman
from notify.smtp import Security, Server
from notify.writer import Writer
from receiver.signature import SigningKey
from reconciler.cycle import Cycle
from reconciler.enclosing import Clerk
from reconciler.errors import ConnectionLost, XeroError
from reconciler.events import read_events
from reconciler.hours import Waits
from reconciler.organisation import Mode, Organisation
from reconciler.ports import Clock, Drained
from reconciler.progress import What
from reconciler.reminding import Patience
from reconciler.xero.connections import Connections
from storage import Ledger


def wall_clock() -> dt.datetime:
    """Now, aware, in UTC."""
    return dt.datetime.now(dt.UTC)


def tenant(client_id: str) -> str:
    """The name under which it is remembered to which tenant a custom connection leads."""
    return f"tenant:{client_id}"


class House:
    """The parts that every command and the daemon share. Close it, or use it as a context manager."""

    def __init__(
        self, config: Config, *, clock: Clock = wall_clock, wait: Callable[[float], None] = time.sleep
    ) -> None:
        config.check_tenants()
        self.config, self.clock = config, clock
        self.halt = threading.Event()
        self.organisations: Mapping[str, Organisation] = {o.key: o for o in config.organisations()}
        prefixes = {o.key: o.number_prefix for o in self.organisations.values()}
        self.ledger = Ledger.open(
            config.storage.place(),
            prefixes=prefixes,
            mail_domain=_mail_domain(config),
            lease_seconds=config.storage.lease_seconds,
        )
        self._deciders = Deciders(self.ledger.milestones, config.storage.place(), prefixes, cores())
        keys = KeyRing(config.keys.encryption)
        self.connections = Connections(
            self.ledger.tokens,
            keys,
            clock,
            wait=wait,
            day_reserve=config.reconciler.day_reserve_calls,
            budgets=self.ledger.budgets,
        )
        self._reached = config.connections()
        self._clients = {o.key: self.connections.client(self._reached[o.key], o) for o in self.organisations.values()}
        self.cycles = {o.key: self._cycle(o) for o in self.organisations.values()}
        self.clerks = {o.key: self._clerk(o) for o in self.organisations.values() if o.attach_documents}
        self.desk = Desk(self.ledger, self.cycles, clock)
        fresh = dt.timedelta(minutes=config.reconciler.fresh_minutes)
        self._heartbeat = Heartbeat(config.watch.heartbeat_url, fresh, list(self.organisations), clock)
        self._tenants: dict[str, str] = {o.tenant_id: o.key for o in self.organisations.values() if o.tenant_id}

    def __enter__(self) -> "House":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give up connections and database."""
        self.connections.close()
        self.ledger.close()

    def cycle(self, organisation: str) -> Cycle:
        """The cycle of that organisation. Raises `InputError` for an unknown key, naming those there are."""
        return self.cycles[self.config.settings(organisation).key]

    def drain(self) -> Drained | None:
        """Read raw webhook requests once things have been quiet for a moment, or the first has waited long enough."""
        waiting, now, pace = self.ledger.inbox.waiting(), self.clock(), self.config.reconciler
        if waiting is None:
            return None
        quiet = now - waiting.newest >= dt.timedelta(seconds=pace.quiet_seconds)
        if not quiet and now - waiting.oldest < dt.timedelta(seconds=pace.longest_wait_seconds):
            return None
        mark = self.ledger.mirror.newest_event()
        drained = self.ledger.inbox.drain(read_events, self.tenants(), now)
        told_of = [key for key in self.ledger.mirror.told_of(mark) if key in self.organisations]
        # Most of what Xero tells is of our own writes; the ticks of every second need not look at it again.
        for key in told_of:
            self.ledger.mirror.clean_known(key)
        return replace(drained, told_of=tuple(told_of))

    def due(self) -> set[str]:
        """The organisations for which a tick may find something to do; the tick itself knows for sure."""
        ledger, now = self.ledger, self.clock()
        swept, waiting, ready = ledger.mirror.swept_at(), ledger.errands.waiting(now), ledger.errands.ready()
        return {
            key
            for key, each in self.organisations.items()
            if key in waiting
            or (key in ready and each.mode is Mode.SYNC)
            or _stale(swept.get(key), now, each.policy.fresh_minutes)
        }

    def forget(self) -> int:
        """Let go of what has been kept for as long as configured."""
        return forget(self.ledger, self.config.keep, self.clock())

    def tenants(self) -> dict[str, str]:
        """Which organisation each tenant is; that of a custom connection without a tenant id is asked for once."""
        known = set(self._tenants.values())
        for organisation in self.organisations.values():
            if organisation.key not in known and (tenant_id := self._tenant_of(organisation)):
                self._tenants[tenant_id] = organisation.key
        return self._tenants

    def postman(self) -> Postman | None:
        """Who takes the mails; `None` while no mail server is configured."""
        server = mail_server(self.config.mail)
        return Postman(self.writer(), server, random.random) if server else None

    def writer(self) -> Writer:
        """Who writes the mails."""
        mail = self.config.mail
        return Writer(
            ledger=self.ledger,
            organisations=self.organisations,
            link_keys=KeyRing(self.config.keys.links),
            public_url=self.config.server.public_url,
            sender=mail.sender or f"billwatch@{_mail_domain(self.config)}",
            clock=self.clock,
            link_days=mail.link_days,
            facts=self.almanac(),
        )

    def diary(self) -> Diary:
        """What owes the mails that time brings."""
        mail = self.config.mail
        return Diary(
            ledger=self.ledger,
            organisations=self.organisations,
            clock=self.clock,
            patience=Patience(_days(mail.remind_days), _days(mail.escalate_days)),
            weekly=mail.round(),
            forecast_days=mail.forecast_days,
        )

    def almanac(self) -> Almanac:
        """What the digests tell."""
        mail = self.config.mail
        return Almanac(self.ledger, self.organisations, mail.forecast_days, mail.draft_days, self.watchman())

    def watchman(self) -> Watchman:
        """Who looks for signs that something is about to stop."""
        config = self.config
        hearing, told = bool(config.xero.webhook_keys), (config.watch, config.hook, self.clock, self.lapses_at)
        return Watchman(self.ledger, self.organisations, *told, webhooks=hearing)

    def lapses_at(self, organisation: str) -> dt.datetime | None:
        """When the consent that the organisation was connected with ends unless it is used before, if it can."""
        try:
            return self.connections.tokens(self._reached[organisation]).lapses_at()
        except ConnectionLost:
            return None

    def beat(self) -> bool:
        """Tell the outside that all is well, if it is."""
        return self._heartbeat.beat(self.ledger.mirror.swept_at, self.ledger.outbox.failing_since)

    def couriers(self, counted: Callable[[str, str], None] = lambda _endpoint, _result: None) -> list[Courier]:
        """Who takes events to the endpoints of others."""
        return [
            Courier(
                endpoint_of(hook, list(self.organisations)),
                self.ledger.hooks,
                self.clock,
                random.random,
                counted,
                self.halt.is_set,
            )
            for hook in self.config.hook
        ]

    def signing_keys(self) -> Sequence[SigningKey]:
        """The keys that a webhook may be signed with, as they are whenever they are looked at."""
        return SigningKeys(self.config.xero.webhook_keys)

    def _cycle(self, organisation: Organisation) -> Cycle:
        client = self._clients[organisation.key]
        waits = waits_of(self.config.mail)
        turn = self.ledger.turn(f"organisation {organisation.key}", client.recall)
        return Cycle(
            organisation, client, self.ledger, self.clock, waits, self.halt, random.random, turn, self._deciders
        )

    def _clerk(self, organisation: Organisation) -> Clerk:
        papers = Papers(self.config.settings(organisation.key).documents.hosts, self.clock)
        client, may_write = self._clients[organisation.key], self.cycles[organisation.key].may_write
        return Clerk(organisation.key, client, self.ledger, papers, self.clock, may_write)

    def _tenant_of(self, organisation: Organisation) -> str:
        """The tenant that a custom connection leads to, remembered once Xero has told it; empty until then."""
        connection = self._reached[organisation.key]
        known = self.ledger.state.get(tenant(connection.client_id))
        if known:
            return known
        try:
            found = self.connections.tenants(connection)
        except XeroError:
            return ""
        if len(found) != 1:
            return ""
        self.ledger.state.put(tenant(connection.client_id), found[0].tenant_id)
        return found[0].tenant_id


def endpoint_of(hook: Hook, organisations: Sequence[str]) -> Endpoint:
    """An endpoint as configured."""
    return Endpoint(
        name=hook.name,
        url=hook.url,
        organisations=hook.organisations or tuple(organisations),
        whats=hook.events or tuple(what for what in What if what not in UNASKED),
        secrets=KeyRing(hook.secrets),
    )


def mail_server(mail: Mail) -> Server | None:
    """The mail server as configured; `None` while there is none."""
    if not mail.host:
        return None
    password = mail.password.reveal() if mail.password else ""
    return Server(mail.host, mail.port, Security(mail.security), mail.username, password, mail.timeout_seconds)


def _stale(swept_at: dt.datetime | None, now: dt.datetime, fresh_minutes: int) -> bool:
    return swept_at is None or now - swept_at > dt.timedelta(minutes=fresh_minutes)


def _days(number: int) -> dt.timedelta | None:
    return dt.timedelta(days=number) if number else None


def waits_of(mail: Mail) -> Waits:
    """How long mails wait for more, as configured."""
    return Waits(
        dt.timedelta(seconds=mail.collect_seconds),
        dt.timedelta(minutes=mail.more_minutes),
        dt.timedelta(minutes=mail.resolved_minutes),
    )


def _mail_domain(config: Config) -> str:
    """The right side of Message-IDs: the sender's domain, or that of our pages."""
    return config.mail.sender.partition("@")[2] or urlsplit(config.server.public_url).hostname or "billwatch.invalid"
