"""Encrypted tokens by the name of their connection. What is in them, and the key, are not known here."""

from collections.abc import Callable

from reconciler.turns import Turn
from storage.database import Store
from storage.queues import TokenRow


class Tokens:
    """Opaque blobs with a version, so that of two processes that renew a token at once only one is believed."""

    def __init__(self, store: Store, turn: Callable[[str], Turn]) -> None:
        self._store, self._turn = store, turn

    def get(self, name: str) -> tuple[bytes, int] | None:
        """The blob and its version (from 1), or `None`."""
        row = self._store.row(TokenRow.select().where(TokenRow.name == name))
        return (bytes(row["blob"]), row["version"]) if row else None

    def put(self, name: str, blob: bytes, version: int) -> bool:
        """Keep the blob if its version is still this one (0: there is none yet); `False` when it is not."""
        with self._store.write():
            held = self.get(name)
            if version != (held[1] if held else 0):
                return False
            row = {"name": name, "blob": blob, "version": version + 1}
            insert = TokenRow.insert(row).on_conflict(
                conflict_target=[TokenRow.name], preserve=[TokenRow.blob, TokenRow.version]
            )
            self._store.run(insert.as_rowcount())
        return True

    def alone(self, name: str) -> Turn:
        """The turn to renew what is under that name, among all processes that share the database."""
        return self._turn(f"tokens {name}")

    def delete(self, name: str) -> bool:
        """Forget the blob; `False` when there was none."""
        with self._store.write():
            return bool(self._store.run(TokenRow.delete().where(TokenRow.name == name)))

    def names(self) -> list[str]:
        """The names that have a blob, in order."""
        return self._store.column(TokenRow.select(TokenRow.name).order_by(TokenRow.name))
