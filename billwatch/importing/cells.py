"""One cell of a file into one value; what is not exact, or could mean two things, is refused."""

import datetime as dt
import json
import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from urllib.parse import urlsplit

from billwatch.organisation import SENSES
from reconciler.errors import InputError
from reconciler.model import Sense

LONGEST_KEY = 200
ISO = "yyyy-mm-dd"

_PLAIN_AMOUNT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{0,2})?")
_GROUPED_AMOUNT = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{0,2})?")
_EXACT_AMOUNT = re.compile(r"[0-9,]+\.[0-9]{3,}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_ADDRESS = re.compile(r"https?://[^\s/?#]+(?:[/?#]\S*)?")
_YES, _NO = frozenset({"true", "yes", "y", "1"}), frozenset({"false", "no", "n", "0", ""})
_JOINERS = "\u200c\u200d"
_EARLIEST, _LATEST = 1970, 2199


class Unusable(ValueError):
    """A cell that cannot be used; the words finish the sentence "this value …"."""


def text(longest: int) -> Callable[[str], str]:
    """A reader of texts of one line. Line breaks and other invisible characters in them become single spaces."""

    def read(cell: str) -> str:
        line = " ".join("".join(" " if _invisible(each) else each for each in cell).split())
        if len(line) > longest:
            raise Unusable(f"is {len(line)} characters long, but must have at most {longest}")
        return line

    return read


def key(cell: str) -> str:
    """A milestone's key, taken literally: nothing in it is changed but spaces around it."""
    if any(map(_invisible, cell)):
        raise Unusable("has a line break or another invisible character in it, which a key must not have")
    if len(cell) > LONGEST_KEY:
        raise Unusable(f"is {len(cell)} characters long, but must have at most {LONGEST_KEY}")
    return cell


def amount(cell: str) -> Decimal:
    """An exact amount of at most two decimals. Commas may group thousands where that cannot be misread."""
    if cell.startswith(("-", "\u2212", "(")):
        raise Unusable("is negative, but must be 0 or more")
    if _EXACT_AMOUNT.fullmatch(cell):
        raise Unusable("has more than two decimals")
    if re.fullmatch(r"[0-9]{1,3},[0-9]{3}", cell):
        raise Unusable(f"can be read in two ways; write {cell.replace(',', '')} or {cell}.00")
    digits = cell.replace(",", "") if _GROUPED_AMOUNT.fullmatch(cell) else cell
    if not _PLAIN_AMOUNT.fullmatch(digits):
        raise Unusable("is not an amount such as 1234.50 or 1,234.50, in digits alone and below 1,000,000,000,000")
    return Decimal(digits).quantize(Decimal("0.01"))


def dates(form: str) -> Callable[[str], dt.date]:
    """A reader of dates of that form: `dd`, `mm` and `yyyy` in any order, `d` and `m` without a leading zero too."""
    pattern = _date_pattern(form)

    def read(cell: str) -> dt.date:
        found = pattern.fullmatch(cell)
        if not found:
            raise Unusable(f"is not a date of the form {form}")
        return _day(int(found["y"]), int(found["m"]), int(found["d"]))

    return read


def _date_pattern(form: str) -> re.Pattern[str]:
    pieces = re.split(r"(yyyy|mm?|dd?)", form)
    parts = {"yyyy": "(?P<y>[0-9]{4})", "mm": "(?P<m>[0-9]{2})", "m": "(?P<m>[0-9]{1,2})"}
    parts |= {"dd": "(?P<d>[0-9]{2})", "d": "(?P<d>[0-9]{1,2})"}
    between = "".join(pieces[0::2])
    if sorted(piece[0] for piece in pieces[1::2]) != ["d", "m", "y"] or re.search(r"\w", between):
        raise InputError(f'"{form}" is not a form of dates; use dd, mm and yyyy once each, such as dd/mm/yyyy.')
    return re.compile("".join(parts.get(piece) or re.escape(piece) for piece in pieces))


def _day(year: int, month: int, day: int) -> dt.date:
    if not _EARLIEST <= year <= _LATEST:
        raise Unusable(f"is not a date between {_EARLIEST} and {_LATEST}")
    try:
        return dt.date(year, month, day)
    except ValueError:
        raise Unusable("is a date that does not exist") from None


def sense(cell: str) -> Sense:
    """How the amount relates to tax."""
    found = SENSES.get(cell.lower())
    if found is None:
        raise Unusable(f"is not one of {', '.join(SENSES)}")
    return found


def currency(cell: str) -> str:
    """A currency code."""
    if not re.fullmatch(r"[A-Za-z]{3}", cell):
        raise Unusable("is not a currency code of three letters such as NZD")
    return cell.upper()


def uuid(cell: str) -> str:
    """One of Xero's ids."""
    if not _UUID.fullmatch(cell.lower()):
        raise Unusable("is not an id of Xero's such as 45e4708e-d862-4111-ab3a-dd8cd03913e1")
    return cell.lower()


def stages(cell: str) -> frozenset[str]:
    """The stages that a milestone has reached, separated by commas, semicolons or spaces."""
    found = frozenset(listed(cell) or re.split(r"[,;\s]+", cell.strip(" ,;"))) - {""}
    if not all(map(_SLUG.fullmatch, found)):
        raise Unusable("is not a list of stages in lower-case letters, digits and hyphens, such as approved")
    return found


def listed(cell: str) -> list[str]:
    """The texts of a list in JSON; none when the cell is no list."""
    if not cell.startswith("["):
        return []
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(each, str) and each.strip() for each in found):
        raise Unusable('begins like a list in JSON, but is not one of texts, such as ["a", "b"]')
    return [each.strip() for each in found]


def truth(cell: str) -> bool:
    """A yes or a no."""
    word = cell.lower()
    if word not in _YES | _NO:
        raise Unusable("is neither yes nor no")
    return word in _YES


def link(cell: str) -> str:
    """The address of a page."""
    if not _ADDRESS.fullmatch(cell) or any(map(_invisible, cell)) or len(cell) > 2000 or not _parses(cell):
        raise Unusable("is not an address such as https://grants.example.org/m/1")
    return cell


def _parses(address: str) -> bool:
    try:
        urlsplit(address)
    except ValueError:
        return False
    return True


def _invisible(character: str) -> bool:
    category = unicodedata.category(character)
    return (category in ("Cc", "Cf", "Zl", "Zp")) and character not in _JOINERS
