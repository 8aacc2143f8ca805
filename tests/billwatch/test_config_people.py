"""How people want their mail, as the configuration says it, and with which sentence it refuses the rest."""

import datetime as dt
from pathlib import Path

import pytest
from config_files import loaded, refusal

from reconciler.hours import Weekly
from reconciler.people import Away, Person, Quiet

ANA = 'people = { accounting = ["ana@x.org"] }\n'


def test_a_person_says_how_their_address_wants_its_mail(tmp_path: Path) -> None:
    stated = """
        [[person]]
        address = "ana@x.org"
        name = "Ana Example"
        second = "ben@x.org"
        quiet = "18:00-07:30"
        weekends = false
        digest = "08:00"
        away = { until = 2026-12-24, to = "cay@x.org" }
    """
    config = loaded(tmp_path, "lock_day = 14\n" + ANA + stated)
    (organisation,) = config.organisations()
    assert organisation.lock_day == 14
    assert organisation.persons == (
        Person(
            "ana@x.org",
            "Ana Example",
            "ben@x.org",
            Away(dt.date(2026, 12, 24), "cay@x.org"),
            Quiet(dt.time(18), dt.time(7, 30)),
            weekends=False,
            digest=dt.time(8),
        ),
    )


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ('quiet = "6pm-7am"', 'person.ana@x.org.quiet is "6pm-7am", but must be empty or two times of the day such as'),
        (
            'quiet = "07:00-07:00"',
            'person.ana@x.org.quiet is "07:00-07:00", but must end at another time than it begins.',
        ),
        ('digest = "8"', 'person.ana@x.org.digest is "8", but must be empty or a time of the day such as "08:00".'),
        ('second = "ana@x.org"', "person.ana@x.org.second is the address itself, but must be somebody else's."),
        ('away = { until = 2026-12-24, to = "ana@x.org" }', "person.ana@x.org.away.to is the address itself"),
        (
            'away = { until = "soon", to = "b@x.org" }',
            'person.ana@x.org.away.until is "soon", but must be a day such as 2026-12-24.',
        ),
        ('away = { to = "b@x.org" }', "person.ana@x.org.away.until is missing; it must be a day such as 2026-12-24."),
        ('[[person]]\naddress = "ana@x.org"', 'person names "ana@x.org" twice, but each address is one person.'),
        ('[[person]]\naddress = "anna@x.org"', 'person names "anna@x.org", but no organisation has that address'),
        ('[mail]\nweekly = "mondays"', 'mail.weekly is "mondays", but must be empty or a day and a time such as'),
    ],
)
def test_what_is_wrong_with_a_person_is_said(tmp_path: Path, more: str, sentence: str) -> None:
    said = refusal(tmp_path, ANA + '[[person]]\naddress = "ana@x.org"\n' + more)
    assert said.startswith(sentence), said


@pytest.mark.parametrize(("stated", "weekly"), [("", None), ("friday 16:30", Weekly(4, dt.time(16, 30)))])
def test_the_weekly_report_has_its_day_and_hour_or_is_off(tmp_path: Path, stated: str, weekly: Weekly | None) -> None:
    assert loaded(tmp_path, f'[mail]\nweekly = "{stated}"').mail.round() == weekly
