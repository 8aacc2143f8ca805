"""Which rows of a file become milestones, and why the others do not."""

import contextlib
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billwatch.importing import ImportFile, Options, cells, read_rows
from reconciler.errors import InputError
from reconciler.model import Links, Milestone

HEADING = "key,title,payee,amount,date"
GOOD = "m-1,First,Kowhai Trust,100.00,2026-07-01"
BILL = "243216c5-369e-4056-ac67-05388f86dc81"
ACME = Options("acme")


def read(
    directory: Path, content: str | bytes, options: Options = ACME, name: str = "m.csv", **maps: str
) -> ImportFile:
    path = directory / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_rows(path, maps, options)


def only(file: ImportFile) -> Milestone:
    assert file.rejected == ()
    (milestone,) = file.milestones
    return milestone


def one(directory: Path, column: str, cell: str, options: Options = ACME) -> ImportFile:
    """A file with one good row, save for that cell."""
    cells = dict(zip(HEADING.split(","), GOOD.split(","), strict=True)) | {column: cell}
    return read(directory, json.dumps(cells), options, "m.jsonl")


def test_a_row_becomes_a_milestone_that_has_reached_the_stage(tmp_path: Path) -> None:
    assert only(read(tmp_path, f"{HEADING}\n{GOOD}\n")) == Milestone(
        organisation="acme",
        key="m-1",
        title="First",
        payee="Kowhai Trust",
        amount=Decimal("100.00"),
        date=dt.date(2026, 7, 1),
        stages=frozenset({"approved"}),
    )


def test_every_field_can_be_given(tmp_path: Path) -> None:
    cells = dict(zip(HEADING.split(","), GOOD.split(","), strict=True)) | {
        "currency": "nzd",
        "due_date": "2026-08-01",
        "description": "What for",
        "contact_id": BILL.upper(),
        "stages": ["approved", "contract-executed"],
        "cancelled": True,
        "account": "450",
        "tax": "NONE",
        "bill_id": BILL,
        "tracking:Region": "North",
        "tracking:Programme": "Youth",
        "link_milestone": "https://g.example.org/m",
        "link_application": "https://g.example.org/a",
        "link_contract": "https://g.example.org/c?id=1",
    }
    file = read(tmp_path, json.dumps(cells), name="m.jsonl")
    milestone = only(file)
    assert (milestone.currency, milestone.due_date) == ("NZD", dt.date(2026, 8, 1))
    assert (milestone.description, milestone.contact_id) == ("What for", BILL)
    assert (milestone.stages, milestone.cancelled) == ({"approved", "contract-executed"}, True)
    assert (milestone.account, milestone.tax) == ("450", "NONE")
    assert milestone.tracking == (("Programme", "Youth"), ("Region", "North"))
    assert milestone.links == Links(
        "https://g.example.org/m", "https://g.example.org/a", "https://g.example.org/c?id=1"
    )
    assert file.bill_ids == {"m-1": BILL}


def test_a_column_is_read_as_the_field_it_is_mapped_to(tmp_path: Path) -> None:
    content = f"{HEADING.replace('key', 'Ref = No.')},note\n{GOOD},x\n"
    assert only(read(tmp_path, content, **{"Ref = No.": "key"})).key == "m-1"


def test_a_mapped_column_goes_before_one_that_is_named_like_the_field(tmp_path: Path) -> None:
    assert only(read(tmp_path, f"{HEADING},Real\n{GOOD},9\n", Real="amount")).amount == 9


def test_columns_that_mean_nothing_to_us_are_left_alone(tmp_path: Path) -> None:
    assert only(read(tmp_path, f"{HEADING},iban\n{GOOD},NZ12\n"))


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
def test_the_delimiter_is_found_in_the_line_of_column_names(tmp_path: Path, delimiter: str) -> None:
    assert only(read(tmp_path, f"{HEADING}\n{GOOD}".replace(",", delimiter))).key == "m-1"


def test_a_delimiter_that_is_given_is_used(tmp_path: Path) -> None:
    options = Options("acme", delimiter="~")
    assert only(read(tmp_path, f"{HEADING}\n{GOOD}".replace(",", "~"), options)).key == "m-1"


@pytest.mark.parametrize("content", [f"\ufeff{HEADING}\n{GOOD}", f"{HEADING}\r\n{GOOD}\r\n\r\n", f"{HEADING}\r{GOOD}"])
def test_marks_and_line_ends_of_other_systems_do_no_harm(tmp_path: Path, content: str) -> None:
    assert only(read(tmp_path, content)).key == "m-1"


def test_no_stage_is_given_when_none_is_wanted(tmp_path: Path) -> None:
    assert only(read(tmp_path, f"{HEADING}\n{GOOD}", Options("acme", stage=""))).stages == frozenset()


def test_a_file_with_column_names_alone_holds_no_milestones(tmp_path: Path) -> None:
    assert read(tmp_path, f"{HEADING}\n") == ImportFile((), {}, ())
    assert read(tmp_path, "", name="m.jsonl") == ImportFile((), {}, ())


@pytest.mark.parametrize(
    ("cell", "amount"),
    [("0", "0"), ("40000.0", "40000"), ("5.", "5"), ("1,234.50", "1234.50"), ("1,234,567", "1234567"), (" 7 ", "7")],
)
def test_an_exact_amount_is_taken(tmp_path: Path, cell: str, amount: str) -> None:
    assert only(one(tmp_path, "amount", cell)).amount == Decimal(amount)


def test_an_amount_of_json_is_exact(tmp_path: Path) -> None:
    content = '{"key": 7, "title": "T", "payee": "P", "amount": 900719925474.01, "date": "2026-07-01"}'
    milestone = only(read(tmp_path, content, name="m.jsonl"))
    assert (milestone.key, milestone.amount) == ("7", Decimal("900719925474.01"))


@pytest.mark.parametrize(
    ("form", "cell"),
    [("dd/mm/yyyy", "05/06/2014"), ("d/m/yyyy", "5/6/2014"), ("mm.dd.yyyy", "06.05.2014"), ("yyyymmdd", "20140605")],
)
def test_a_date_is_read_in_the_form_that_is_stated(tmp_path: Path, form: str, cell: str) -> None:
    assert only(one(tmp_path, "date", cell, Options("acme", date_format=form))).date == dt.date(2014, 6, 5)


def test_line_breaks_and_invisible_characters_in_texts_become_spaces_and_are_told(tmp_path: Path) -> None:
    file = read(tmp_path, f'{HEADING}\nm-1,"First\n\u202e part ",Kowhai\u00a0 Trust,1,2026-07-01\n')
    assert (only(file).title, only(file).payee) == ("First part", "Kowhai Trust")
    assert file.changed == ((2, "title"), (2, "payee"))


AMOUNT = "is not an amount such as 1234.50 or 1,234.50, in digits alone and below 1,000,000,000,000"
ID = "is not an id of Xero's such as 45e4708e-d862-4111-ab3a-dd8cd03913e1"
STAGES = "is not a list of stages in lower-case letters, digits and hyphens, such as approved"
INVISIBLE = "has a line break or another invisible character in it, which a key must not have"


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("key", "", "is empty, but is needed"),
        ("payee", " \n", "is empty, but is needed"),
        ("key", "a\nb", INVISIBLE),
        ("key", "a\u200bb", INVISIBLE),
        ("key", "k" * 201, "is 201 characters long, but must have at most 200"),
        ("title", "t" * 256, "is 256 characters long, but must have at most 255"),
        ("amount", "-5", "is negative, but must be 0 or more"),
        ("amount", "(5.00)", "is negative, but must be 0 or more"),
        ("amount", "1.234", "has more than two decimals"),
        ("amount", "1,000.000", "has more than two decimals"),
        ("amount", "1,234", "can be read in two ways; write 1234 or 1,234.00"),
        ("amount", "1.234,50", AMOUNT),
        ("amount", "12,34.50", AMOUNT),
        ("amount", "1e3", AMOUNT),
        ("amount", "£5", AMOUNT),
        ("amount", "\u0661", AMOUNT),
        ("amount", "NaN", AMOUNT),
        ("amount", "1000000000000", AMOUNT),
        ("date", "01/07/2026", "is not a date of the form yyyy-mm-dd"),
        ("date", "2026-7-1", "is not a date of the form yyyy-mm-dd"),
        ("date", "2026-02-30", "is a date that does not exist"),
        ("date", "0226-02-03", "is not a date between 1970 and 2199"),
        ("due_date", "soon", "is not a date of the form yyyy-mm-dd"),
        ("currency", "N$", "is not a currency code of three letters such as NZD"),
        ("contact_id", "Kowhai", ID),
        ("bill_id", "INV-1", ID),
        ("stages", "Approved!", STAGES),
        ("cancelled", "perhaps", "is neither yes nor no"),
        ("account", "4" * 11, "is 11 characters long, but must have at most 10"),
        ("tracking:Region", "x" * 101, "is 101 characters long, but must have at most 100"),
        ("link_milestone", "javascript:alert(1)", "is not an address such as https://grants.example.org/m/1"),
        (
            "link_milestone",
            "https://grants]example.org/m/1",
            "is not an address such as https://grants.example.org/m/1",
        ),
        ("title", "a\ud800", "is not valid Unicode"),
    ],
)
def test_a_cell_that_cannot_be_used_is_reported_with_line_column_value_and_reason(
    tmp_path: Path, column: str, cell: str, reason: str
) -> None:
    file = one(tmp_path, column, cell)
    (rejected,) = file.rejected
    assert (rejected.line, rejected.column, rejected.reason) == (1, column, reason)
    assert rejected.value == (cell.strip() if "\ud800" not in cell else "a\\ud800")
    assert file.milestones == ()


def test_every_fault_of_a_row_is_reported_and_good_rows_are_kept_apart(tmp_path: Path) -> None:
    file = read(tmp_path, f"{HEADING}\n,T,P,-1,2026-07-01\n{GOOD}\n")
    assert [(each.line, each.column) for each in file.rejected] == [(2, "key"), (2, "amount")]
    assert [each.key for each in file.milestones] == ["m-1"]


def test_a_row_after_one_of_several_lines_is_reported_with_its_own_line(tmp_path: Path) -> None:
    file = read(tmp_path, f'{HEADING}\nm-0,"a\nb",P,1,2026-07-01\nm-1,T,P,x,2026-07-01\n')
    assert [each.line for each in file.rejected] == [4]


def test_a_key_that_is_there_twice_is_refused_on_both_lines(tmp_path: Path) -> None:
    file = read(tmp_path, f"{HEADING}\n{GOOD}\nm-2,T,P,1,2026-07-01\n{GOOD}\n")
    assert [(each.line, each.value, each.reason) for each in file.rejected] == [
        (2, "m-1", "is also on line 4"),
        (4, "m-1", "is also on line 2"),
    ]
    assert [each.key for each in file.milestones] == ["m-2"]


def test_a_bill_that_two_milestones_claim_is_refused_for_both(tmp_path: Path) -> None:
    file = read(tmp_path, f"{HEADING},bill_id\n{GOOD},{BILL}\n{GOOD.replace('m-1', 'm-2')},{BILL}\n")
    assert [(each.line, each.column) for each in file.rejected] == [(2, "bill_id"), (3, "bill_id")]


@pytest.mark.parametrize("row", ["m-1,T,P,1", "m-1,T,P,1,2026-07-01,extra"])
def test_a_row_with_too_few_or_too_many_cells_is_reported(tmp_path: Path, row: str) -> None:
    (rejected,) = read(tmp_path, f"{HEADING}\n{row}\n").rejected
    assert (rejected.line, rejected.column) == (2, "")
    assert rejected.reason == f"the row has {len(row.split(','))} cells, but there are 5 columns"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "the line is not readable as JSON"),
        ("[1]", "the line is not a JSON object"),
        ("[" * 100_000, "the line is not readable as JSON"),
        ('{"key": {"a": 1}}', "a value of the line is an object or a list of other things than texts"),
        ('{"key": "a", "key": "b"}', "the line names a column twice"),
    ],
)
def test_a_line_that_is_no_row_of_json_is_reported(tmp_path: Path, line: str, reason: str) -> None:
    (rejected,) = read(tmp_path, line, name="m.jsonl").rejected
    assert (rejected.line, rejected.reason) == (1, reason)


@pytest.mark.parametrize(
    ("content", "maps", "sentence"),
    [
        (HEADING, {"Ky": "key"}, 'm.csv has no column "Ky"; there are key, title, payee, amount, date.'),
        (HEADING, {"titel": "title"}, 'm.csv has no column "titel"; did you mean "title"?'),
        (HEADING, {"key": "ammount"}, '"ammount" is not a field of milestones; did you mean "amount"?'),
        (
            f"{HEADING},x,y",
            {"x": "key", "y": "key"},
            'The columns "x" and "y" are both mapped to key.',
        ),
        (
            "key,title,Applicant,Sum",
            {},
            'No column of m.csv is mapped to payee; add --map "COLUMN=payee", where COLUMN is one of Applicant, Sum.',
        ),
        ("key,key", {}, 'm.csv has two columns named "key".'),
        ("", {}, "m.csv has no line of column names."),
        (f'{HEADING}\n{GOOD}\n"a"b', {}, "m.csv, line 3: the row cannot be read as CSV ('"),
        (f'{HEADING}\nm-1,"T', {}, "m.csv, line 2: the row cannot be read as CSV (unexpected end of data)."),
        (HEADING.encode() + b"\nm,\xff", {}, 'm.csv is not UTF-8 text (line 2); save it as "CSV UTF-8".'),
    ],
)
def test_a_file_or_mapping_that_cannot_be_used_at_all_is_refused_with_one_sentence(
    tmp_path: Path, content: str | bytes, maps: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, content, **maps)
    assert sentence in str(error.value)


@pytest.mark.parametrize("content", ["{}", "{}\nnot JSON\n{}"])
def test_lines_that_name_no_field_are_refused_with_one_sentence(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, content, name="m.jsonl")
    assert str(error.value) == "m.jsonl names no fields; a milestone needs key, title, payee, amount, date."


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (Options("acme", date_format="dd/mm/yy"), '"dd/mm/yy" is not a form of dates; use dd, mm and yyyy once each'),
        (Options("acme", date_format="dd/dd/yyyy"), "is not a form of dates"),
        (Options("acme", stage="A B"), 'The stage "A B" is not a list of stages'),
        (Options("acme", delimiter=";;"), "';;' cannot be the delimiter"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(tmp_path: Path, options: Options, sentence: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, f"{HEADING}\n{GOOD}", options)
    assert sentence in str(error.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.csv cannot be read: no such file or directory\."):
        read_rows(tmp_path / "x.csv", {}, ACME)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


FRAGMENTS = st.sampled_from(
    [HEADING, GOOD, "\n", ",", '"', "\r", "\0", '{"key": ', "{", "}", "\ufeff", "1e999", "\u2028"]
)
CONTENTS = st.one_of(
    st.binary(max_size=200), st.lists(FRAGMENTS, max_size=12).map(lambda parts: "".join(parts).encode())
)


@given(content=CONTENTS, name=st.sampled_from(["m.csv", "m.jsonl"]))
@settings(max_examples=200, deadline=None)
def test_no_content_makes_the_reader_fail_otherwise_than_with_a_sentence(
    scratch: Path, content: bytes, name: str
) -> None:
    with contextlib.suppress(InputError):
        file = read(scratch, content, name=name)
        assert all(each.line >= 1 and each.reason for each in file.rejected)
        assert all(milestone.amount >= 0 and milestone.key for milestone in file.milestones)


@given(cell=st.text(max_size=60), column=st.sampled_from([*HEADING.split(","), "stages", "bill_id", "cancelled"]))
@settings(max_examples=300, deadline=None)
def test_a_cell_is_either_taken_or_reported(scratch: Path, cell: str, column: str) -> None:
    file = one(scratch, column, cell)
    assert len(file.milestones) + len({each.line for each in file.rejected}) == 1


@given(amount=st.decimals(min_value=0, max_value=10**12 - 1, places=2))
def test_an_amount_written_with_or_without_groups_is_read_back_to_the_cent(amount: Decimal) -> None:
    assert cells.amount(f"{amount}") == amount
    assert cells.amount(f"{amount:,.2f}") == amount
