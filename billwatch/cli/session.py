"""What commands share: the configuration, read once when first asked for, and the ledger."""

import datetime as dt
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.errors import InputError

if TYPE_CHECKING:
    from billwatch.config import Config
    from billwatch.organisation import Organisation
    from billwatch.wiring import House
    from storage.ledger import Ledger


class Session:
    """One run of the command line. `path` is the configuration file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def config(self) -> "Config":
        """The configuration; its secrets need not be there. Raises ConfigurationError."""
        from billwatch.config import load

        return load(self.path, secrets=False)

    def complete(self) -> "Config":
        """The configuration with every secret seen to be there. Raises ConfigurationError."""
        self.config.check_secrets(str(self.path))
        return self.config

    def organisation(self, key: str = "") -> "Organisation":
        """The settings of that organisation; without a key, of the only one. Raises InputError."""
        every = self.config.organisation
        if not key and len(every) > 1:
            raise InputError(f"Say which organisation with --organisation: {', '.join(each.key for each in every)}.")
        return self.config.settings(key or every[0].key)

    def keys(self, key: str = "") -> list[str]:
        """The key of that organisation; without one, those of all. Raises InputError."""
        return [self.organisation(key).key] if key else [each.key for each in self.config.organisation]

    def ledger(self) -> "Ledger":
        """The ledger, to be closed by whoever asks; made when there is none yet. Raises StorageError."""
        from billwatch.logs import quiet_by_default
        from storage.ledger import Ledger

        # Commands speak for themselves: a line of the log between theirs would spoil what they print as JSON.
        quiet_by_default()
        prefixes = {each.key: each.number_prefix for each in self.config.organisation}
        return Ledger.open(self.config.storage.place(), prefixes=prefixes)

    def view(self) -> "Ledger":
        """The ledger for commands that only look: one that cannot be written is opened for reading alone."""
        from storage.database import view_store, writable
        from storage.ledger import Ledger

        url = self.config.storage.place()
        return self.ledger() if writable(url) else Ledger(view_store(url))

    def house(self) -> "House":
        """Everything put together, to be closed by whoever asks. Raises ConfigurationError or StorageError."""
        from billwatch.logs import quiet_by_default
        from billwatch.wiring import House

        quiet_by_default()
        return House(self.complete())

    def now(self) -> dt.datetime:
        """The present moment, in UTC."""
        return dt.datetime.now(dt.UTC)


pass_session = click.make_pass_decorator(Session)
