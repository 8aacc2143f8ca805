"""What commands share: the configuration, read once when first asked for."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from billwatch.config import Config


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


pass_session = click.make_pass_decorator(Session)
