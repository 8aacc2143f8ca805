"""What is brought up again, with whom and when."""

import datetime as dt

from reconciler.people import Away, Person, Team
from reconciler.reasons import Reason, Role
from reconciler.records import Flag, MailKind
from reconciler.reminding import Again, Open, Patience, Told, due

NOW = dt.datetime(2026, 7, 8, 9, tzinfo=dt.UTC)
TODAY = NOW.date()
ANA, BEN, OPS = "ana@x.org", "ben@x.org", "ops@x.org"
ROLES = {Role.ACCOUNTING: (ANA,), Role.OPERATOR: (OPS,)}
TEAM = Team(ROLES, (Person(ANA, second=BEN),))
PATIENCE = Patience(dt.timedelta(days=3), dt.timedelta(days=7))


def told(flag_id: int, days: float, *, last: float | None = None, on: dt.date | None = None, by: str = ANA) -> Open:
    first = NOW - dt.timedelta(days=days)
    again = first if last is None else NOW - dt.timedelta(days=last)
    flag = Flag(flag_id, "example", f"M-{flag_id}", Reason.BILL_PAID, first, remind_on=on)
    return Open(flag, (Told(by, first, again, 10 * flag_id),))


def found(*waiting: Open, team: Team = TEAM, shut: set[str] | None = None) -> list[tuple[int, str, MailKind]]:
    return [(a.flag.flag_id, a.address, a.kind) for a in due(waiting, team, shut or set(), PATIENCE, NOW, TODAY)]


def test_nobody_is_reminded_before_the_days_are_over() -> None:
    assert found(told(1, 2.9)) == []


def test_who_has_not_decided_is_reminded_after_some_days_and_again() -> None:
    assert found(told(1, 3)) == [(1, ANA, MailKind.WARNING)]
    assert found(told(1, 6, last=2.9)) == []
    assert found(told(1, 6, last=3)) == [(1, ANA, MailKind.WARNING)]


def test_what_is_due_before_long_comes_along_so_that_one_mail_is_enough() -> None:
    assert found(told(1, 3), told(2, 1.6), told(3, 1)) == [(1, ANA, MailKind.WARNING), (2, ANA, MailKind.WARNING)]


def test_what_nobody_has_decided_is_passed_on_to_the_second() -> None:
    assert found(told(1, 7, last=1)) == [(1, BEN, MailKind.ESCALATION)]
    assert found(told(1, 7, last=1), team=Team(ROLES)) == []
    assert found(told(1, 7, last=1), shut={BEN}) == []


def test_a_day_that_somebody_named_counts_in_place_of_the_usual_ones() -> None:
    tomorrow = TODAY + dt.timedelta(days=1)
    assert found(told(1, 30, on=tomorrow)) == []
    assert found(told(1, 1, on=TODAY)) == [(1, ANA, MailKind.WARNING)]
    assert found(told(1, 1, on=TODAY - dt.timedelta(days=5))) == [(1, ANA, MailKind.WARNING)]


def test_the_reminder_goes_to_whoever_stands_in_or_can_be_reached() -> None:
    away = Team(ROLES, (Person(ANA, away=Away(TODAY, OPS)),))
    assert found(told(1, 3), team=away) == [(1, OPS, MailKind.WARNING)]
    assert found(told(1, 3), team=Team(ROLES), shut={ANA}) == [(1, OPS, MailKind.WARNING)]


def test_a_flag_of_which_nobody_was_told_is_told_to_whoever_is_named_by_now() -> None:
    flag = told(1, 2).flag
    assert found(Open(flag, ())) == [(1, ANA, MailKind.WARNING)]
    assert found(Open(flag, ()), team=Team({Role.OPERATOR: (OPS,)})) == []
    assert found(Open(flag, (), owed=True)) == []


def test_what_was_mailed_last_is_named_so_that_anything_newer_counts() -> None:
    (again,) = due([told(1, 3)], TEAM, (), PATIENCE, NOW, TODAY)
    assert again == Again(told(1, 3).flag, ANA, MailKind.WARNING, 10)


def test_patience_without_end_reminds_of_named_days_only() -> None:
    waiting = [told(1, 99), told(2, 99, on=TODAY)]
    assert [a.flag.flag_id for a in due(waiting, TEAM, (), Patience(None, None), NOW, TODAY)] == [2]
