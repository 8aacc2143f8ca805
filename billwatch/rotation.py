"""Exchanging keys while the daemon runs: a fresh one is put in front, what is sealed is sealed anew, old ones leave.

Whoever holds keys (`billwatch.secret.KeyRing`) reads them again when their file changes, so the order keeps every
moment whole: nobody uses the new key before all can open what it seals, and no key leaves before nothing needs it.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import InvalidToken

from billwatch.secret import Secret
from reconciler.errors import InputError
from reconciler.xero.tokens import Seal
from storage.tokens import Tokens

TRIES = 5


def put_first(kind: str, secrets: Sequence[Secret], fresh: str) -> Path:
    """Put a key in front of all others of its kind, in the first place named; that place.

    Raises InputError when that place is not a file, or holds the key already.
    """
    path = _file(kind, secrets)
    keys = secrets[0].every()
    if fresh in keys:
        raise InputError(f"That key is in {path} already.")
    _write(path, [fresh, *keys])
    return path


def keep_first(kind: str, secrets: Sequence[Secret]) -> tuple[Path, int]:
    """Let go of all keys in the first place but the newest; that place, and how many went. Raises InputError."""
    path = _file(kind, secrets)
    newest, *older = secrets[0].every()
    if older:
        _write(path, [newest])
    return path, len(older)


def reseal(tokens: Tokens, seal: Seal) -> tuple[int, list[str]]:
    """Seal every stored token with the newest key; how many were, and the names of those that no key opens.

    A token that a running daemon renews meanwhile is taken up again, since of two writers only one is believed.
    """
    done, closed = 0, []
    for name in tokens.names():
        try:
            done += _reseal(tokens, seal, name)
        except InvalidToken:
            closed.append(name)
    return done, closed


def _reseal(tokens: Tokens, seal: Seal, name: str) -> bool:
    for _ in range(TRIES):
        held = tokens.get(name)
        if held is None or seal.newest(held[0]):
            return False
        if tokens.put(name, seal.encrypt(seal.decrypt(held[0])), held[1]):
            return True
    raise InputError(f"The tokens of {name} change all the time; try again in a minute.")


def _file(kind: str, secrets: Sequence[Secret]) -> Path:
    first = secrets[0] if secrets else None
    if first is None or first.file is None:
        place = first.reference if first else "nowhere yet"
        raise InputError(
            f"The newest of the keys for {kind} is kept at {place}, which billwatch cannot change. Name a newer one"
            ' before it in the configuration, restart, then run "billwatch keys reseal".'
        )
    return first.file


def _write(path: Path, keys: Sequence[str]) -> None:
    """Replace the file in one step, for its owner alone, and have it on the disk before anything relies on it."""
    handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("".join(f"{key}\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        _same_owner(made, path)
    Path(made).replace(path)


def _same_owner(made: str, path: Path) -> None:
    """Keep owner and mode: root may rotate the keys of a service that runs as somebody else."""
    found = path.stat()
    Path(made).chmod(found.st_mode & 0o777)
    if hasattr(os, "chown"):
        os.chown(made, found.st_uid, found.st_gid)
