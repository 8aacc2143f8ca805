"""Rows of a file into milestones. Nothing here writes; a row is either wholly usable or reported."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from billwatch.complaints import nearest
from billwatch.importing import cells
from billwatch.importing.cells import ISO, Unusable
from billwatch.importing.papers import documents
from billwatch.importing.tables import Row, Table, read_table
from reconciler.errors import InputError
from reconciler.model import Links, Milestone

REQUIRED = ("key", "title", "payee", "amount", "date")
LINKS = ("link_milestone", "link_application", "link_contract")
TRACKING = "tracking:"
UNUSED = "-"
NEARLY = 0.88
OPTIONAL = ("currency", "due_date", "description", "contact_id", "stages", "cancelled", "account", "tax", "amounts_are")
BILL = "bill_id"
DOCUMENTS = "documents"
FIELDS = (*REQUIRED, *OPTIONAL, BILL, *LINKS, DOCUMENTS, f"{TRACKING}CATEGORY")

Reader = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a file. `stage` is what milestones without stages of their own have reached; empty for none.

    `document_hosts` are those that links to documents may lead to; `None` allows any.
    """

    organisation: str
    stage: str = "approved"
    date_format: str = ISO
    delimiter: str = ""
    document_hosts: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be used: its line in the file, the column and value at fault, and why."""

    line: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportFile:
    """What a file says: its milestones in their order, the bill ids that some came with by key, and the rejects.

    `changed` lists texts of which invisible characters or line breaks were made spaces, as (line, column); `unused`
    the columns that say nothing to us.
    """

    milestones: tuple[Milestone, ...]
    bill_ids: dict[str, str]
    rejected: tuple[Rejected, ...]
    changed: tuple[tuple[int, str], ...] = ()
    unused: tuple[str, ...] = ()


@dataclass(slots=True)
class _Read:
    """A row read so far."""

    line: int
    values: dict[str, Any]
    rejected: list[Rejected]
    changed: list[tuple[int, str]]


def read_rows(path: Path, mapping: Mapping[str, str], options: Options) -> ImportFile:
    """Read a file; `mapping` names the field of a column. Columns that are named like a field map by themselves.

    Raises InputError when the file as a whole, the mapping or an option is not usable.
    """
    table = read_table(path, options.delimiter)
    columns = _columns(table, mapping, path.name)
    stage = frozenset[str]() if "stages" in columns else _stage(options.stage)
    readers = _readers(options.date_format) | {DOCUMENTS: documents(path.absolute().parent, options.document_hosts)}
    read = [_read(row, columns, readers) for row in table.rows]
    for field in ("key", "bill_id"):
        _refuse_repeats(read, field, columns.get(field, field))
    good = [row for row in read if not row.rejected]
    return ImportFile(
        milestones=tuple(_milestone(row.values, options.organisation, stage) for row in good),
        unused=tuple(column for column in table.columns if column and column not in columns.values()),
        bill_ids={row.values["key"]: row.values["bill_id"] for row in good if row.values.get("bill_id")},
        rejected=tuple(each for row in read for each in row.rejected),
        changed=tuple(each for row in read for each in row.changed),
    )


def _stage(name: str) -> frozenset[str]:
    try:
        return cells.stages(name)
    except Unusable as flaw:
        raise InputError(f'The stage "{name}" {flaw}.') from None


def _columns(table: Table, mapping: Mapping[str, str], name: str) -> dict[str, str]:
    """The column of every field that has one."""
    columns: dict[str, str] = {}
    if not table.columns:
        if all(row.flaw for row in table.rows):
            return columns
        raise InputError(f"{name} names no fields; a milestone needs {', '.join(REQUIRED)}.")
    for column, field in mapping.items():
        if column not in table.columns:
            raise InputError(f'{name} has no column "{column}"; {nearest(column, table.columns)}')
        if field == UNUSED:
            continue
        if not _known(field):
            raise InputError(f'"{field}" is not a field of milestones; {nearest(field, FIELDS)}')
        if field in columns:
            raise InputError(f'The columns "{columns[field]}" and "{column}" are both mapped to {field}.')
        columns[field] = column
    columns = _own([column for column in table.columns if column not in mapping], name) | columns
    _refuse_near_misses([c for c in table.columns if c not in mapping and c not in columns.values()], columns)
    for field in REQUIRED:
        if field not in columns:
            left = [each for each in table.columns if each not in columns.values()] or table.columns
            mend = f'add --map "COLUMN={field}", where COLUMN is one of {", ".join(left)}'
            raise InputError(f"No column of {name} is mapped to {field}; {mend}.")
    return columns


def _own(unmapped: Iterable[str], name: str) -> dict[str, str]:
    """The columns that are named like a field, however they are spelt."""
    own: dict[str, str] = {}
    for column in unmapped:
        field = _spelt(column)
        if not _known(field):
            continue
        if field in own:
            raise InputError(
                f'{name} has two columns for {field}, "{own[field]}" and "{column}"; '
                f'leave one out with --map "{column}={UNUSED}".'
            )
        own[field] = column
    return own


def _spelt(column: str) -> str:
    """A column's name as fields are spelt: "Due Date" is due_date. A tracking category keeps its own spelling."""
    if column.lower().startswith(TRACKING):
        return TRACKING + column[len(TRACKING) :].strip()
    return re.sub(r"[\s-]+", "_", column.strip().lower())


def _refuse_near_misses(unused: Iterable[str], columns: Mapping[str, str]) -> None:
    """A column that is nearly named like a field is more likely than not meant for it."""
    for column in unused:
        near = get_close_matches(column.strip().lower(), [f for f in FIELDS[:-1] if f not in columns], 1, NEARLY)
        if near:
            raise InputError(
                f'The column "{column}" is not used. Is it "{near[0]}"? Add --map "{column}={near[0]}", or '
                f'--map "{column}={UNUSED}" to leave it out.'
            )


def _known(field: str) -> bool:
    return field in FIELDS[:-1] or (field.startswith(TRACKING) and len(field) > len(TRACKING))


def _readers(date_format: str) -> dict[str, Reader]:
    date, name = cells.dates(date_format), cells.text(255)
    return {
        "key": cells.key,
        "title": name,
        "payee": name,
        "amount": cells.amount,
        "date": date,
        "currency": cells.currency,
        "due_date": date,
        "description": cells.text(4000),
        "contact_id": cells.uuid,
        "stages": cells.stages,
        "cancelled": cells.truth,
        "account": cells.text(10),
        "tax": cells.text(50),
        "amounts_are": cells.sense,
        "bill_id": cells.uuid,
    } | dict.fromkeys(LINKS, cells.link)


def _read(row: Row, columns: Mapping[str, str], readers: Mapping[str, Reader]) -> _Read:
    read = _Read(row.line, {}, [], [])
    if row.flaw:
        read.rejected.append(Rejected(row.line, "", "", row.flaw))
        return read
    for field, column in columns.items():
        _take(read, field, column, row.cells.get(column, ""), readers.get(field, _tracking_option))
    return read


_tracking_option = cells.text(100)


def _take(read: _Read, field: str, column: str, cell: str, reader: Reader) -> None:
    cell = cell.strip()
    if not cell:
        if field in REQUIRED:
            read.rejected.append(Rejected(read.line, column, "", "is empty, but is needed"))
        return
    try:
        cell.encode()
        value = reader(cell)
    except UnicodeEncodeError:
        read.rejected.append(Rejected(read.line, column, ascii(cell)[1:-1], "is not valid Unicode"))
    except Unusable as flaw:
        read.rejected.append(Rejected(read.line, column, cell, str(flaw)))
    else:
        read.values[field] = value
        if isinstance(value, str) and re.sub(r" +", " ", cell).casefold() != value.casefold():
            read.changed.append((read.line, column))


def _refuse_repeats(read: Iterable[_Read], field: str, column: str) -> None:
    """A key (or bill) that is on several lines: which of them is right cannot be known, so none is taken."""
    rows: dict[str, list[_Read]] = defaultdict(list)
    for row in read:
        if value := row.values.get(field):
            rows[value].append(row)
    for value, same in rows.items():
        for row in same if len(same) > 1 else ():
            others = ", ".join(str(other.line) for other in same if other is not row)
            row.rejected.append(Rejected(row.line, column, value, f"is also on line {others}"))


def _milestone(values: Mapping[str, Any], organisation: str, stage: frozenset[str]) -> Milestone:
    return Milestone(
        organisation=organisation,
        key=values["key"],
        title=values["title"],
        payee=values["payee"],
        amount=values["amount"],
        date=values["date"],
        currency=values.get("currency", ""),
        due_date=values.get("due_date"),
        stages=values.get("stages", stage),
        cancelled=values.get("cancelled", False),
        description=values.get("description", ""),
        contact_id=values.get("contact_id", ""),
        account=values.get("account", ""),
        tax=values.get("tax", ""),
        sense=values.get("amounts_are"),
        tracking=tuple(sorted(_tracking(values))),
        documents=values.get(DOCUMENTS, ()),
        links=Links(*(values.get(field, "") for field in LINKS)),
    )


def _tracking(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field, option in values.items():
        if field.startswith(TRACKING):
            yield field.removeprefix(TRACKING), option
