"""What Xero means when it refuses a bill. Pure.

Xero publishes no list of its validation messages; these are texts seen at the live API (Stack Overflow 52517629;
XeroAPI/Xero-NetStandard issues 79 and 84; XeroAPI/Xero-Net issue 198; waynerobinson/xeroizer issue 92; help pages of
Dext, Hubdoc, Pleo, Actionstep and CiviCRM). Lock dates in particular are worded in several ways. So a message is taken
sentence by sentence, by its words alone: case, punctuation and what stands around them do not count. An unknown text
is REFUSED and stays in Xero's own words.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator

from reconciler.reasons import Reason

_LOCK = re.compile(
    r"\block ?dates?\b|\block(?:ed)? (?:accounting |financial |reporting )?(?:period|year)\b"
    r"|\b(?:period|year|books?|accounts) (?:is|are|has been|have been|was|were) (?:already )?(?:locked|closed)\b"
)
_YEAR = re.compile(
    r"\b(?:end of (?:the )?(?:financial )?year|year ?end|financial year|advis[eo]rs?)\b(?: \w+){0,3}? lock"
    r"|\block(?:ed)? (?:financial )?year\b|\byear (?:is|has been|was) (?:already )?(?:locked|closed)\b"
)
_KNOWN: tuple[tuple[Reason, re.Pattern[str]], ...] = tuple(
    (reason, re.compile(signs))
    for reason, signs in (
        (Reason.BILL_READ_ONLY, r"\bcreated by xero expenses\b"),
        (
            Reason.BILL_PAID,
            r"\bpayments?\b(?: \w+){0,5} (?:allocated|applied)\b|\bcredit notes?\b(?: \w+){0,3} (?:allocated|applied)\b"
            r"|\bon a (?:part )?paid invoice\b",
        ),
        (Reason.CONTACT_ARCHIVED, r"\bcontacts?\b.* (?:un ?)?archived\b|\b(?:un ?)?archived? .*\bcontacts?\b"),
        (Reason.CONTACT_AMBIGUOUS, r"\balready assigned to another contact\b|\bmore than one contact\b"),
        (
            Reason.CURRENCY_DISABLED,
            r"\bnot subscribed to (?:the )?currency\b"
            r"|\bcurrency\b.* (?:not|isn t)(?: been)? (?:enabled|set up|supported|available|valid|active|subscribed)\b",
        ),
        (Reason.TAX_INVALID, r"\b(?:tax|vat|gst) ?(?:type|rate|code)s?\b"),
        (Reason.TRACKING_UNUSABLE, r"\btracking\b"),
        (
            Reason.ACCOUNT_UNUSABLE,
            r"\baccount code\b|\baccount must be valid\b|\bvalid account\b"
            r"|\baccount\b.* (?:archived|deleted|inactive)\b|\b(?:archived|deleted|inactive) account\b",
        ),
        (
            Reason.NOT_PERMITTED,
            r"\bcorrect permissions?\b|\bnot (?:have )?(?:the )?(?:\w+ )?(?:permissions?|permitted)\b"
            r"|\bnot authori[sz]ed to\b|\bpricing plan\b|\bplan limit\b|\blimit for your plan\b",
        ),
    )
)
_NAMED = {
    Reason.ACCOUNT_UNUSABLE: re.compile(r"account code ['\"]([^'\"]+)['\"]", re.IGNORECASE),
    Reason.TAX_INVALID: re.compile(r"tax ?type(?: code)? ['\"]([^'\"]+)['\"]", re.IGNORECASE),
}
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_QUOTES = {ord(mark): "'" for mark in "\u2018\u2019\u201b\u00b4`"} | {ord(mark): '"' for mark in "\u201c\u201d"}
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DATE = re.compile(
    r"\b(?P<d1>\d{1,2})(?:st|nd|rd|th)?[ -](?P<m1>[a-z]{3,9})\.?,?[ -](?P<y1>\d{4})\b"
    r"|\b(?P<m2>[a-z]{3,9})\.? (?P<d2>\d{1,2})(?:st|nd|rd|th)?,? (?P<y2>\d{4})\b"
    r"|\b(?P<y3>\d{4})-(?P<m3>\d{2})-(?P<d3>\d{2})(?!\d)"
    r"|\b(?P<a4>\d{1,2})[/.](?P<b4>\d{1,2})[/.](?P<y4>\d{4})\b"
)
_MENTION = re.compile(r"\block|\bclosed")


def classify(messages: Iterable[str]) -> Reason:
    """The reason behind Xero's messages; when several apply, the one that bars most.

    A lock bars everything else. Of two locks the later one is named, and the end-of-year lock when both are of the
    same day or the dates cannot be read.
    """
    sentences = list(_sentences(messages))
    if locks := list(_locks(sentences)):
        return _lock(locks)
    texts = [_plain(one) for one in sentences]
    return next((reason for reason, signs in _KNOWN if any(map(signs.search, texts))), Reason.REFUSED)


def lock_date(messages: Iterable[str]) -> dt.date | None:
    """The latest lock date that the messages name; `None` when they name none that can be read for certain."""
    days = map(_lock_day, _locks(_sentences(messages)))
    return max((day for day in days if day), default=None)


def named(messages: Iterable[str], reason: Reason) -> str:
    """The account code or tax type that the messages call unusable; empty for other reasons, or if none is named."""
    signs = _NAMED.get(reason)
    found = (signs.search(one) for one in _sentences(messages)) if signs else ()
    return next((match[1] for match in found if match), "")


def _lock(sentences: list[str]) -> Reason:
    year = [one for one in sentences if _YEAR.search(_plain(one))]
    period = [one for one in sentences if one not in year]
    if not year or not period:
        return Reason.YEAR_LOCKED if year else Reason.PERIOD_LOCKED
    first, second = lock_date(period), lock_date(year)
    return Reason.PERIOD_LOCKED if first and second and first > second else Reason.YEAR_LOCKED


def _locks(sentences: Iterable[str]) -> Iterator[str]:
    """The sentences that speak of a lock; of one written on several lines, the lines that do so by themselves."""
    for sentence in sentences:
        if _LOCK.search(_plain(sentence)):
            lines = [line for line in sentence.splitlines() if _LOCK.search(_plain(line))]
            yield from lines or (sentence,)


def _sentences(messages: Iterable[str]) -> Iterator[str]:
    """Each sentence by itself, since one message may hold several; quotation marks in their plain form."""
    for message in messages:
        text = unicodedata.normalize("NFKC", message.translate(_QUOTES))
        yield from (part for part in _SENTENCE.split(text) if part.strip())


def _plain(sentence: str) -> str:
    """The words alone, in small letters, one space between them."""
    return " ".join(re.findall(r"[^\W_]+", sentence.casefold()))


def _lock_day(sentence: str) -> dt.date | None:
    """The latest of the dates that follow a mention of a lock, or else the only date before it."""
    before, *mentions = _MENTION.split(" ".join(sentence.casefold().split()))
    told = [days[0] for days in map(_days, mentions) if days]
    if told:
        return max((day for day in told if day), default=None)
    days = set(_days(before))
    return days.pop() if len(days) == 1 else None


def _days(text: str) -> list[dt.date | None]:
    """Dates in the order in which they stand; `None` for one that means no day, or could mean two."""
    return [_day({name[0]: part for name, part in m.groupdict().items() if part}) for m in _DATE.finditer(text)]


def _day(parts: dict[str, str]) -> dt.date | None:
    if "a" in parts:
        first, second, year = int(parts["a"]), int(parts["b"]), int(parts["y"])
        meant = {_calendar(year, second, first), _calendar(year, first, second)} - {None}
        return meant.pop() if len(meant) == 1 else None
    month = parts["m"]
    named = next((place for place, name in enumerate(_MONTHS, 1) if name.startswith(month)), 0)
    return _calendar(int(parts["y"]), int(month) if month.isdecimal() else named, int(parts["d"]))


def _calendar(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
