"""Dates are read in every form in which Xero sends them, and never moved by a zone."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.xero import dates

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
NOON = dt.datetime(2018, 11, 2, 16, 31, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("/Date(1541176290160+0000)/", NOON.replace(microsecond=160_000)),
        ("/Date(1541176290160)/", NOON.replace(microsecond=160_000)),
        ("/Date(1541176290160+1300)/", NOON.replace(microsecond=160_000)),
        ("/Date(-62135596800000)/", dt.datetime(1, 1, 1, tzinfo=dt.UTC)),
        ("2018-11-02T16:31:30Z", NOON),
        ("2018-11-02T16:31:30", NOON),
        ("2018-11-02T16:31:30.5164100", NOON.replace(microsecond=516_410)),
        ("2018-11-03T05:31:30+13:00", NOON),
    ],
)
def test_an_instant_is_read_in_each_of_its_forms(text: str, moment: dt.datetime) -> None:
    assert dates.instant(text) == moment


@given(st.dates(min_value=dt.date(1, 1, 2)))
def test_a_calendar_day_survives_as_midnight_utc(day: dt.date) -> None:
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
    milliseconds = (midnight - EPOCH) // dt.timedelta(milliseconds=1)
    assert dates.day(f"/Date({milliseconds}+0000)/") == day
    assert dates.day(f"{day.isoformat()}T00:00:00") == day


def test_the_twin_is_read_when_the_first_form_is_absent_or_garbled() -> None:
    assert dates.day(None, "2018-10-20T00:00:00") == dt.date(2018, 10, 20)
    assert dates.day("/Date(x)/", "2018-10-20T00:00:00") == dt.date(2018, 10, 20)


def test_a_date_that_is_not_set_is_none() -> None:
    assert dates.day(None, "") is None


@pytest.mark.parametrize("text", ["/Date()/", "tomorrow", "/Date(99999999999999999)/", "/Date(999999999999999)/"])
def test_a_date_that_cannot_be_read_is_not_taken_for_absent(text: str) -> None:
    with pytest.raises(ValueError, match="not a date"):
        dates.instant(text)


def test_since_is_written_in_whole_seconds_of_utc_rounded_down() -> None:
    there = dt.datetime(2026, 11, 3, 0, 30, 1, 999_999, tzinfo=dt.timezone(dt.timedelta(hours=13)))
    assert dates.since(there) == "2026-11-02T11:30:01"
