"""How far the numbers of webhook events have come, for each key that signs them."""

import datetime as dt
from collections.abc import Iterable

from peewee import TextField

from reconciler.numbering import Numbering, heard
from reconciler.records import Delivery
from storage.codec import encode
from storage.database import Store
from storage.fields import ValueField
from storage.models import Row

# As text, since putting the statement together would take longer than executing it.
KEEP = "INSERT INTO numbering (key, held) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET held = excluded.held"


class NumberingRow(Row):
    """What came of the subscription whose requests are signed with the key of that name."""

    key = TextField(primary_key=True)
    held = ValueField(Numbering)

    class Meta:
        table_name = "numbering"


class Numberings:
    """What came of each subscription."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> dict[str, Numbering]:
        """The numbering of each, by the name of its key."""
        return self._store.pairs(NumberingRow.select(NumberingRow.key, NumberingRow.held))


def count(store: Store, deliveries: Iterable[tuple[str, Delivery | None]], now: dt.datetime) -> None:
    """Count the numbers of deliveries by the names of their keys, in the caller's transaction."""
    numbered = [(key, delivery) for key, delivery in deliveries if delivery and delivery.last]
    if not numbered:
        return
    before = Numberings(store).all()
    held = dict(before)
    for key, delivery in numbered:
        held[key] = heard(held.get(key, Numbering()), delivery, now)
    for key, value in held.items():
        if value != before.get(key):
            store.execute(KEEP, (key, encode(value)))
