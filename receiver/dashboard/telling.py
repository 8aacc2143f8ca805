"""The dashboard's words: ages, and the story of a milestone."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from receiver.dashboard.ports import Moment
from receiver.sheet import capital
from reconciler.model import Deed, Exemption, Write
from reconciler.reasons import Action, Choose, words
from reconciler.records import Choice, Enclosed, Flag
from reconciler.words import choice_label, day, moment, money

MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Told:
    """A moment of the story in words; `at` and `what` are the moment's own. `tone` is `good`, `bad` or empty."""

    when: str
    headline: str
    detail: str
    tone: str
    at: dt.datetime
    what: str


def age(then: dt.datetime | None, now: dt.datetime) -> str:
    """`3 hours`, `2 days` …: how long ago it was; in the future, how long until then."""
    if then is None:
        return ""
    seconds = abs((now - then).total_seconds())
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= unit:
            count = int(seconds // unit)
            return f"{count} {name}" + ("s" if count != 1 else "")
    return "less than a minute"


def story(moments: Sequence[Moment], zone: str) -> list[Told]:
    """What happened to a milestone, oldest first; a verdict that only repeats the one before is left out.

    What people did in Xero stands at the time at which they did it, as the bill's history tells.
    """
    told: list[Told] = []
    for each in sorted([*moments, *_deeds(moments)], key=lambda each: each.at):
        headline, detail, tone = _of_person(each) or _words(each)
        if headline and not (told and told[-1].headline == headline and told[-1].detail == detail):
            told.append(Told(moment(each.at, zone), headline, detail, tone, each.at, each.what))
    return told


@dataclass(frozen=True, slots=True)
class Done:
    """A deed as a moment of the story."""

    at: dt.datetime
    what: str
    value: Deed


def _deeds(moments: Sequence[Moment]) -> list[Done]:
    flags = [each.value for each in moments if isinstance(each.value, Flag)]
    return [Done(deed.at, "deed", deed) for deed in dict.fromkeys(flag.deed for flag in flags if flag.deed)]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _of_person(each: Moment) -> tuple[str, str, str] | None:
    """What somebody did or decided."""
    value = each.value
    match each.what, value:
        case "deed", Deed():
            return f"{capital(value.did)} in Xero" + (f" by {value.by}" if value.by else ""), "", ""
        case "choice", Choice():
            return f"{value.by} decided: {_lower(choice_label(value.kind))}", _details(value), ""
        case "exemption", Exemption():
            until = f" until {day(value.until)}" if value.until else ""
            return f"Exempted{until} by {value.by}", value.reason, ""
    return None


def _words(each: Moment) -> tuple[str, str, str]:
    value = each.value
    match each.what, value:
        case "verdict", (action, reason):
            return _verdict(action, words(reason).headline)
        case (("attempt" | "verified"), Write()):
            return _write(each.what, value)
        case "flag", Flag():
            return f"Warning opened: {words(value.reason).headline}", "", "bad"
        case "closed", Flag():
            return f"Warning closed: {words(value.reason).headline}", capital(value.closed_because), "good"
        case "mail", _:
            return f"Mailed to {value.recipient}", capital(str(value.kind)), ""
        case "document", Enclosed():
            return value.headline, value.trouble, "good" if value.attached else "bad"
        case "answer", _:
            refused = ". ".join(value.messages)
            return ("Xero refused it", refused, "bad") if refused else ("", "", "")
    return capital(each.what), "", ""


def _verdict(action: Action, headline: str) -> tuple[str, str, str]:
    if action is Action.FLAG:
        # The warning that it opened says so.
        return "", "", ""
    if action is Action.HOLD:
        return f"Held back: {headline}", "", "bad"
    return capital(headline), "", "good" if headline == "paid" else ""


def _write(what: str, write: Write) -> tuple[str, str, str]:
    if what == "verified":
        return "Read back from Xero and found right", "", "good"
    terms = write.terms
    detail = f"{write.number}, {money(terms.total, terms.currency)}, dated {day(terms.date)}"
    return "A bill change was sent to Xero" if write.bill_id else "A new bill was sent to Xero", detail, ""


def _details(choice: Choice) -> str:
    parts = [choice.reason, f"new date {day(choice.date)}" if choice.date else ""]
    until = "on" if choice.kind is Choose.REMIND else "until"
    parts.append(f"{until} {day(choice.until)}" if choice.until else "")
    parts.append(f"through the link mailed to {choice.address}" if choice.address else "")
    return ", ".join(part for part in parts if part)
