"""Plain text set like a page: paragraphs of one width, columns that keep to themselves. Pure."""

import datetime as dt
import re
import textwrap
from collections.abc import Sequence
from itertools import zip_longest
from typing import Protocol

from notify.items import Anchor, Row


class Listed(Protocol):
    """A milestone of a list."""

    @property
    def payee(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def date(self) -> dt.date: ...
    @property
    def amount(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def who(self) -> str: ...
    @property
    def places(self) -> list[Anchor]: ...


WIDTH = 76
GAP = "  "
WIDEST = 25
GLUE = "\u00a0"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_WHOLE = re.compile(
    rf"\b\d{{1,2}} {_MONTH}(?: \d{{4}})?(?:, \d\d:\d\d(?: UTC)?)?"  # a date, with its time
    r"|\b[A-Z]{3} -?[\d,]+\.\d\d\b"  # an amount with the code of its currency
)


def glue(text: str) -> str:
    """The text with its dates and amounts held together, so that no line breaks within one."""
    return _WHOLE.sub(lambda found: found[0].replace(" ", GLUE), text)


def wrap(text: str, indent: int = 0) -> str:
    """The text as a paragraph; the lines after the first are indented.

    Dates and amounts stay whole, and so do long words and addresses.
    """
    margin = " " * indent
    filled = textwrap.fill(glue(text), WIDTH, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False)
    return filled.replace(GLUE, " ")


def columns(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> str:
    """The rows as columns as wide as their widest cell, but at most 25; longer cells go on below."""
    return "\n".join(_blocks(rows, right))


def sides(rows: Sequence[Row]) -> str:
    """Milestone and bill side by side, and behind them what differs."""
    if not any(row.theirs for row in rows):
        return columns([[row.name, row.ours] for row in rows])
    body = [[row.name, row.ours, row.theirs, "differs" if row.differs else ""] for row in rows]
    return columns([["", "Milestone", "Xero bill", ""], *body])


def figures(rows: Sequence[Row]) -> str:
    """What, how many, how much."""
    return columns([[row.name, row.ours, row.theirs] for row in rows], right=frozenset({1, 2}))


def listing(items: Sequence[Listed]) -> str:
    """Milestones one below the other: payee, key, date and amount, and where to look at each."""
    rows, below = [], []
    for item in items:
        rows.append([item.payee, item.key, _short(item.date), item.amount])
        below.append("")
        if item.note or item.who:
            rows.append([item.who, "", "", item.note])
            below.append("")
        below[-1] = "".join(f"\n  {link.label}: {link.url}" for link in item.places)
    return "\n".join(map("".join, zip(_blocks(rows, frozenset({3})), below, strict=True)))


def candidates(bills: Sequence[Sequence[str]]) -> str:
    """Bills one below the other: number, amount, date and state."""
    return columns([["Bill", "Amount", "Date and state"], *bills])


def anchors(links: Sequence[Anchor]) -> str:
    """Links with their labels in one column; an address is never broken."""
    width = max((len(link.label) for link in links), default=0) + 1
    return "\n".join(f"{link.label + ':':<{width}}  {link.url}" for link in links)


def tidy(text: str) -> str:
    """No spaces at the ends of lines, never more than one empty line, and one newline at the end."""
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines) + "\n"


def _blocks(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> list[str]:
    """Each row, set in columns; several lines where a cell is long."""
    cells = [[_pieces(cell) for cell in row] for row in rows]
    widths = [max(len(piece) for cell in column for piece in cell) for column in zip(*cells, strict=True)]
    return ["\n".join(_line(line, widths, right) for line in zip_longest(*row, fillvalue="")) for row in cells]


def _pieces(cell: str) -> list[str]:
    return [piece.replace(GLUE, " ") for piece in textwrap.wrap(glue(cell), WIDEST)] or [""]


def _line(line: Sequence[str], widths: Sequence[int], right: frozenset[int]) -> str:
    pairs = enumerate(zip(line, widths, strict=True))
    return GAP.join(f"{cell:>{w}}" if place in right else f"{cell:<{w}}" for place, (cell, w) in pairs).rstrip()


def _short(day: dt.date) -> str:
    return f"{day.day} {day:%b %Y}"
