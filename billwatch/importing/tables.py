"""A file into rows of text with their line numbers: CSV with any delimiter, or JSON lines."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.errors import InputError

DELIMITERS = ",;\t|"
JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True, slots=True)
class Row:
    """A row by column. `line` is the line of the file on which it begins, from 1; `flaw` why it cannot be used."""

    line: int
    cells: dict[str, str]
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, and the columns that it has."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path, delimiter: str = "") -> Table:
    """Read the file. Raises InputError when it cannot be read as a whole."""
    if len(delimiter) > 1 or delimiter in ('"', "\r", "\n"):
        raise InputError(f"{delimiter!r} cannot be the delimiter; it is one character, such as a semicolon or a tab.")
    content = _decoded(path)
    if path.suffix.lower() in JSON_SUFFIXES:
        return _json_lines(content)
    return _csv(content, path.name, delimiter)


def _decoded(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f'{path} is not UTF-8 text (line {line}); save it as "CSV UTF-8".') from None


def _csv(content: str, name: str, delimiter: str) -> Table:
    records = _records(content, name, delimiter or _sniffed(content))
    _, heading = next(records, (1, []))
    columns = tuple(column.strip() for column in heading)
    if not any(columns):
        raise InputError(f"{name} has no line of column names.")
    for column in columns:
        if column and columns.count(column) > 1:
            raise InputError(f'{name} has two columns named "{column}".')
    return Table(columns, tuple(_row(line, columns, cells) for line, cells in records if any(cells)))


def _records(content: str, name: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Records with the line on which each begins; one in quotes may span several."""
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{name}, line {line}: the row cannot be read as CSV ({error}).") from None


def _row(line: int, columns: tuple[str, ...], cells: list[str]) -> Row:
    flaw = ""
    if len(cells) != len(columns):
        flaw = f"the row has {len(cells)} cells, but there are {len(columns)} columns"
    return Row(line, dict(zip(columns, cells, strict=False)), flaw)


def _sniffed(content: str) -> str:
    """The delimiter that splits the line of column names into the most."""
    heading = content.partition("\n")[0]
    return max(DELIMITERS, key=heading.count)


def _json_lines(content: str) -> Table:
    rows = tuple(_json_row(at, line) for at, line in enumerate(content.split("\n"), 1) if line.strip())
    return Table(tuple(dict.fromkeys(column for row in rows for column in row.cells)), rows)


def _json_row(line: int, content: str) -> Row:
    try:
        # Numbers stay the text that they are, so that no amount passes through a float.
        pairs = json.loads(content, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_Pairs)
        if not isinstance(pairs, _Pairs):
            return Row(line, {}, "the line is not a JSON object")
        cells = {name: _cell(value) for name, value in pairs}
    except (ValueError, RecursionError) as error:
        return Row(line, {}, str(error) if isinstance(error, _NotACell) else "the line is not readable as JSON")
    if len(cells) < len(pairs):
        return Row(line, {}, "the line names a column twice")
    return Row(line, cells)


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON with every name as written, repeated ones included."""


class _NotACell(ValueError):
    """A value that no column can hold."""


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case list() if not isinstance(value, _Pairs) and all(isinstance(each, str) for each in value):
            return json.dumps(value, ensure_ascii=False) if value else ""
    raise _NotACell("a value of the line is an object or a list of other things than texts")
