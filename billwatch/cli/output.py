"""What commands print: tables that fit the terminal, JSON, progress. Values from outside lose what could steer a
terminal.
"""

import shutil
import sys
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import click
import msgspec

GAP = "  "
_NARROWEST = 8
_WIDEST = 10_000

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def echo_json(value: Any) -> None:
    """Print a value as JSON; amounts are strings, so that they stay exact."""
    click.echo(msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=2).decode())


def echo_table(
    heading: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[int] = (), err: bool = False
) -> None:
    """Print rows under a heading; columns whose index is in `right` are aligned to the right.

    On a terminal, long cells are cut so that a row fits on a line; elsewhere nothing is cut.
    """
    stream = sys.stderr if err else sys.stdout
    width = shutil.get_terminal_size().columns if stream.isatty() else _WIDEST
    for line in table(heading, rows, width, right):
        click.echo(line, err=err)


def table(
    heading: Sequence[str], rows: Iterable[Sequence[str]], width: int, right: Collection[int] = ()
) -> Iterator[str]:
    """The lines of a table of at most that width."""
    cells = [[plain(cell) for cell in row] for row in (heading, *rows)]
    widths = _fitted([max(map(_wide, column)) for column in zip(*cells, strict=True)], width)
    for row in cells:
        placed = (_placed(cell, widths[at], at in right) for at, cell in enumerate(row))
        yield GAP.join(placed).rstrip()


def plain(text: str) -> str:
    """A text without anything that a terminal would act upon."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def progress(steps: Iterable[tuple[int, Any]], length: int, label: str) -> Iterator[Any]:
    """What `steps` yields, with a progress bar on stderr when that is a terminal; each step says how far it came."""
    if not sys.stderr.isatty():
        yield from (value for _, value in steps)
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        for advanced, value in steps:
            bar.update(advanced)
            yield value


def _fitted(widths: list[int], width: int) -> list[int]:
    """Take from the widest column until all fit, as long as columns stay readable."""
    while sum(widths) + len(GAP) * (len(widths) - 1) > width and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _placed(cell: str, width: int, right: bool) -> str:
    cut = cell
    while _wide(cut) > width:
        cut = f"{cut.removesuffix('…')[:-1]}…"
    space = " " * (width - _wide(cut))
    return f"{space}{cut}" if right else f"{cut}{space}"


def _wide(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else not unicodedata.combining(each) for each in text)
