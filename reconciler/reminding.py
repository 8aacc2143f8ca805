"""What is brought up again: open flags, after some days or on a day that somebody named, and to whom. Pure."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from reconciler.people import Team
from reconciler.reasons import words
from reconciler.records import Flag, MailKind


@dataclass(frozen=True, slots=True)
class Told:
    """A recipient who was mailed about a flag: for the first and the last time, and the id of the last mail."""

    address: str
    first: dt.datetime
    last: dt.datetime
    mail_id: int


@dataclass(frozen=True, slots=True)
class Open:
    """An open flag, who was told of it, and whether somebody still is owed a mail of it."""

    flag: Flag
    told: tuple[Told, ...]
    owed: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """A flag to be brought up with an address, to which no mail about it has gone after `mail_id` (0: none at all)."""

    flag: Flag
    address: str
    kind: MailKind
    mail_id: int = 0


@dataclass(frozen=True, slots=True)
class Patience:
    """After how long without a decision somebody is reminded, and when it is passed on; `None` for never."""

    remind: dt.timedelta | None = dt.timedelta(days=3)
    escalate: dt.timedelta | None = dt.timedelta(days=7)


def due(
    waiting: Sequence[Open], team: Team, shut: Collection[str], patience: Patience, now: dt.datetime, today: dt.date
) -> list[Again]:
    """What is to be brought up now, and with whom.

    A day that somebody named counts in place of the usual patience. When one flag of a recipient is due, those that
    will be before long come with it, so that there is one mail and not one a day.
    """
    found: list[Again] = []
    for address in dict.fromkeys(told.address for each in waiting for told in each.told):
        mine = [(each.flag, told) for each in waiting for told in each.told if told.address == address]
        found += _reminders(mine, team, shut, patience, now, today)
        found += _passed_on(mine, team, shut, patience, now, today)
    found += [again for each in waiting for again in _unheard(each, team, shut, today)]
    return list({(again.flag.flag_id, again.address): again for again in reversed(found)}.values())[::-1]


def _reminders(
    mine: Sequence[tuple[Flag, Told]],
    team: Team,
    shut: Collection[str],
    patience: Patience,
    now: dt.datetime,
    today: dt.date,
) -> Iterator[Again]:
    usual = [(flag, told) for flag, told in mine if flag.remind_on is None]
    ripe = patience.remind is not None and any(now - told.last >= patience.remind for _, told in usual)
    for flag, told in mine:
        named = flag.remind_on is not None and flag.remind_on <= today
        along = ripe and flag.remind_on is None and patience.remind and now - told.last >= patience.remind / 2
        if named or along:
            kind = MailKind.WARNING if flag.key else MailKind.ALERT
            reader = _reader(told.address, flag, team, shut, today)
            yield Again(flag, reader, kind, told.mail_id if reader == told.address else 0)


def _passed_on(
    mine: Sequence[tuple[Flag, Told]],
    team: Team,
    shut: Collection[str],
    patience: Patience,
    now: dt.datetime,
    today: dt.date,
) -> Iterator[Again]:
    for flag, told in mine:
        second = team.second(told.address, shut, today)
        waits = flag.remind_on is not None and flag.remind_on > today
        if second and not waits and patience.escalate is not None and now - told.first >= patience.escalate:
            yield Again(flag, second, MailKind.ESCALATION if flag.key else MailKind.ALERT)


def _unheard(each: Open, team: Team, shut: Collection[str], today: dt.date) -> Iterator[Again]:
    """A flag of which nobody was told, as nobody was named when it was opened: whoever is named by now."""
    if each.told or each.owed:
        return
    kind = MailKind.WARNING if each.flag.key else MailKind.ALERT
    for address in team.asked(words(each.flag.reason).roles, shut, today):
        yield Again(each.flag, address, kind)


def _reader(address: str, flag: Flag, team: Team, shut: Collection[str], today: dt.date) -> str:
    """Who reads the reminder: whoever was told, whoever stands in meanwhile, or the next who can be reached."""
    reader = team.stand_in(address, today)
    roles = words(flag.reason).roles
    return (team.next_to(reader, roles, shut, today) or reader) if reader in shut else reader
