"""The documents of a row: which places are taken, under which names, and which are refused."""

import json
from pathlib import Path

import pytest

from billwatch.importing import ImportFile, Options, read_rows
from reconciler.model import Document

ROW = {"key": "m-1", "title": "First", "payee": "Kea Trust", "amount": "1.00", "date": "2026-07-01"}
FILES = "https://files.example.org"
HOSTED = Options("acme", document_hosts=("files.example.org",))


def read(folder: Path, cell: str | list[str], options: Options = HOSTED, *, csv: bool = False) -> ImportFile:
    path = folder / ("m.csv" if csv else "m.jsonl")
    quoted = '"{}"'.format(str(cell).replace('"', '""'))
    heading = f"{','.join(ROW)},documents\n{','.join(ROW.values())},"
    path.write_text(heading + quoted if csv else json.dumps(ROW | {"documents": cell}), encoding="utf-8")
    return read_rows(path, {}, options)


def taken(folder: Path, cell: str | list[str], options: Options = HOSTED, *, csv: bool = False) -> tuple[Document, ...]:
    file = read(folder, cell, options, csv=csv)
    assert file.rejected == ()
    return file.milestones[0].documents


@pytest.mark.parametrize("csv", [True, False])
def test_links_and_files_are_separated_by_spaces(tmp_path: Path, csv: bool) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter.pdf").write_bytes(b"x")
    assert taken(tmp_path, f"{FILES}/a/Final%20report.pdf?v=2 papers/letter.pdf", csv=csv) == (
        Document("Final report.pdf", link=f"{FILES}/a/Final%20report.pdf?v=2"),
        Document("letter.pdf", file=str(tmp_path / "papers" / "letter.pdf")),
    )


@pytest.mark.parametrize("csv", [True, False])
def test_a_list_may_hold_names_with_spaces(tmp_path: Path, csv: bool) -> None:
    (tmp_path / "final report; v2.pdf").write_bytes(b"x")
    places = ["final report; v2.pdf", f"{FILES}/x"]
    found = taken(tmp_path, json.dumps(places) if csv else places, csv=csv)
    assert [one.name for one in found] == ["final report; v2.pdf", "x"]


@pytest.mark.parametrize(
    ("places", "names"),
    [
        ([f"{FILES}/a/r.pdf", f"{FILES}/b/R.pdf", f"{FILES}/c/r.pdf"], ["r.pdf", "R-2.pdf", "r-3.pdf"]),
        ([f"{FILES}/"], ["document"]),
        ([f"{FILES}/a%2Fb%00%3Cc%3E.pdf"], ["a b c .pdf"]),
        ([f"{FILES}/{'x' * 150}.pdf"], ["x" * 96 + ".pdf"]),
    ],
)
def test_each_gets_a_name_of_its_own_that_a_file_can_have(tmp_path: Path, places: list[str], names: list[str]) -> None:
    assert [one.name for one in taken(tmp_path, places)] == names


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("none.pdf", "has none.pdf, but there is no such file beside the imported one"),
        ("/etc/passwd", "has /etc/passwd, which is not in the folder of the imported file"),
        ("../up.pdf", "has ../up.pdf, which is not in the folder of the imported file"),
        ("sub", "has sub, but there is no such file beside the imported one"),
        ("empty.pdf", "has empty.pdf, which is empty or larger than the 25 MB that Xero takes"),
        ("way.pdf", "has way.pdf, which is not in the folder of the imported file"),
        ("ftp://files.example.org/x", "has ftp://files.example.org/x, but a link to a document begins with https://"),
        *(
            (f"{place}/x", f"leads to {host}, but documents.hosts of the configuration does not list it for https")
            for place, host in (
                ("https://example.org", "example.org"),
                ("http://files.example.org", "files.example.org"),
                ("https://files.example.org@example.org", "files.example.org@example.org"),
            )
        ),
        (" ".join(f"{FILES}/{n}" for n in range(11)), "names 11 documents, but a bill in Xero takes at most 10"),
        ('["a"', 'begins like a list in JSON, but is not one of texts, such as ["a", "b"]'),
        ("[1]", 'begins like a list in JSON, but is not one of texts, such as ["a", "b"]'),
    ],
)
def test_what_cannot_be_a_document_is_refused_with_its_reason(tmp_path: Path, cell: str, reason: str) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "empty.pdf").touch()
    (tmp_path / "up.pdf").write_bytes(b"x")
    (folder / "way.pdf").symlink_to(tmp_path / "up.pdf")
    (rejected,) = read(folder, cell).rejected
    assert (rejected.column, rejected.value, rejected.reason) == ("documents", cell, reason)


def test_where_documents_are_not_attached_their_hosts_do_not_matter(tmp_path: Path) -> None:
    assert len(taken(tmp_path, "https://example.org/x", Options("acme"))) == 1
