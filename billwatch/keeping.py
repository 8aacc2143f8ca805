"""How long what is done with is kept."""

import datetime as dt
from typing import Annotated

from msgspec import Meta

from billwatch.complaints import Unfit
from billwatch.sections import Section
from storage.ledger import Ledger

# Xero keeps events that it could not deliver for as long (developer.xero.com/documentation/webhooks/overview).
MONTH = 31


class Keep(Section, frozen=True):
    """Days for which things are kept once they are done with; 0 for ever."""

    requests_days: Annotated[int, Meta(ge=MONTH, le=3650)] = MONTH
    events_days: Annotated[int, Meta(ge=0, le=36500)] = 90
    mails_days: Annotated[int, Meta(ge=0, le=36500)] = 730
    changes_days: Annotated[int, Meta(ge=0, le=36500)] = 365
    history_days: Annotated[int, Meta(ge=0, le=36500)] = 0

    def __post_init__(self) -> None:
        for name in ("events_days", "mails_days", "changes_days", "history_days"):
            if 0 < (days := getattr(self, name)) < MONTH:
                raise Unfit(name, f"is {days}, but must be at least {MONTH}, or 0 for ever")


def forget(ledger: Ledger, keep: Keep, now: dt.datetime) -> int:
    """Let go of what is older than that; returns how many rows."""
    ways = (
        (keep.requests_days, ledger.inbox.forget),
        (keep.events_days, ledger.hooks.forget),
        (keep.mails_days, ledger.retention.mails),
        (keep.changes_days, ledger.retention.changes),
        (keep.history_days, ledger.retention.history),
    )
    return sum(way(now - dt.timedelta(days=days)) for days, way in ways if days)
