"""When mails are wanted: quiet hours and digests by the wall clock, and what comes round by itself. Pure."""

import calendar
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from reconciler.people import Person, Quiet

DAY = dt.timedelta(days=1)
FRIDAY = 4
MORNING = dt.time(8)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Waits:
    """How long mails wait for more: a first one for others like it, new items of what somebody was told of already,
    and word of what was resolved."""

    first: dt.timedelta = dt.timedelta(seconds=30)
    more: dt.timedelta = dt.timedelta(0)
    resolved: dt.timedelta = dt.timedelta(0)


@dataclass(frozen=True, slots=True)
class Weekly:
    """Once a week; `weekday` is 0 on Mondays."""

    weekday: int
    at: dt.time


@dataclass(frozen=True, slots=True)
class Lockup:
    """A lock that is to be expected: on that day, up to and including the last day of the month before."""

    on: dt.date
    to: dt.date


def wanted_at(person: Person, ready: dt.datetime, zone: str) -> dt.datetime:
    """The first moment, from `ready` on, at which the person wants mail; in UTC."""
    place = ZoneInfo(zone)
    local = ready.astimezone(place)
    if person.digest is not None:
        return _first(person, local, person.digest, lambda _: True, ready)
    if _open(person, local):
        return ready
    start = person.quiet.end if person.quiet else dt.time(0)
    return _first(person, local, start, lambda moment: _open(person, moment), ready)


def latest(weekly: Weekly, now: dt.datetime, zone: str) -> dt.datetime:
    """When it last came round, up to and including now; in UTC."""
    local = now.astimezone(ZoneInfo(zone))
    day = local.date() - dt.timedelta(days=(local.weekday() - weekly.weekday) % 7)
    moment = _at(day, weekly.at, ZoneInfo(zone))
    return moment if moment <= now else _at(day - 7 * DAY, weekly.at, ZoneInfo(zone))


def lockup(lock_day: int, days: int, today: dt.date) -> Lockup | None:
    """The next usual lock, if today it is that many days ahead or fewer; `lock_day` is a day of the month."""
    for on in (_day_of(today, lock_day), _day_of(_month_after(today), lock_day)):
        if on - dt.timedelta(days=days) <= today <= on:
            return Lockup(on, on.replace(day=1) - DAY)
    return None


def _first(
    person: Person, local: dt.datetime, at: dt.time, fits: Callable[[dt.datetime], bool], ready: dt.datetime
) -> dt.datetime:
    """The first such hour of a day on which the person reads mail, not before `ready`."""
    for days in range(9):
        day = local.date() + days * DAY
        moment = _at(day, at, ZoneInfo(str(local.tzinfo)))
        if moment >= ready and _works(person, day) and fits(moment.astimezone(local.tzinfo)):
            return moment
    return ready


def _open(person: Person, local: dt.datetime) -> bool:
    return _works(person, local.date()) and not (person.quiet and _is_quiet(person.quiet, local.time()))


def _works(person: Person, day: dt.date) -> bool:
    return person.weekends or day.weekday() <= FRIDAY


def _is_quiet(quiet: Quiet, time: dt.time) -> bool:
    if quiet.start <= quiet.end:
        return quiet.start <= time < quiet.end
    return time >= quiet.start or time < quiet.end


def _at(day: dt.date, time: dt.time, place: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, time, place).astimezone(dt.UTC)


def _day_of(month: dt.date, day: int) -> dt.date:
    return month.replace(day=min(day, calendar.monthrange(month.year, month.month)[1]))


def _month_after(day: dt.date) -> dt.date:
    return (day.replace(day=28) + 4 * DAY).replace(day=1)
