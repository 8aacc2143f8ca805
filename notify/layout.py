"""Plain text set like a page: paragraphs of one width, columns that keep to themselves. Pure."""

import re
import textwrap
from collections.abc import Sequence
from itertools import zip_longest

from notify.items import Anchor, Item, Row

WIDTH = 76
GAP = "  "
WIDEST = 25


def wrap(text: str, indent: int = 0) -> str:
    """The text as a paragraph; the lines after the first are indented. Long words and addresses stay whole."""
    return textwrap.fill(text, WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)


def columns(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> str:
    """The rows as columns as wide as their widest cell, but at most 25; longer cells go on below."""
    cells = [[textwrap.wrap(cell, WIDEST) or [""] for cell in row] for row in rows]
    widths = [max(len(piece) for cell in column for piece in cell) for column in zip(*cells, strict=True)]
    lines = [line for row in cells for line in zip_longest(*row, fillvalue="")]
    return "\n".join(GAP.join(_set(line, widths, right)).rstrip() for line in lines)


def sides(rows: Sequence[Row]) -> str:
    """Milestone and bill side by side, and behind them what differs."""
    if not any(row.theirs for row in rows):
        return columns([[row.name, row.ours] for row in rows])
    body = [[row.name, row.ours, row.theirs, "differs" if row.differs else ""] for row in rows]
    return columns([["", "Milestone", "Xero bill", ""], *body])


def listing(items: Sequence[Item]) -> str:
    """Milestones one below the other: payee, key, date and amount."""
    rows = []
    for item in items:
        rows.append([item.payee, item.key, _short(item), item.amount])
        if item.note or item.who:
            rows.append([item.who, "", "", item.note])
    return columns(rows, right=frozenset({3}))


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


def _set(line: Sequence[str], widths: Sequence[int], right: frozenset[int]) -> list[str]:
    pairs = enumerate(zip(line, widths, strict=True))
    return [f"{cell:>{width}}" if place in right else f"{cell:<{width}}" for place, (cell, width) in pairs]


def _short(item: Item) -> str:
    return f"{item.date.day} {item.date:%b %Y}"
