"""Events owed to endpoints of others: one row each, made of the changes, kept until the endpoint has taken it."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from peewee import AutoField, BigIntegerField, BooleanField, IntegerField, TextField, fn

from reconciler.progress import Change, EndpointState, Outgoing, What
from storage.changes import ChangeRow
from storage.codec import build
from storage.database import Store
from storage.fields import UtcField
from storage.models import Row

SPREAD = 500


class EndpointRow(Row):
    """How an endpoint does. Changes up to `read_to` were looked at; while it is off, events are kept for it."""

    name = TextField(primary_key=True)
    read_to = BigIntegerField()
    failing_since = UtcField(null=True)
    rests_until = UtcField(null=True)
    off_at = UtcField(null=True)
    off_because = TextField(default="")

    class Meta:
        table_name = "endpoint"


class OutgoingRow(Row):
    """An event owed to an endpoint until it is `done`: delivered, or given up where `delivered_at` is null."""

    id = AutoField()
    endpoint = TextField()
    change_id = BigIntegerField()
    owed_at = UtcField()
    due_at = UtcField()
    tries = IntegerField(default=0)
    done = BooleanField(default=False)
    delivered_at = UtcField(null=True)
    said = TextField(default="")

    class Meta:
        table_name = "outgoing"
        indexes = (
            (("endpoint", "change_id"), True),
            (("endpoint", "done", "due_at"), False),
        )


class Hooks:
    """`notify.ports.Hooks` on tables."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def spread(self, endpoint: str, organisations: Collection[str], whats: Collection[What], now: dt.datetime) -> int:
        """Owe the endpoint the events of what became known since the last time; returns how many.

        An endpoint that was not there before hears of what is to come only.
        """
        newest = next(iter(self._store.column(ChangeRow.select(fn.MAX(ChangeRow.change_id)))), None) or 0
        row = self._store.row(EndpointRow.select().where(EndpointRow.name == endpoint))
        if row and row["read_to"] >= newest:
            return 0
        with self._store.write():
            if row is None:
                made = EndpointRow.insert(name=endpoint, read_to=newest, off_because="").on_conflict_ignore()
                self._store.run(made.as_rowcount())
                return 0
            return self._spread(endpoint, row["read_to"], organisations, whats, now)

    def claim(self, endpoint: str, now: dt.datetime, lease: dt.timedelta) -> Outgoing | None:
        """The event that is due for longest, claimed for the length of the lease; `None` while there is none.

        An endpoint that is off, or rests after a failure, is left in peace.
        """
        with self._store.write():
            state = self.state(endpoint)
            if state is None or state.off_at or (state.rests_until and state.rests_until > now):
                return None
            due = (OutgoingRow.endpoint == endpoint) & (OutgoingRow.done == False) & (OutgoingRow.due_at <= now)  # noqa: E712  SQL
            query = OutgoingRow.select(OutgoingRow.id, OutgoingRow.tries, ChangeRow)
            query = query.join(ChangeRow, on=(ChangeRow.change_id == OutgoingRow.change_id)).where(due)
            row = self._store.row(query.order_by(OutgoingRow.due_at, OutgoingRow.id).limit(1))
            if row is None:
                return None
            self._change(row["id"], due_at=now + lease, tries=OutgoingRow.tries + 1)
        return Outgoing(row["id"], endpoint, build(Change, row), row["tries"])

    def delivered(self, event: Outgoing, said: str, now: dt.datetime) -> None:
        """The endpoint has taken it."""
        with self._store.write():
            self._change(event.outgoing_id, done=True, delivered_at=now, said=said)
            self._endpoint(event.endpoint, failing_since=None, rests_until=None)

    def failed(self, event: Outgoing, said: str, again_at: dt.datetime | None, now: dt.datetime) -> None:
        """It has not; try again then, or (`None`) not again by itself. The endpoint rests, for 5 minutes at most."""
        with self._store.write():
            later: dict[str, Any] = {"done": True} if again_at is None else {"due_at": again_at}
            self._change(event.outgoing_id, said=said, **later)
            rests = min(again_at or now, now + dt.timedelta(minutes=5))
            since = fn.COALESCE(EndpointRow.failing_since, UtcField().db_value(now))
            self._endpoint(event.endpoint, failing_since=since, rests_until=rests)

    def switch_off(self, endpoint: str, because: str, now: dt.datetime) -> None:
        """Send it nothing more; what is to come is kept for it."""
        with self._store.write():
            self._endpoint(endpoint, off_at=now, off_because=because)

    def switch_on(self, endpoint: str) -> bool:
        """Send it again what is owed to it; `False` when it was not off."""
        fresh = {"off_at": None, "off_because": "", "failing_since": None, "rests_until": None}
        off = (EndpointRow.name == endpoint) & EndpointRow.off_at.is_null(is_null=False)
        with self._store.write():
            return bool(self._store.run(EndpointRow.update(**fresh).where(off)))

    def replay(self, endpoint: str, after: int, now: dt.datetime) -> int:
        """Owe the endpoint once more every event after that change, delivered or given up; returns how many."""
        mine = (OutgoingRow.endpoint == endpoint) & (OutgoingRow.change_id > after)
        fresh = {"done": False, "tries": 0, "due_at": now, "delivered_at": None, "said": ""}
        with self._store.write():
            return self._store.run(OutgoingRow.update(**fresh).where(mine))

    def forget(self, before: dt.datetime) -> int:
        """Let go of events that were taken or given up and were owed before then; returns how many."""
        old = (OutgoingRow.done == True) & (OutgoingRow.owed_at < before)  # noqa: E712  SQL
        ids = OutgoingRow.select(OutgoingRow.id).where(old).order_by(OutgoingRow.id).limit(SPREAD)
        deleted = 0
        while some := self._store.column(ids):
            with self._store.write():
                deleted += self._store.run(OutgoingRow.delete().where(OutgoingRow.id.in_(some)))
        return deleted

    def state(self, endpoint: str) -> EndpointState | None:
        """How the endpoint does; `None` before it was looked at."""
        row = self._store.row(EndpointRow.select().where(EndpointRow.name == endpoint))
        if row is None:
            return None
        owed = (OutgoingRow.endpoint == endpoint) & (OutgoingRow.done == False)  # noqa: E712  SQL
        gone = (OutgoingRow.endpoint == endpoint) & (OutgoingRow.done == True) & OutgoingRow.delivered_at.is_null()  # noqa: E712  SQL
        last = OutgoingRow.select(OutgoingRow.said).where((OutgoingRow.endpoint == endpoint) & (OutgoingRow.said != ""))
        return EndpointState(
            name=endpoint,
            owed=self._store.count(OutgoingRow.select(OutgoingRow.id).where(owed)),
            given_up=self._store.count(OutgoingRow.select(OutgoingRow.id).where(gone)),
            failing_since=row["failing_since"],
            rests_until=row["rests_until"],
            off_at=row["off_at"],
            off_because=row["off_because"],
            said=next(iter(self._store.column(last.order_by(OutgoingRow.id.desc()).limit(1))), ""),
        )

    def _spread(
        self, endpoint: str, after: int, organisations: Collection[str], whats: Collection[What], now: dt.datetime
    ) -> int:
        """Look at the next changes, in the caller's transaction."""
        query = ChangeRow.select(ChangeRow.change_id, ChangeRow.organisation, ChangeRow.what)
        rows = self._store.rows(query.where(ChangeRow.change_id > after).order_by(ChangeRow.change_id).limit(SPREAD))
        wanted = [row for row in rows if row["organisation"] in organisations and row["what"] in whats]
        owed = [{"endpoint": endpoint, "change_id": row["change_id"], "owed_at": now, "due_at": now} for row in wanted]
        moved = EndpointRow.update(read_to=rows[-1]["change_id"]) if rows else None
        same = (EndpointRow.name == endpoint) & (EndpointRow.read_to == after)
        if moved is None or not self._store.run(moved.where(same)):
            return 0
        self._store.insert(OutgoingRow, owed)
        return len(owed)

    def _change(self, outgoing_id: int, **changes: Any) -> None:
        self._store.run(OutgoingRow.update(**changes).where(OutgoingRow.id == outgoing_id))

    def _endpoint(self, name: str, **changes: Any) -> None:
        self._store.run(EndpointRow.update(**changes).where(EndpointRow.name == name))
