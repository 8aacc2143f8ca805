"""When mails are wanted, and when what comes round is due: by the wall clock of the organisation."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.hours import Lockup, Weekly, latest, lockup, wanted_at
from reconciler.people import Person, Quiet

AUCKLAND = "Pacific/Auckland"
NIGHT = Quiet(dt.time(18), dt.time(7, 30))
LUNCH = Quiet(dt.time(12), dt.time(13))


def local(text: str, zone: str = AUCKLAND) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("person", "ready", "wanted"),
    [
        (Person("a"), "2026-07-08T03:00", "2026-07-08T03:00"),
        (Person("a", quiet=NIGHT), "2026-07-08T12:00", "2026-07-08T12:00"),
        (Person("a", quiet=NIGHT), "2026-07-08T18:00", "2026-07-09T07:30"),
        (Person("a", quiet=NIGHT), "2026-07-08T03:00", "2026-07-08T07:30"),
        (Person("a", quiet=NIGHT), "2026-07-08T07:30", "2026-07-08T07:30"),
        (Person("a", quiet=LUNCH), "2026-07-08T12:59", "2026-07-08T13:00"),
        (Person("a", quiet=NIGHT, weekends=False), "2026-07-10T19:00", "2026-07-13T07:30"),
        (Person("a", weekends=False), "2026-07-11T12:00", "2026-07-13T00:00"),
        (Person("a", quiet=LUNCH, weekends=False), "2026-07-11T12:30", "2026-07-13T13:00"),
        (Person("a", digest=dt.time(8)), "2026-07-08T07:59", "2026-07-08T08:00"),
        (Person("a", digest=dt.time(8)), "2026-07-08T08:00", "2026-07-08T08:00"),
        (Person("a", digest=dt.time(8)), "2026-07-08T08:01", "2026-07-09T08:00"),
        (Person("a", digest=dt.time(8), weekends=False), "2026-07-10T09:00", "2026-07-13T08:00"),
    ],
)
def test_a_mail_waits_for_the_hours_in_which_it_is_wanted(person: Person, ready: str, wanted: str) -> None:
    assert wanted_at(person, local(ready), AUCKLAND) == local(wanted)


people = st.builds(
    Person,
    st.just("a"),
    quiet=st.one_of(st.none(), st.builds(Quiet, st.times(), st.times()).filter(lambda quiet: quiet.start != quiet.end)),
    weekends=st.booleans(),
    digest=st.one_of(st.none(), st.times()),
)
moments = st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 12, 31), timezones=st.just(dt.UTC))  # noqa: DTZ001


@given(people, moments, st.sampled_from(("UTC", AUCKLAND, "America/New_York", "Asia/Kathmandu")))
def test_nothing_comes_early_nor_later_than_the_fourth_day_whatever_the_clocks_do(
    person: Person, ready: dt.datetime, zone: str
) -> None:
    wanted = wanted_at(person, ready, zone)
    assert ready <= wanted <= ready + dt.timedelta(days=4)
    assert wanted_at(person, wanted, zone) == wanted
    if not person.weekends:
        assert wanted.astimezone(ZoneInfo(zone)).weekday() < 5


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2026-07-06T08:00", "2026-07-06T08:00"),
        ("2026-07-06T07:59", "2026-06-29T08:00"),
        ("2026-07-12T23:00", "2026-07-06T08:00"),
    ],
)
def test_a_week_begins_at_its_hour(now: str, last: str) -> None:
    assert latest(Weekly(0, dt.time(8)), local(now), AUCKLAND) == local(last)


@given(moments)
def test_a_week_is_over_after_seven_days_of_the_wall_clock(now: dt.datetime) -> None:
    weekly = Weekly(3, dt.time(2, 30))
    last = latest(weekly, now, AUCKLAND)
    assert now - dt.timedelta(days=7, hours=1) < last <= now
    assert latest(weekly, last, AUCKLAND) == last


@pytest.mark.parametrize(
    ("lock_day", "today", "expected"),
    [
        (14, dt.date(2026, 7, 10), None),
        (14, dt.date(2026, 7, 11), Lockup(dt.date(2026, 7, 14), dt.date(2026, 6, 30))),
        (14, dt.date(2026, 7, 14), Lockup(dt.date(2026, 7, 14), dt.date(2026, 6, 30))),
        (14, dt.date(2026, 7, 15), None),
        (2, dt.date(2026, 7, 30), Lockup(dt.date(2026, 8, 2), dt.date(2026, 7, 31))),
        (31, dt.date(2026, 2, 26), Lockup(dt.date(2026, 2, 28), dt.date(2026, 1, 31))),
        (1, dt.date(2026, 12, 31), Lockup(dt.date(2027, 1, 1), dt.date(2026, 12, 31))),
    ],
)
def test_the_usual_lock_is_expected_for_the_month_before(
    lock_day: int, today: dt.date, expected: Lockup | None
) -> None:
    assert lockup(lock_day, 3, today) == expected
