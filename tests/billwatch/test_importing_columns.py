"""Columns are taken as fields however they are spelt; what could mean two things is refused."""

from pathlib import Path

import pytest

from billwatch.importing import ImportFile, Options, read_rows
from reconciler.errors import InputError


def read(tmp_path: Path, heading: str, row: str) -> ImportFile:
    path = tmp_path / "grants.csv"
    path.write_text(f"{heading}\n{row}\n", encoding="utf-8")
    return read_rows(path, {}, Options("acme"))


def test_letters_spaces_and_hyphens_make_no_other_field(tmp_path: Path) -> None:
    heading = "KEY, Title ,payee,Amount,Date,Due Date,link-milestone,Tracking:Youth Arts"
    found = read(tmp_path, heading, "M-1,T,P,1,2026-12-01,2026-12-20,https://example.org/1,Yes")
    (one,) = found.milestones
    assert (one.key, str(one.due_date), one.links.milestone) == ("M-1", "2026-12-20", "https://example.org/1")
    assert (one.tracking, found.unused) == ((("Youth Arts", "Yes"),), ())


def test_two_columns_for_one_field_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='two columns for key, "Key" and "KEY"; leave one out with --map "KEY=-"'):
        read(tmp_path, "Key,KEY,title,payee,amount,date", "1,2,T,P,1,2026-12-01")


def test_what_is_named_like_no_field_stays_unused(tmp_path: Path) -> None:
    assert read(tmp_path, "key,title,payee,amount,date,Programme", "1,T,P,1,2026-12-01,Arts").unused == ("Programme",)
