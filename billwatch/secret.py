"""Secrets, by reference: the configuration says where one is kept, and only `reveal` fetches it.

A `Secret` never holds the value, so no log, repr or error can show it. A place may hold several keys of one kind,
newest first, one to a line: so a key can be exchanged while the daemon runs.
"""

import base64
import binascii
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import overload

from receiver.signature import SigningKey
from reconciler.callers import hook_key
from reconciler.errors import ConfigurationError

FORM = '"env:NAME" or "file:path"'
_REFERENCE = re.compile(r"env:(?P<env>[A-Za-z_][A-Za-z0-9_]*)|file:(?P<file>\S(?:.*\S)?)")
_FEWEST_BYTES = 32
_FEWEST_DIFFERENT = 10
_LARGEST_FILE = 64 * 1024
_OTHERS = 0o007


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

    def every(self) -> tuple[str, ...]:
        """Every key in that place, newest first, fetched now. Raises ConfigurationError when there is none."""
        return tuple(filter(None, map(str.strip, self.reveal().splitlines())))

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


class KeyRing(Sequence[str]):
    """The keys of one kind from all their places, newest first; read again whenever a file of theirs changes.

    A file that cannot be read any more leaves the keys as they were.
    """

    def __init__(self, secrets: Sequence[Secret]) -> None:
        self._secrets = secrets
        self._files = [secret.file for secret in secrets if secret.file is not None]
        self._seen = self._state()
        self._keys = self._fetch()

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(secret.reference for secret in self._secrets)})"

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...
    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        return self.now()[at]

    def __len__(self) -> int:
        return len(self.now())

    def now(self) -> tuple[str, ...]:
        """The keys as they are now."""
        state = self._state()
        if state != self._seen:
            with suppress(ConfigurationError):
                self._keys, self._seen = self._fetch(), state
        return self._keys

    def _fetch(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(key for secret in self._secrets for key in secret.every()))

    def _state(self) -> list[tuple[int, int, int] | None]:
        return [_identity(file) for file in self._files]


class SigningKeys(Sequence[SigningKey]):
    """The keys of webhooks, each under the name of the place where it is kept; read again as a `KeyRing` is."""

    def __init__(self, secrets: Sequence[Secret]) -> None:
        self._rings = {secret.reference: KeyRing([secret]) for secret in secrets}
        self._seen: list[tuple[str, ...]] = []
        self._keys: tuple[SigningKey, ...] = ()

    @overload
    def __getitem__(self, at: int) -> SigningKey: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[SigningKey]: ...
    def __getitem__(self, at: int | slice) -> SigningKey | Sequence[SigningKey]:
        return self._now()[at]

    def __iter__(self) -> Iterator[SigningKey]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def _now(self) -> tuple[SigningKey, ...]:
        now = [ring.now() for ring in self._rings.values()]
        if now != self._seen:
            named = zip(self._rings, now, strict=True)
            self._seen, self._keys = now, tuple(SigningKey(name, key) for name, keys in named for key in keys)
        return self._keys


def _identity(path: Path) -> tuple[int, int, int] | None:
    """What tells that a file was written anew; `None` for none."""
    with suppress(OSError):
        found = path.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size
    return None


def open_to_others(path: Path) -> bool:
    """Whether a file's mode lets others on this machine read or change it; Windows keeps no such mode."""
    with suppress(OSError):
        return os.name == "posix" and bool(path.stat().st_mode & _OTHERS)
    return False


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


def hook_flaw(value: str) -> str:
    """Why a value is no secret of an endpoint; empty when it is one."""
    try:
        hook_key(value)
    except ValueError:
        return 'does not hold a secret of Standard Webhooks ("whsec_…", as "billwatch hooks secret" makes them)'
    return ""


def no_flaw(_value: str) -> str:
    """For secrets whose form only the other side knows."""
    return ""
