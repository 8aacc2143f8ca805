"""What Xero means when it refuses a bill. Pure.

Xero publishes no list of its validation messages; these are texts seen at the live API (Stack Overflow 52517629;
XeroAPI/Xero-NetStandard issues 79 and 84; XeroAPI/Xero-Net issue 198; waynerobinson/xeroizer issue 92; help pages of
Dext, Hubdoc, Pleo, Actionstep and CiviCRM). Lock dates are worded in several ways that have "lock date" in common.
An unknown text is REFUSED and stays in Xero's own words.
"""

import datetime as dt
import re
from collections.abc import Iterable

from reconciler.reasons import Reason

_KNOWN: tuple[tuple[Reason, tuple[str, ...]], ...] = (
    (Reason.BILL_READ_ONLY, ("created by xero expenses",)),
    (
        Reason.BILL_PAID,
        ("payment or credit note", "payments or credit note", "fields on a paid invoice", "has payments allocated"),
    ),
    (Reason.CONTACT_ARCHIVED, ("contact must be un-archived", "contact has been archived", "contact is archived")),
    (Reason.CONTACT_AMBIGUOUS, ("already assigned to another contact",)),
    (Reason.CURRENCY_DISABLED, ("not subscribed to currency", "currency is not enabled")),
    (Reason.TAX_INVALID, ("taxtype", "tax type", "tax rate")),
    (Reason.TRACKING_UNUSABLE, ("tracking",)),
    (Reason.ACCOUNT_UNUSABLE, ("account code", "account must be valid", "valid account")),
    (
        Reason.NOT_PERMITTED,
        (
            "correct permissions",
            "not have permission",
            "not permitted",
            "pricing plan",
            "plan limit",
            "limit for your plan",
        ),
    ),
)
_LOCK = "lock date"
_YEAR = re.compile(r"\b(end[ -]of[ -]year|year[ -]end|adviser) lock")
_ARCHIVED = re.compile(r"\bcontact\b.*\barchived\b")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_FIRST = re.compile(r"\b(\d{1,2})[ -]([a-z]{3})[a-z]*[ -](\d{4})\b")
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")


def classify(messages: Iterable[str]) -> Reason:
    """The reason behind Xero's messages; when several apply, the one that bars most.

    A lock bars everything else. Of two locks the later one is named, and the end-of-year lock when both are of the
    same day or the dates cannot be read.
    """
    texts = [_normal(text) for text in messages]
    locks = [text for text in texts if _LOCK in text]
    if locks:
        return _lock(locks)
    for reason, signs in _KNOWN:
        if any(sign in text for text in texts for sign in signs):
            return reason
    return Reason.CONTACT_ARCHIVED if any(_ARCHIVED.search(text) for text in texts) else Reason.REFUSED


def lock_date(messages: Iterable[str]) -> dt.date | None:
    """The latest lock date that the messages name; `None` when they name none that can be read for certain."""
    days = (_day(text) for text in map(_normal, messages) if _LOCK in text)
    return max((day for day in days if day), default=None)


def _lock(texts: list[str]) -> Reason:
    year = [text for text in texts if _YEAR.search(text)]
    period = [text for text in texts if not _YEAR.search(text)]
    if not year or not period:
        return Reason.YEAR_LOCKED if year else Reason.PERIOD_LOCKED
    first, second = lock_date(period), lock_date(year)
    return Reason.PERIOD_LOCKED if first and second and first > second else Reason.YEAR_LOCKED


def _normal(text: str) -> str:
    return " ".join(text.replace("\u2019", "'").casefold().split())


def _day(text: str) -> dt.date | None:
    """Forms that can be read in one way only: `30-Nov-2018`, `30 November 2018`, `2018-11-30`."""
    try:
        if (match := _DAY_FIRST.search(text)) and match[2] in _MONTHS:
            return dt.date(int(match[3]), _MONTHS.index(match[2]) + 1, int(match[1]))
        if match := _ISO.search(text):
            return dt.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    return None
