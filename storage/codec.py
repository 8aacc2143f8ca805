"""Values of the model as JSON text, and back: the same value, whichever process or release wrote it.

Decimals and dates are strings, sets are sorted, so that equal values have equal text.
"""

import hashlib
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec import structs

from reconciler.errors import StorageError

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

_ENCODER = msgspec.json.Encoder(order="deterministic")


def encode(value: object) -> str:
    """The value as JSON text."""
    return _ENCODER.encode(value).decode()


@lru_cache
def reader(kind: Hashable, *, few: bool = True) -> Callable[[str], Any]:
    """What makes values of that type of the texts which `encode` made of them; raises `StorageError` for other texts.

    Where most values are one of a `few`, those read last are remembered: the same text gives the very same value,
    which nobody can change. For texts that are hardly ever the same, remembering costs more than reading.
    """
    decoded = msgspec.json.Decoder(kind).decode

    def read(text: str) -> Any:
        try:
            return decoded(text)
        except msgspec.MsgspecError as error:
            raise StorageError(f"The database holds a value that cannot be read: {error}.") from error

    return lru_cache(maxsize=512)(read) if few else read


def fingerprint(value: object) -> str:
    """A short text that two values share only when they are equal."""
    return hashlib.sha256(_ENCODER.encode(value)).hexdigest()


def columns(value: msgspec.Struct) -> dict[str, Any]:
    """The attributes of a value by name, as they go into the columns of the same names."""
    return structs.asdict(value)


def build(kind: type[S], row: dict[str, Any]) -> S:
    """The value whose attributes stand in the columns of the same names."""
    return kind(*[row[name] for name in kind.__struct_fields__])
