"""Who did what flags are about, as the histories of bills in Xero tell it."""

import datetime as dt
from collections.abc import Collection

from reconciler.model import Deed
from reconciler.ports import Unread
from reconciler.reasons import Reason
from storage.database import Store
from storage.models import FlagRow, LinkRow


class Deeds:
    """`reconciler.ports.Deeds` on the tables of flags and links."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def unread(self, organisation: str, reasons: Collection[Reason]) -> list[Unread]:
        """Open flags of these reasons whose bill's history was not asked for, oldest first."""
        linked = (LinkRow.organisation == FlagRow.organisation) & (LinkRow.key == FlagRow.key)
        query = FlagRow.select(FlagRow.id, FlagRow.reason, LinkRow.bill_id).join(LinkRow, on=linked)
        unasked = FlagRow.closed_at.is_null() & FlagRow.asked_at.is_null() & (LinkRow.bill_id != "")
        mine = (FlagRow.organisation == organisation) & FlagRow.reason.in_(list(reasons)) & unasked
        rows = self._store.rows(query.where(mine).order_by(FlagRow.id))
        return [Unread(row["id"], row["reason"], row["bill_id"]) for row in rows]

    def keep(self, flag_ids: Collection[int], deed: Deed | None, now: dt.datetime) -> None:
        """The histories were asked for, or never will be; this is what they told."""
        if flag_ids:
            self._store.run(FlagRow.update(deed=deed, asked_at=now).where(FlagRow.id.in_(list(flag_ids))))
