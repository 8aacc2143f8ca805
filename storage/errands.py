"""Which organisations there may be something to do for: one question for all, as there may be thousands."""

import datetime as dt
from typing import Any

from peewee import fn

from reconciler.reasons import Action
from storage.database import Store
from storage.hints import news
from storage.mirrored import OrganisationRow
from storage.models import DirtyRow, LinkRow
from storage.queues import AttemptRow

DAY = dt.timedelta(days=1)


class Errands:
    """What the ticks of single organisations would find, for all of them. Those never read yet are nowhere in here."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def waiting(self, now: dt.datetime) -> set[str]:
        """Those with news of a bill, a write that is not finished, or milestones to decide.

        A milestone whose exemption ends counts for a day before it does, wherever the organisation is.
        """
        open_attempt = AttemptRow.select(AttemptRow.id).where(
            (AttemptRow.organisation == OrganisationRow.key) & AttemptRow.finished_at.is_null()
        )
        dirty = DirtyRow.select(DirtyRow.key).where(DirtyRow.organisation == OrganisationRow.key)
        lapsed = _link(LinkRow.wake_on < (now + DAY).date())
        return self._of([news(OrganisationRow.key), open_attempt, dirty, lapsed])

    def ready(self) -> set[str]:
        """Those with a milestone whose verdict is SYNC and that no open attempt claims."""
        return self._of([_link((LinkRow.action == Action.SYNC) & LinkRow.pending_attempt.is_null())])

    def _of(self, queries: list[Any]) -> set[str]:
        with self._store.read():
            return {
                key
                for query in queries
                for key in self._store.column(OrganisationRow.select(OrganisationRow.key).where(fn.EXISTS(query)))
            }


def _link(condition: Any) -> Any:
    return LinkRow.select(LinkRow.key).where((LinkRow.organisation == OrganisationRow.key) & condition)
