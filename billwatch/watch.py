"""The watchman: looks for signs that something is about to stop, and owes a mail to whoever runs the machine."""

import datetime as dt
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

import httpx
import structlog

from billwatch.sections import Hook, Watch
from notify.watching import Sign, Watched
from reconciler.hours import wanted_at
from reconciler.numbering import Gap, missing
from reconciler.organisation import Organisation
from reconciler.ports import Clock
from reconciler.reasons import Role
from reconciler.records import MailKind
from reconciler.words import moment, number_of
from reconciler.xero.tokens import UNUSED
from reconciler.xero_port import Budget
from storage import Ledger
from storage.census import Owed

DAY = dt.timedelta(days=1)
HEARTBEAT_SECONDS = 10
UNSENT = dt.timedelta(hours=1)
BEAT = dt.timedelta(minutes=1)
# What waits for a person, or for the hour at which somebody wants mail.
PATIENT = ("addresses that refuse mail",)

log = structlog.get_logger(__name__)


def watching(organisation: str) -> str:
    """The name under which it is remembered which signs the operator was mailed about."""
    return f"watching:{organisation}"


def unheard(organisation: str) -> str:
    """The name under which it is remembered since when no webhook has told of changes."""
    return f"unheard:{organisation}"


def calls_left(budget: Budget, now: dt.datetime) -> int | None:
    """How many calls Xero allows for the rest of the day, where that is known."""
    day = budget.windows.get("day")
    return day.left if day and now - day.began < DAY else None


def _moment(noted: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(noted) if noted else None


class Watchman:
    """`webhooks` tells whether they are set up, `lapses_at` when an organisation's consent ends unless it is used.

    What concerns all is told to the first organisation's operator.
    """

    def __init__(
        self,
        ledger: Ledger,
        organisations: Mapping[str, Organisation],
        limits: Watch,
        hooks: Sequence[Hook],
        clock: Clock,
        lapses_at: Callable[[str], dt.datetime | None],
        *,
        webhooks: bool,
    ) -> None:
        self._ledger, self._organisations, self._limits = ledger, organisations, limits
        self._hooks, self._clock, self._webhooks, self._lapses_at = hooks, clock, webhooks, lapses_at

    def watched(self, organisation: str) -> Watched:
        """The signs there are now."""
        return Watched(tuple(self._signs(organisation, self._clock())))

    def unheard_since(self, organisations: Collection[str]) -> dict[str, dt.datetime]:
        """When the oldest change was made of which no webhook told, though some did before; by organisation.

        Whether any ever came is for the doctor to say: they may have been set up only now. Xero tells only when a bill
        was changed last, so what was seen at an earlier look counts as well.
        """
        heard = self._ledger.census.heard_at(organisations) if self._webhooks else {}
        noted = self._ledger.state.held([unheard(key) for key in heard])
        found = {key: self._oldest(key, at, noted.get(unheard(key))) for key, at in heard.items()}
        return {key: at for key, at in found.items() if at}

    def _oldest(self, organisation: str, heard: dt.datetime, noted: str | None) -> dt.datetime | None:
        changed, before = self._ledger.listing.changed_after(organisation, heard), _moment(noted)
        return before if changed and before and heard < before < changed else changed

    def missing(self) -> Gap | None:
        """What is missing of the webhooks, by Xero's numbers."""
        return missing(self._ledger.numberings.all().values(), self._clock()) if self._webhooks else None

    def lapses_at(self, organisation: str) -> dt.datetime | None:
        """When the organisation's consent ends unless it is used before; `None` where there is none that could."""
        return self._lapses_at(organisation)

    def failing_since(self) -> Mapping[str, dt.datetime]:
        """By organisation, since when mails are not taken."""
        return self._ledger.outbox.failing_since()

    def look(self, halted: Callable[[], bool] = lambda: False) -> None:
        """Owe a mail for each organisation that has a sign which was not there at the last look, until halted."""
        for organisation in self._organisations.values():
            if halted():
                return
            self._note(organisation.key)
            self._look(organisation, self._clock())

    def _note(self, organisation: str) -> None:
        since = self.unheard_since([organisation]).get(organisation)
        if since != _moment(self._ledger.state.get(unheard(organisation))):
            self._ledger.state.put(unheard(organisation), since.isoformat() if since else None)

    def _look(self, organisation: Organisation, now: dt.datetime) -> None:
        name, found = watching(organisation.key), sorted(sign.name for sign in self._signs(organisation.key, now))
        held = json.loads(self._ledger.state.get(name) or "[]")
        if found == held:
            return
        with self._ledger.together():
            self._ledger.state.put(name, json.dumps(found) if found else None)
            if set(found) - set(held):
                readers = self._readers(organisation, now)
                told = (f"mailed-{name}", now.isoformat(), organisation.key, MailKind.WATCH)
                self._ledger.outbox.owe_round(*told, readers, now)
        log.warning("watch", organisation=organisation.key, signs=found)

    def _readers(self, organisation: Organisation, now: dt.datetime) -> dict[str, dt.datetime]:
        team, zone = organisation.team, self._ledger.mirror.books(organisation.key).zone
        today, shut = now.astimezone(ZoneInfo(zone)).date(), self._ledger.outbox.shut(now)
        asked = team.asked((Role.OPERATOR,), frozenset(shut), today)
        return {address: wanted_at(team.person(address), now, zone) for address in asked}

    def _signs(self, organisation: str, now: dt.datetime) -> Iterator[Sign]:
        yield from self._silence(organisation, now)
        yield from self._consent(organisation, now)
        yield from self._budget(organisation, now)
        for owed in self._ledger.census.owed([organisation])[organisation]:
            yield from self._owed(owed, now)
        if organisation == next(iter(self._organisations)):
            yield from self._gap(now)
            for hook in self._hooks:
                yield from self._endpoint(hook)

    def _silence(self, organisation: str, now: dt.datetime) -> Iterator[Sign]:
        """Xero switches a webhook off after a day of failures; the sweep still finds changes, but later."""
        limit = dt.timedelta(hours=self._limits.silence_hours)
        changed = self.unheard_since([organisation]).get(organisation)
        if limit and changed and now - changed >= limit:
            yield Sign(
                "webhooks",
                "Xero's webhooks have gone silent",
                "Bills changed in Xero, but no webhook told of it. Sweeps find such changes all the same, only later.",
                "Run billwatch doctor; then look whether the webhook is still on at developer.xero.com: Xero switches "
                "it off after a day of failures.",
                changed,
            )

    def _gap(self, now: dt.datetime) -> Iterator[Sign]:
        """What Xero tries again comes within the hour; a request that is turned away each time is missing for a day."""
        limit, gap = dt.timedelta(hours=self._limits.gap_hours), self.missing()
        if limit and gap and now - gap.since >= limit:
            yield Sign(
                "webhook gap",
                "Some of Xero's webhooks are missing",
                f"By Xero's numbers, {number_of(gap.number, 'event')} did not come, although later ones did. "
                "Nothing is lost: sweeps read what they told of, only later.",
                "Look in your web server's log for requests to /webhooks/xero that were turned away: Xero repeats such "
                "a request for a day, and then switches the webhook off.",
                gap.since,
            )

    def _consent(self, organisation: str, now: dt.datetime) -> Iterator[Sign]:
        """Every sweep uses the consent, so this comes only where none has come through for weeks."""
        lapses, zone = self.lapses_at(organisation), self._ledger.mirror.books(organisation).zone
        limit = dt.timedelta(days=self._limits.consent_days)
        if lapses and limit and now >= lapses - limit:
            ends = "has ended" if now >= lapses else "will end"
            yield Sign(
                "consent",
                f"The consent to reach Xero {ends}",
                f"Xero ends a consent that is not used for {UNUSED.days} days. This one was used last on "
                f"{moment(lapses - UNUSED, zone)}; it {ends} on {moment(lapses, zone)}.",
                f"Run billwatch doctor: it uses the consent, or says what stands in the way. Where it has ended: "
                f"billwatch connect --organisation {organisation}.",
                lapses - UNUSED,
            )

    def _budget(self, organisation: str, now: dt.datetime) -> Iterator[Sign]:
        left = calls_left(self._ledger.budgets.budget(organisation), now)
        if left is not None and left < self._limits.day_calls:
            yield Sign(
                "calls",
                "Xero's calls for today run out",
                f"{left} calls to Xero are left for today. When they are used up, everything waits for tomorrow.",
                "billwatch status shows what they were spent on. Where another program uses the same connection, "
                "look at that one.",
                now,
            )

    def _owed(self, owed: Owed, now: dt.datetime) -> Iterator[Sign]:
        limit = dt.timedelta(minutes=self._limits.owed_minutes)
        waits = owed.next_try and owed.next_try > now + dt.timedelta(hours=1)
        if limit and owed.since and now - owed.since >= limit and not waits and owed.what not in PATIENT:
            yield Sign(
                owed.what,
                f"Work is held up: {owed.what}",
                f"{owed.number} {owed.what}, and the oldest has waited for longer than it should.",
                "billwatch status says more; billwatch doctor looks for the cause.",
                owed.since,
            )

    def _endpoint(self, hook: Hook) -> Iterator[Sign]:
        state = self._ledger.hooks.state(hook.name)
        if state and state.off_at:
            yield Sign(
                f"endpoint {hook.name}",
                f"Events to {hook.name} are switched off",
                f"The endpoint {hook.url} was switched off: {state.off_because}. {state.owed} events are kept for it.",
                f"Have it mended and see that it answers: billwatch hooks test --name {hook.name}. "
                f"Then switch it on again: billwatch hooks on --name {hook.name}.",
                state.off_at,
            )


class Heartbeat:
    """Calls an address after each sweep that left nothing stale, so that somebody else notices when it stops.

    It also stops while mails are not taken, of which no mail can tell. Where there are many sweeps, it is called once
    a minute.
    """

    def __init__(self, url: str, fresh: dt.timedelta, organisations: Sequence[str], clock: Clock) -> None:
        self._url, self._fresh, self._organisations, self._clock = url, fresh, organisations, clock
        self._called_at: dt.datetime | None = None

    def beat(
        self,
        swept_at: Callable[[], Mapping[str, dt.datetime | None]],
        failing_since: Callable[[], Mapping[str, dt.datetime]] = dict,
    ) -> bool:
        """Call it if every organisation was swept lately and mails go out; whether it was, and answered well."""
        if not self._url or (self._called_at and self._clock() - self._called_at < BEAT):
            return False
        found = swept_at()
        if not all(self._is_fresh(found.get(key)) for key in self._organisations):
            return False
        if any(self._clock() - since >= UNSENT for since in failing_since().values()):
            return False
        self._called_at = self._clock()
        try:
            answer = httpx.get(self._url, timeout=HEARTBEAT_SECONDS, headers={"User-Agent": "billwatch"})
        except httpx.HTTPError as error:
            log.warning("heartbeat could not be sent", error=type(error).__name__)
            return False
        if not answer.is_success:
            log.warning("heartbeat was not taken", status=answer.status_code)
        return answer.is_success

    def _is_fresh(self, swept_at: dt.datetime | None) -> bool:
        return swept_at is not None and self._clock() - swept_at <= self._fresh
