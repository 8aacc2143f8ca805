"""Names as people write them, made comparable."""

import re
import unicodedata

_GENERATION = re.compile(r"(.+)-[1-9][0-9]*", re.DOTALL)


def fold(name: str) -> str:
    """The name without regard to case, width of spaces, or the way in which accents are composed."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())


def keys_of(number: str, prefix: str) -> set[str]:
    """The keys of the milestones that a bill of this number may belong to."""
    if not number.startswith(prefix):
        return set()
    key = number.removeprefix(prefix)
    again = _GENERATION.fullmatch(key)
    return {key, again[1]} if again else {key}
