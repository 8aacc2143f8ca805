"""Keys of programs that call us, by the hash of their text."""

import datetime as dt
from collections.abc import Collection

from peewee import AutoField, BlobField, TextField

from reconciler.callers import ApiKey, Scope
from storage.codec import build
from storage.database import Store
from storage.fields import UtcField, ValueField
from storage.models import Row

# So that a busy platform does not cost a write for each of its requests.
NOTED_EVERY = dt.timedelta(minutes=1)


class ApiKeyRow(Row):
    """An `ApiKey`, with the SHA-256 of its text; one that was revoked is kept, to say whose it was."""

    key_id = AutoField()
    name = TextField()
    scopes = ValueField(frozenset[Scope])
    organisations = ValueField(tuple[str, ...], null=True)
    made_at = UtcField()
    used_at = UtcField(null=True)
    revoked_at = UtcField(null=True)
    hash = BlobField(unique=True)

    class Meta:
        table_name = "api_key"


ApiKeyRow.add_index(
    ApiKeyRow.index(ApiKeyRow.name, unique=True, name="api_key_one_of_a_name").where(ApiKeyRow.revoked_at.is_null())
)


class ApiKeys:
    """Makes, finds and revokes keys."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make(
        self,
        name: str,
        scopes: Collection[Scope],
        organisations: Collection[str] | None,
        hashed: bytes,
        now: dt.datetime,
    ) -> bool:
        """Keep a new key; `False` when one of that name is in use. `organisations` of `None` are all there are."""
        row = {
            "name": name,
            "scopes": frozenset(scopes),
            "organisations": None if organisations is None else tuple(organisations),
            "made_at": now,
            "hash": hashed,
        }
        with self._store.write():
            return bool(self._store.run(ApiKeyRow.insert(row).on_conflict_ignore().as_rowcount()))

    def find(self, hashed: bytes, now: dt.datetime) -> ApiKey | None:
        """The key of that hash, if it is not revoked; that it was used is noted once a minute."""
        mine = (ApiKeyRow.hash == hashed) & ApiKeyRow.revoked_at.is_null()
        row = self._store.row(ApiKeyRow.select().where(mine))
        if row is None:
            return None
        if row["used_at"] is None or now - row["used_at"] >= NOTED_EVERY:
            with self._store.write():
                self._store.run(ApiKeyRow.update(used_at=now).where(mine))
        return build(ApiKey, row)

    def revoke(self, name: str, now: dt.datetime) -> bool:
        """End the key of that name; `False` when there is none."""
        mine = (ApiKeyRow.name == name) & ApiKeyRow.revoked_at.is_null()
        with self._store.write():
            return bool(self._store.run(ApiKeyRow.update(revoked_at=now).where(mine)))

    def listed(self) -> list[ApiKey]:
        """All keys, revoked ones included, oldest first."""
        return [build(ApiKey, row) for row in self._store.rows(ApiKeyRow.select().order_by(ApiKeyRow.key_id))]
