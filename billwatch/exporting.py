"""Everything that is kept, as JSON lines in a folder; milestones in the form in which `billwatch import` takes them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from billwatch.importing.rows import LINKS, TRACKING
from billwatch.organisation import SENSES
from reconciler.errors import InputError
from storage.ledger import Ledger

Row = dict[str, Any]
_AMOUNTS = {sense: told for told, sense in SENSES.items()}


def write_out(ledger: Ledger, organisations: Sequence[str], folder: Path) -> Iterator[tuple[str, str, int]]:
    """Write a file for each table of each organisation into a folder of its own; yields organisation, table and rows.

    The folder is made, for its owner alone. Raises InputError when there is something in it, or it cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InputError(f"{folder} is not empty and is left as it is; name another folder.")
        for organisation in organisations:
            place = folder / organisation
            place.mkdir(mode=0o700)
            for table, rows in ledger.export.tables(organisation):
                yield organisation, table, _write(place / f"{table}.jsonl", map(_FORMS.get(table, dict), rows))
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {(error.strerror or str(error)).lower()}.") from None


def _write(file: Path, rows: Iterator[Row]) -> int:
    encoder, number = msgspec.json.Encoder(order="deterministic"), 0
    with file.open("xb") as lines:
        for number, row in enumerate(rows, 1):  # noqa: B007  the last is the number of all
            lines.write(encoder.encode(row) + b"\n")
    return number


def as_imported(row: Row) -> Row:
    """A milestone as a row of an import: fields that say nothing are left out, and `stages` is always there.

    Files that are documents are named apart, since an import takes them from beside the imported file only.
    """
    links, documents = row["links"], row["documents"]
    told = row | {
        "stages": sorted(row["stages"]),
        "amounts_are": _AMOUNTS.get(row["sense"], ""),
        "documents": [each.link for each in documents if each.link],
        "document_files": [each.file for each in documents if each.file],
    }
    told |= {f"{TRACKING}{category}": option for category, option in row["tracking"]}
    told |= dict(zip(LINKS, (links.milestone, links.application, links.contract), strict=True))
    gone = ("sense", "tracking", "links", "put_at")
    return {name: value for name, value in told.items() if (value or name == "stages") and name not in gone}


_FORMS = {"milestones": as_imported}
