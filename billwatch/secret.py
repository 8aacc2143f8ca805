"""Secrets, by reference: the configuration says where one is kept, and only `reveal` fetches it.

A `Secret` never holds the value, so no log, repr or error can show it.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path

from reconciler.errors import ConfigurationError

FORM = '"env:NAME" or "file:path"'
_REFERENCE = re.compile(r"env:(?P<env>[A-Za-z_][A-Za-z0-9_]*)|file:(?P<file>\S(?:.*\S)?)")
_FEWEST_BYTES = 32
_FEWEST_DIFFERENT = 10
_LARGEST_FILE = 64 * 1024


class Secret:
    """Where a secret is kept: `env:NAME`, or `file:path` relative to the configuration file."""

    __slots__ = ("_base", "_environ", "reference")

    def __init__(self, reference: str, base: Path, environ: Mapping[str, str]) -> None:
        if not _REFERENCE.fullmatch(reference):
            raise ValueError(FORM)
        self.reference = reference
        self._base = base
        self._environ = environ

    def __repr__(self) -> str:
        return f"Secret({self.reference})"

    def reveal(self) -> str:
        """The secret itself, fetched now. Raises ConfigurationError when it is not there."""
        place, value = self._fetch()
        if not value:
            raise ConfigurationError(f"The {place}.")
        return value

    @property
    def file(self) -> Path | None:
        """The file that holds it; `None` for one from the environment."""
        kind, _, name = self.reference.partition(":")
        return self._base / name if kind == "file" else None

    def _fetch(self) -> tuple[str, str]:
        kind, _, name = self.reference.partition(":")
        if kind == "env":
            value = self._environ.get(name, "").strip()
            return f"environment variable {name} is not set or empty", value
        return _read(self._base / name)


def _read(path: Path) -> tuple[str, str]:
    try:
        with path.open("rb") as file:
            value = file.read(_LARGEST_FILE).decode().strip()
    except OSError as error:
        return f"file {path} cannot be read ({(error.strerror or 'unreadable').lower()})", ""
    except (UnicodeDecodeError, ValueError):
        return f"file {path} does not hold text", ""
    return f"file {path} is empty", value


def encryption_flaw(value: str) -> str:
    """Why a value cannot be an encryption key; empty when it can. The form is that of Fernet."""
    try:
        raw = base64.urlsafe_b64decode(value.encode())
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) == _FEWEST_BYTES:
        return ""
    return 'does not hold an encryption key (32 random bytes in URL-safe base64, as "billwatch init" makes them)'


def link_key_flaw(value: str) -> str:
    """Why a value cannot be a link key; empty when it can."""
    if len(value.encode()) >= _FEWEST_BYTES and len(set(value)) >= _FEWEST_DIFFERENT:
        return ""
    return 'does not hold a link key (at least 32 random bytes, as "billwatch init" makes them)'


def no_flaw(_value: str) -> str:
    """For secrets whose form only the other side knows."""
    return ""
