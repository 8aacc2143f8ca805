"""Small facts by name, such as the hash of the configuration last used."""

from collections.abc import Collection

from storage.among import among
from storage.database import Store
from storage.queues import StateRow


class State:
    """Text values by name."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, name: str) -> str | None:
        """The value, or `None`."""
        row = self._store.row(StateRow.select().where(StateRow.name == name))
        return row["value"] if row else None

    def held(self, names: Collection[str]) -> dict[str, str]:
        """The values of those of these names that have one."""
        return self._store.pairs(StateRow.select(StateRow.name, StateRow.value).where(among(StateRow.name, names)))

    def put(self, name: str, value: str | None) -> None:
        """Keep the value in place of the one held; `None` forgets it."""
        with self._store.write():
            self._store.run(StateRow.delete().where(StateRow.name == name))
            if value is not None:
                self._store.run(StateRow.insert(name=name, value=value).as_rowcount())
