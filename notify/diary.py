"""Owes what time brings: reminders, what is passed on, the week's report, and what the usual lock would hold up."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from notify.ports import Calendar
from reconciler.hours import MORNING, Weekly, latest, lockup, wanted_at
from reconciler.notice import urgent
from reconciler.organisation import Organisation
from reconciler.people import Team
from reconciler.ports import Clock
from reconciler.reasons import Role
from reconciler.records import MailKind
from reconciler.reminding import Again, Patience, due

REPORTED = (Role.ACCOUNTING, Role.GRANTS)


@dataclass(frozen=True, slots=True)
class Diary:
    """Looks now and then at what has become due; `weekly` of `None` and `forecast_days` of 0 are switched off.

    Each mail is a row before it is a mail, in the transaction that remembers that it is owed; so nothing is owed twice
    for the same facts, whenever it is stopped and however often it looks.
    """

    ledger: Calendar
    organisations: Mapping[str, Organisation]
    clock: Clock
    patience: Patience
    weekly: Weekly | None
    forecast_days: int

    def look(self, halted: Callable[[], bool] = lambda: False) -> None:
        """Owe what has become due, for every organisation, until halted."""
        now = self.clock()
        for organisation in self.organisations.values():
            if halted():
                return
            books = self.ledger.mirror.books(organisation.key)
            if books.read_at is None:
                continue  # Which hours and days are the organisation's is not known before Xero has been read.
            zone = books.zone
            self._remind(organisation, zone, now)
            if self.weekly:
                self._report(organisation, self.weekly, zone, now)
            if organisation.lock_day and self.forecast_days:
                self._look_ahead(organisation, zone, now)

    def _remind(self, organisation: Organisation, zone: str, now: dt.datetime) -> None:
        today = now.astimezone(ZoneInfo(zone)).date()
        soonest = min(filter(None, (self.patience.remind, self.patience.escalate)), default=None)
        # Flags that are due soon come along with one that is due.
        waiting = self.ledger.reminders.waiting(organisation.key, now - (soonest / 2 if soonest else _EVER), today)
        team, shut = organisation.team, self.ledger.outbox.shut(now)
        again = due(waiting, team, shut, self.patience, now, today)
        if again:
            self.ledger.reminders.bring_up(again, _times(organisation, again, zone, now), now)

    def _report(self, organisation: Organisation, weekly: Weekly, zone: str, now: dt.datetime) -> None:
        """The report of the week that ended last; the first look only remembers where the weeks begin."""
        name, moment = f"weekly:{organisation.key}", latest(weekly, now, zone)
        if self.ledger.state.get(name) is None:
            self.ledger.state.put(name, moment.isoformat())
            return
        readers = _readers(organisation.team, self.ledger.outbox.shut(now), zone, now)
        self.ledger.outbox.owe_round(name, moment.isoformat(), organisation.key, MailKind.WEEKLY, readers, now)

    def _look_ahead(self, organisation: Organisation, zone: str, now: dt.datetime) -> None:
        local = now.astimezone(ZoneInfo(zone))
        expected = lockup(organisation.lock_day, self.forecast_days, local.date())
        if expected is None or local.time() < MORNING:
            return
        name, round_ = f"forecast:{organisation.key}", expected.on.isoformat()
        readers = _readers(organisation.team, self.ledger.outbox.shut(now), zone, now)
        self.ledger.outbox.owe_round(name, round_, organisation.key, MailKind.FORECAST, readers, now)


_EVER = dt.timedelta(days=36_500)


def _readers(team: Team, shut: Iterable[str], zone: str, now: dt.datetime) -> dict[str, dt.datetime]:
    """Who gets a report, each at their hour."""
    asked = team.asked(REPORTED, frozenset(shut), now.astimezone(ZoneInfo(zone)).date())
    return {address: wanted_at(team.person(address), now, zone) for address in asked}


def _times(organisation: Organisation, again: Iterable[Again], zone: str, now: dt.datetime) -> dict[str, dt.datetime]:
    """From when on each address wants to be reminded: in the morning at the earliest, save what cannot wait."""
    times: dict[str, dt.datetime] = {}
    for each in again:
        person = organisation.team.person(each.address)
        at = (
            now
            if urgent(organisation, each.address, each.flag.reason)
            else wanted_at(person, _morning(now, zone), zone)
        )
        times[each.address] = min(at, times.get(each.address, at))
    return times


def _morning(now: dt.datetime, zone: str) -> dt.datetime:
    """Now, or eight in the morning if that is still to come today."""
    local = now.astimezone(ZoneInfo(zone))
    eight = dt.datetime.combine(local.date(), MORNING, local.tzinfo).astimezone(dt.UTC)
    return max(now, eight)
