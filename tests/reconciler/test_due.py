"""When bills fall due, and which rules there are."""

import datetime as dt

import pytest

from reconciler.due import Due, due


@pytest.mark.parametrize(
    ("rule", "date", "falls_due"),
    [
        ("0 days", "2026-07-03", "2026-07-03"),
        ("1 day", "2026-12-31", "2027-01-01"),
        ("14 days", "2026-02-20", "2026-03-06"),
        ("end of month", "2028-02-01", "2028-02-29"),
        ("end of month", "2026-07-31", "2026-07-31"),
        ("end of following month", "2026-01-31", "2026-02-28"),
        ("end of following month", "2026-12-05", "2027-01-31"),
        ("20th of following month", "2026-11-30", "2026-12-20"),
        ("31st of following month", "2026-01-15", "2026-02-28"),
        ("20th of month", "2026-07-03", "2026-07-20"),
        ("20th of month", "2026-07-25", "2026-07-25"),
    ],
)
def test_a_bill_falls_due_as_the_rule_says_and_never_before_its_date(rule: str, date: str, falls_due: str) -> None:
    found = due(rule)
    assert found is not None
    assert found.after(dt.date.fromisoformat(date)) == dt.date.fromisoformat(falls_due)


@pytest.mark.parametrize("text", ["", "14", "-1 days", "4000 days", "0th of month", "32nd of month", "End of month"])
def test_what_is_no_rule_is_none(text: str) -> None:
    assert due(text) is None


def test_without_a_rule_a_bill_falls_due_after_a_fortnight() -> None:
    assert due("14 days") == Due()
