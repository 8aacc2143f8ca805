"""Milestones from files: read them (`read_rows`), see what would come of it (`summarise`, `foresee`), `take_in`."""

from billwatch.importing.intake import Counts, Summary, foresee, summarise, take_in
from billwatch.importing.rows import FIELDS, ImportFile, Options, Rejected, read_rows

__all__ = [
    "FIELDS",
    "Counts",
    "ImportFile",
    "Options",
    "Rejected",
    "Summary",
    "foresee",
    "read_rows",
    "summarise",
    "take_in",
]
