"""The dashboard's pictures and words, as numbers and sentences."""

import dataclasses
import datetime as dt
from types import SimpleNamespace

import desk
import pytest
from msgspec.structs import replace

from receiver.dashboard.drawing import FEWEST, HEIGHT, WIDTH, chart, life
from receiver.dashboard.ports import Standing
from receiver.dashboard.states import State
from receiver.dashboard.telling import age, story
from receiver.dashboard.views import Group, card, paged
from reconciler.model import Deed, Status
from reconciler.reasons import Action, Choose, Reason
from reconciler.records import Bounce, Choice, Flag

TODAY = dt.date(2026, 7, 9)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (dt.timedelta(seconds=59), "less than a minute"),
        (dt.timedelta(minutes=1), "1 minute"),
        (dt.timedelta(hours=23), "23 hours"),
        (dt.timedelta(days=2, hours=5), "2 days"),
        (dt.timedelta(hours=-2), "2 hours"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(ago: dt.timedelta, said: str) -> None:
    assert age(desk.NOW - ago, desk.NOW) == said


def test_a_chart_s_bars_stand_on_each_other_and_fill_the_highest_day() -> None:
    drawn = chart([(TODAY - dt.timedelta(days=1), {Reason.PAID: 2}), (TODAY, {Reason.PAID: 3, None: 1})])
    assert drawn.most == 4
    today = [bar for bar in drawn.bars if bar.x == pytest.approx(WIDTH * (FEWEST - 1) / FEWEST, abs=0.01)]
    assert sum(bar.height for bar in today) == pytest.approx(HEIGHT)
    assert {bar.state for bar in today} == {State.PAID, State.NEW}
    assert drawn.last[State.PAID] == 3
    assert [numbers[list(State).index(State.PAID)] for _, numbers in drawn.table] == [3]


def test_a_chart_of_nothing_has_no_bars() -> None:
    assert chart([(TODAY, {})]).bars == []


def test_a_life_is_in_order_and_says_what_is_locked() -> None:
    bill = replace(desk.BILL, date=dt.date(2026, 7, 5))
    drawn = life(desk.MILESTONE, bill, dt.date(2026, 7, 3), TODAY)
    assert [mark.text for mark in drawn.marks] == [
        "the milestone's date",
        "locked up to here",
        "bill dated, NZ$12,000.00",
        "today",
        "payment due",
    ]
    assert "3 July 2026: the milestone's date, in the locked period." in drawn.alternative
    assert drawn.marks[0].y < drawn.locked < drawn.marks[2].y


def test_a_life_without_lock_or_bill_is_short() -> None:
    drawn = life(desk.MILESTONE, None, None, TODAY)
    assert ([mark.kind for mark in drawn.marks], drawn.locked) == (["ours", "now"], 0)


def test_a_bill_that_was_ended_falls_due_no_more() -> None:
    bill = replace(desk.BILL, status=Status.VOIDED)
    assert "payment due" not in life(desk.MILESTONE, bill, None, TODAY).alternative


def test_a_story_tells_who_decided_and_who_was_mailed_and_nothing_twice() -> None:
    flag = Flag(1, "example", "M-1", Reason.BILL_VOIDED, desk.NOW)
    choice = Choice(Choose.BILL_AGAIN, "Ana", desk.NOW, "ana@example.org")
    mail = SimpleNamespace(recipient="ana@example.org", kind="warning")
    moments = [
        ("verdict", (Action.SKIP, Reason.PAID)),
        ("verdict", (Action.SKIP, Reason.PAID)),
        ("verdict", (Action.FLAG, Reason.BILL_VOIDED)),
        ("flag", flag),
        ("mail", mail),
        ("choice", choice),
    ]
    told = story([SimpleNamespace(at=desk.NOW, what=what, value=value) for what, value in moments], "UTC")
    assert [one.headline for one in told] == [
        "Paid",
        "Warning opened: bill voided",
        "Mailed to ana@example.org",
        "Ana decided: bill it again",
    ]
    assert told[-1].detail == "through the link mailed to ana@example.org"


def test_a_story_tells_who_did_in_xero_what_a_warning_is_about_when_they_did_it() -> None:
    deed = Deed("approved", desk.NOW - dt.timedelta(hours=2), "Ben Sample")
    flag = Flag(1, "example", "M-1", Reason.BILL_APPROVED, desk.NOW, deed=deed)
    closed = replace(flag, closed_at=desk.NOW, closed_because="resolved")
    moments = [SimpleNamespace(at=desk.NOW, what=what, value=f) for what, f in (("flag", flag), ("closed", closed))]
    told = story(moments, "UTC")
    assert [one.headline for one in told][:2] == [
        "Approved in Xero by Ben Sample",
        "Warning opened: milestone changed after approval",
    ]
    assert len(told) == 3


def test_a_long_part_of_a_forecast_comes_in_pages_that_lead_on() -> None:
    group = Group("60 milestones", "why", [SimpleNamespace(key=n) for n in range(60)], "unbilled")  # type: ignore[list-item]
    first, last = paged(group, 0, 50, "/forecast?lock=x"), paged(group, 1, 50, "/forecast?lock=x")
    assert (len(first.lines), first.more) == (50, "/forecast?lock=x&part=unbilled&page=1")
    assert (len(last.lines), last.more) == (10, "")


def test_an_address_that_takes_no_mail_is_shown_with_what_the_server_said() -> None:
    standing = Standing(desk.ORGANISATION, desk.BOOKS, {}, [], 0, None, None, None)
    assert card(standing, desk.NOW).trouble == []
    refused = Bounce("ann@example.org", desk.NOW, "550 no such user")
    (sentence,) = card(dataclasses.replace(standing, refused=[refused]), desk.NOW).trouble
    assert sentence == "No mail reaches ann@example.org since 9 July 2026, 10:42: 550 no such user"
    told = card(dataclasses.replace(standing, paused="by Ana", mail_error="451 try later"), desk.NOW).trouble
    assert told == ["Writing to Xero is paused by Ana.", "The mail server said: 451 try later"]
