"""Text from outside, made harmless: one line, no control characters, and its direction kept to itself.

Names come from applicants, bills and contacts; any of them may hold newlines, markup or right-to-left text.
"""

import unicodedata
from enum import Enum
from typing import TypeVar, cast
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import asdict, replace

from reconciler.model import NEW_CONTACT

T = TypeVar("T")

ISOLATE, POP = "\u2068", "\u2069"
LONGEST = 200
JOINERS = "\u200c\u200d"
RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
SPACES = frozenset({"Cc", "Zl", "Zp", "Zs"})
DROPPED = frozenset({"Cf", "Cs", "Co", "Cn"})


def plain(value: str, longest: int = LONGEST) -> str:
    """The text on one line without anything invisible, cut to length."""
    kept = "".join(_harmless(character) for character in value[: 4 * longest])
    return clip(" ".join(kept.split()), longest)


def clip(text: str, longest: int) -> str:
    """The text, or its beginning and an ellipsis when it is longer."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def line(value: str, longest: int = LONGEST) -> str:
    """The text as `plain` has it; right-to-left text is isolated so that it cannot reorder its neighbours."""
    text = plain(value, longest)
    return isolated(text)


def isolated(text: str) -> str:
    """Right-to-left text between isolates (Unicode Annex 9, section 2.4); other text as it is."""
    if any(unicodedata.bidirectional(character) in RIGHT_TO_LEFT for character in text):
        return f"{ISOLATE}{text}{POP}"
    return text


def scrub(value: T) -> T:
    """The value with every text inside it as `line` has it; takes texts, tuples and dataclasses."""
    # Every branch of it gives back what it was given, which a type cannot say.
    return cast("T", _scrub(value))


def web_address(url: str) -> str:
    """The address, if it is one of the web that may stand in a mail as it is; else nothing."""
    if (
        not url.isascii()
        or len(url) > 2000
        or any(not "!" <= character <= "~" or character in '<>"' for character in url)
    ):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""


def _harmless(character: str) -> str:
    category = unicodedata.category(character)
    if category in SPACES:
        return " "
    return "" if category in DROPPED and character not in JOINERS else character


def _scrub(value: object) -> object:
    if isinstance(value, str):
        return value if isinstance(value, Enum) else _scrub_text(value)
    if isinstance(value, tuple):
        return tuple(_scrub(part) for part in value)
    if isinstance(value, Struct):
        return replace(value, **{name: _scrub(each) for name, each in asdict(value).items()})
    return value


def _scrub_text(value: str) -> str:
    # The mark of a payee that Xero does not know yet must stay in front of the isolate, or it is not recognised.
    mark = NEW_CONTACT if value.startswith(NEW_CONTACT) else ""
    return mark + line(value.removeprefix(mark))
