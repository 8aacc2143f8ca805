"""How values are laid out on a terminal."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billwatch.cli.output import echo_json, plain, progress, table


def test_columns_are_aligned_and_numbers_stand_to_the_right() -> None:
    assert list(table(["KEY", "SUM"], [["m-1", "9.50"], ["m-200", "1,000.00"]], 80, right={1})) == [
        "KEY         SUM",
        "m-1        9.50",
        "m-200  1,000.00",
    ]


def test_the_widest_column_is_cut_to_fit() -> None:
    lines = list(table(["KEY", "TITLE"], [["m-1", "A title that is far too long"]], 20))
    assert lines == ["KEY  TITLE", "m-1  A title that i…"]


def test_wide_characters_count_twice() -> None:
    assert list(table(["A", "B"], [["日本", "x"], ["abcd", "x"]], 80)) == ["A     B", "日本  x", "abcd  x"]


UNCOMBINED = st.text(st.characters(exclude_categories=["Mn", "Mc", "Me", "Cs"]))


@given(rows=st.lists(st.tuples(UNCOMBINED, UNCOMBINED), max_size=5), width=st.integers(20, 60))
def test_a_table_fits_whatever_it_holds(rows: list[tuple[str, str]], width: int) -> None:
    for line in table(["A", "B"], rows, width):
        assert len(line) <= width
        assert line.isprintable()


def test_a_value_cannot_steer_the_terminal() -> None:
    assert plain("a\x1b[2Jb\u202e") == "a\ufffd[2Jb\ufffd"


def test_json_keeps_amounts_exact(capsys: pytest.CaptureFixture[str]) -> None:
    echo_json({"amount": Decimal("0.10"), "date": dt.date(2026, 7, 1)})
    assert capsys.readouterr().out == '{\n  "amount": "0.10",\n  "date": "2026-07-01"\n}\n'


def test_no_bar_is_drawn_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress([(1, "a"), (1, "b")], 2, "Doing")) == ["a", "b"]
    assert capsys.readouterr() == ("", "")
