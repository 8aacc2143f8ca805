"""The forecast, asked of the ledger: for the command, the page and the digest alike."""

import datetime as dt

from reconciler.forecast import AT_RISK, Forecast, forecast, late_drafts
from reconciler.model import Case
from reconciler.organisation import Organisation
from storage import Ledger

LATE_DAYS = 7


def if_locked(ledger: Ledger, organisation: Organisation, lock: dt.date, now: dt.datetime) -> Forecast:
    """What a lock to that day would hold up that is not held up yet, by the facts read last."""
    keys = ledger.listing.dated(organisation.key, lock, AT_RISK)
    cases = ledger.milestones.gather(organisation.key, keys, organisation.policy.near_days)
    return forecast(cases, organisation, ledger.mirror.books(organisation.key), lock, now)


def unapproved(ledger: Ledger, organisation: Organisation, today: dt.date, days: int = LATE_DAYS) -> tuple[Case, ...]:
    """Milestones whose bill nobody has approved, though it falls due within so many days or is due already."""
    keys = ledger.listing.late(organisation.key, today + dt.timedelta(days=days))
    cases = ledger.milestones.gather(organisation.key, keys, organisation.policy.near_days)
    return late_drafts(cases, today, days)
