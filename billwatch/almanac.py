"""What the digests tell, asked of the ledger (`notify.ports.Facts`)."""

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from billwatch.foresight import if_locked, unapproved
from billwatch.watch import Watchman
from notify.digests import Outlook, Week
from notify.watching import Watched
from reconciler.hours import lockup
from reconciler.model import Status
from reconciler.organisation import Organisation
from storage import Ledger

WEEK = dt.timedelta(days=7)
DAY = dt.timedelta(days=1)


class Almanac:
    """Looks back a week and ahead to the usual lock. `forecast_days` and `draft_days` are how far ahead."""

    def __init__(
        self,
        ledger: Ledger,
        organisations: Mapping[str, Organisation],
        forecast_days: int,
        draft_days: int,
        watchman: Watchman | None = None,
    ) -> None:
        self._ledger, self._organisations = ledger, organisations
        self._forecast_days, self._draft_days = forecast_days, draft_days
        self._watchman = watchman

    def week(self, organisation: str, until: dt.datetime) -> Week:
        """What the seven whole days before brought, and what waits now."""
        weeks, today = self._ledger.weeks, self._today(organisation, until)
        first = today - WEEK
        return Week(
            since=first,
            until=today - DAY,
            billed=weeks.billed(organisation, self._midnight(organisation, first), self._midnight(organisation, today)),
            paid=weeks.paid(organisation, first, today - DAY),
            unapproved=weeks.waiting(organisation, (Status.DRAFT, Status.SUBMITTED)),
            unpaid=weeks.waiting(organisation, (Status.AUTHORISED,)),
            undecided=weeks.undecided(organisation),
            late=unapproved(self._ledger, self._organisations[organisation], today, self._draft_days),
        )

    def outlook(self, organisation: str, now: dt.datetime) -> Outlook:
        """What the usual lock would hold up if it is near, and which drafts fall due unapproved."""
        known, today = self._organisations[organisation], self._today(organisation, now)
        expected = lockup(known.lock_day, self._forecast_days, today) if known.lock_day else None
        seen = if_locked(self._ledger, known, expected.to, now) if expected else None
        late = unapproved(self._ledger, known, today, self._draft_days)
        return Outlook(expected, seen, late, self._draft_days)

    def watched(self, organisation: str) -> Watched:
        """Signs that something is about to stop."""
        return self._watchman.watched(organisation) if self._watchman else Watched(())

    def _today(self, organisation: str, now: dt.datetime) -> dt.date:
        return now.astimezone(self._zone(organisation)).date()

    def _midnight(self, organisation: str, day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(), self._zone(organisation)).astimezone(dt.UTC)

    def _zone(self, organisation: str) -> ZoneInfo:
        return ZoneInfo(self._ledger.mirror.books(organisation).zone)
