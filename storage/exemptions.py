"""Exemptions: at most one open per milestone, the earlier ones kept; all in the transaction of the caller."""

import datetime as dt
from typing import Any

from reconciler.model import Exemption
from storage.database import Store
from storage.models import ExemptionRow, LinkRow


def exempt(store: Store, organisation: str, key: str, exemption: Exemption, now: dt.datetime) -> None:
    """Open an exemption in place of the one that is open, if any."""
    end_exemption(store, organisation, key, exemption.by, now)
    store.run(ExemptionRow.insert(organisation=organisation, key=key, exemption=exemption))
    _wake_on(store, organisation, key, exemption.until)


def end_exemption(store: Store, organisation: str, key: str, by: str, now: dt.datetime) -> bool:
    """End the open exemption; `False` when there is none."""
    mine = (ExemptionRow.organisation == organisation) & (ExemptionRow.key == key)
    ending = ExemptionRow.update(ended_at=now, ended_by=by).where(mine & ExemptionRow.ended_at.is_null())
    _wake_on(store, organisation, key, None)
    return bool(store.run(ending))


def _wake_on(store: Store, organisation: str, key: str, day: dt.date | None) -> None:
    mine: Any = (LinkRow.organisation == organisation) & (LinkRow.key == key)
    store.run(LinkRow.update(wake_on=day).where(mine))
