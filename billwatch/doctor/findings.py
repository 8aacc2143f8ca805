"""What a check can find, and what would mend it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: nothing works that a FAILED check stands for, a WARNING is worth knowing."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check in plain words; `mend` says what to do about anything that is not ok."""

    level: Level
    words: str
    mend: str = ""


def ok(words: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, words)


def warning(words: str, mend: str) -> Finding:
    """It works, but not as well as it could."""
    return Finding(Level.WARNING, words, mend)


def failed(words: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(Level.FAILED, words, mend)
