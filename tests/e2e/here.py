"""Commands that work in a world's own house."""

import contextlib
from pathlib import Path
from typing import Any

from world import KEY

from billwatch.cli.session import Session


class Here(Session):
    """A session in the world's own house, which stays open."""

    def __init__(self, world: Any) -> None:
        super().__init__(Path("billwatch.toml"))
        self._world = world

    def organisation(self, key: str = "") -> Any:
        return self._world.house.config.settings(key or KEY)

    def house(self) -> Any:
        return contextlib.nullcontext(self._world.house)
