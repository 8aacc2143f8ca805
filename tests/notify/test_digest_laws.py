"""What comes by the day and by the week: digests, the weekly report, and the look ahead to the next lock."""

import datetime as dt

from mail_office import (
    ANA,
    DAY,
    GRANTS,
    LOCK,
    Office,
    keys,
    subjects,
    text,
)
from mail_samples import BOOKS, MILESTONE, choice
from msgspec.structs import replace

from reconciler.hours import Weekly
from reconciler.organisation import Books
from reconciler.people import Person
from reconciler.reasons import Action, Choose, Reason


def test_a_daily_digest_is_one_mail_with_what_is_new_what_is_open_and_what_was_resolved(office: Office) -> None:
    office.known(Person(ANA, digest=dt.time(8)))
    at_eight = dt.datetime(2026, 7, 9, 20, tzinfo=dt.UTC)
    office.decide(keys(3), Reason.REFUSED)
    assert office.deliver() == []
    office.clock.now = at_eight
    assert len(office.deliver()) == 1
    office.clock.move(days=3, hours=-2)
    office.deliver()
    office.clear(keys(1))
    office.decide(keys(2, 3), Reason.BILL_MISSING)
    assert office.deliver() == []
    office.clock.now = at_eight + 3 * DAY
    (digest,) = office.deliver()
    said = text(digest)
    assert "2 bills not found in Xero" in said
    assert "You were told before, and it is still open." in said
    assert "Resolved since you were told: 1" in said


def test_a_result_takes_the_place_of_the_closing_note(office: Office) -> None:
    flags = office.decide(keys(2), Reason.REFUSED)
    office.deliver()
    office.ledger.outbox.owe_result("example", flags, choice(Choose.DATE, date=LOCK + DAY), office.notice())
    office.clear(keys(2))
    (result,) = office.deliver()
    assert result["Subject"] == "2 milestones: Kim Example decided: date it 1 July 2026 (NZ$30,000.00)"
    office.clock.move(hours=1)
    assert office.deliver() == []


def test_the_week_is_reported_once_from_the_first_whole_one_on(office: Office) -> None:
    office.weekly = Weekly(0, dt.time(8))
    office.clock.now = dt.datetime(2026, 7, 9, 0, tzinfo=dt.UTC)
    assert office.deliver() == []
    office.clock.now = dt.datetime(2026, 7, 12, 20, tzinfo=dt.UTC)  # eight on Monday morning in Auckland
    mails = office.deliver()
    subject = "All is well; 0 billed, 0 paid since 6 Jul"
    assert subjects(mails) == [(ANA, subject), (GRANTS, subject)]
    assert "6 July 2026 to 12 July 2026" in text(mails[0])
    office.clock.move(days=6)
    assert office.deliver() == []
    office.clock.move(days=30)
    assert len(office.deliver()) == 2


def test_no_week_begins_before_it_is_known_where_the_organisation_is(office: Office) -> None:
    office.weekly = Weekly(0, dt.time(8))
    office.ledger.mirror.store_books("example", Books())
    office.clock.now = dt.datetime(2026, 7, 12, 21, tzinfo=dt.UTC)  # nine on Monday in Auckland, still Sunday in UTC
    assert office.deliver() == []
    office.ledger.mirror.store_books("example", BOOKS)
    assert office.deliver() == []


def test_the_usual_lock_is_looked_ahead_to_once_if_it_would_hold_anything_up(office: Office) -> None:
    office.known(lock_day=14)
    new = [replace(MILESTONE, key=key, date=LOCK, stages=frozenset({"approved"})) for key in keys(3)]
    office.ledger.milestones.put(new, office.clock())
    office.decide(keys(3), Reason.CREATE, Action.SYNC)
    office.clock.now = dt.datetime(2026, 7, 10, 19, tzinfo=dt.UTC)  # seven in the morning of the 11th
    books = replace(BOOKS, period_lock=None, accounts=frozenset({"470"}), currencies=frozenset({"NZD"}))
    office.ledger.mirror.store_books("example", books)
    assert office.deliver() == []
    office.clock.move(hours=1)
    mails = office.deliver()
    subject = "If you lock to 30 June 2026, 3 milestones cannot be billed"
    assert subjects(mails) == [(ANA, subject), (GRANTS, subject)]
    assert "usually locked on 14 July 2026" in text(mails[0]).replace("\n", " ")
    office.clock.move(days=2)
    assert office.deliver() == []


def test_a_look_ahead_to_nothing_is_not_mailed(office: Office) -> None:
    office.known(lock_day=14)
    office.clock.now = dt.datetime(2026, 7, 10, 21, tzinfo=dt.UTC)
    assert office.deliver() == []
    assert office.ledger.overview.health().mails_owed == 0
