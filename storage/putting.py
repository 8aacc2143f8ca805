"""What the platform says of its milestones, compared with what it said before."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from reconciler.model import Milestone
from storage.codec import columns, fingerprint
from storage.database import Store
from storage.marks import mark_keys
from storage.models import DirtyRow, LinkRow, MilestoneRow
from storage.names import fold

CENTS = Decimal("0.00")  # added to an amount, it makes 5 and 5.00 the same text


def put_batch(store: Store, milestones: Sequence[Milestone], now: dt.datetime) -> tuple[int, int, int]:
    """Insert or update in the caller's transaction; returns how many were new, changed and the same."""
    held = _held(store, milestones)
    rows = {(m.organisation, m.key): _row(m, now) for m in milestones}
    new = [row for name, row in rows.items() if name not in held]
    changed = [row for name, row in rows.items() if name in held and held[name]["fingerprint"] != row["fingerprint"]]
    store.insert(MilestoneRow, new)
    names = [{"organisation": row["organisation"], "key": row["key"]} for row in new]
    store.insert(LinkRow, names)
    store.insert(DirtyRow, names)
    for row in changed:
        mine = (MilestoneRow.organisation == row["organisation"]) & (MilestoneRow.key == row["key"])
        store.run(MilestoneRow.update(**{**row, "version": MilestoneRow.version + 1}).where(mine))
        mark_keys(store, row["organisation"], [row["key"]])
    return len(new), len(changed), len(rows) - len(new) - len(changed)


def _held(store: Store, milestones: Sequence[Milestone]) -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for organisation in {m.organisation for m in milestones}:
        keys = [m.key for m in milestones if m.organisation == organisation]
        query = MilestoneRow.select(MilestoneRow.key, MilestoneRow.fingerprint).where(
            (MilestoneRow.organisation == organisation) & MilestoneRow.key.in_(keys)
        )
        found |= {(organisation, row["key"]): row for row in store.rows(query)}
    return found


def _row(milestone: Milestone, now: dt.datetime) -> dict[str, Any]:
    first = replace(milestone, version=1, amount=milestone.amount + CENTS)
    return {
        **columns(first),
        "payee_folded": fold(milestone.payee),
        "url": milestone.links.milestone,
        "fingerprint": fingerprint(first),
        "put_at": now,
    }
