"""Who is warned and reminded when, and that nobody is mailed twice: on a real database and a real mail server."""

import dataclasses
import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from mail_office import (
    ANA,
    BEN,
    CAUSES,
    GRANTS,
    HOUR,
    OPS,
    PEOPLE,
    SECONDS,
    Office,
    html,
    keys,
    subjects,
    text,
)
from mail_samples import BILL, ORGANISATION, choice
from msgspec.structs import replace

from billwatch.doctor.addresses import addresses
from billwatch.doctor.findings import Level
from billwatch.organisation import Organisation as Settings
from billwatch.people import People
from notify.postman import Delivered, Postman
from reconciler.hours import Weekly
from reconciler.model import Decision, Terms, Verdict
from reconciler.organisation import Organisation
from reconciler.people import Away, Person, Quiet
from reconciler.reasons import Action, Choose, Reason, Role
from storage.ledger import Ledger


def test_two_hundred_milestones_hit_by_one_lock_date_make_one_mail_per_recipient(office: Office) -> None:
    office.known(people=PEOPLE | {Role.ACCOUNTING: (ANA, BEN)})
    for start in range(0, 200, 50):
        office.decide(keys(50, start), Reason.PERIOD_LOCKED)
        office.clock.move(seconds=5)
    subject = "200 bills blocked by the lock to 30 June 2026 (NZ$3,000,000.00)"
    assert subjects(office.deliver()) == [(ANA, subject), (BEN, subject)]
    assert office.deliver() == []


def test_two_hundred_flags_of_five_causes_make_one_mail_with_five_sections_and_one_closing_note(office: Office) -> None:
    for number, reason in enumerate(CAUSES):
        office.decide(keys(40, 40 * number), reason)
    (mail,) = office.deliver()
    assert mail["Subject"] == "200 milestones need a decision (NZ$3,000,000.00)"
    assert html(mail).count("<h2") == 5
    assert text(mail).count("The largest of the 40:") == 5
    office.clear(keys(200))
    assert office.deliver() == []
    office.clock.move(minutes=10)
    (note,) = office.deliver()
    assert note["Subject"] == "Resolved: 200 milestones"
    assert "nothing left to do" in text(note)
    office.clock.move(days=2)
    assert office.deliver() == []


def test_what_closes_before_anybody_heard_of_it_is_never_mailed(office: Office) -> None:
    office.decide(keys(3), Reason.REFUSED)
    office.clear(keys(3))
    office.clock.move(hours=2)
    assert office.deliver() == []


def test_new_flags_of_an_open_cause_wait_for_the_interval_and_new_causes_do_not(office: Office) -> None:
    office.decide(keys(2), Reason.REFUSED)
    assert len(office.deliver()) == 1
    office.decide(keys(1, 2), Reason.REFUSED)
    assert office.deliver() == []
    office.clock.move(minutes=61)
    (more,) = office.deliver()
    assert "M-0002" in text(more)
    assert "M-0000" not in text(more)
    office.decide(keys(1, 3), Reason.REFUSED)
    office.decide(keys(1, 4), Reason.BILL_MISSING)
    (both,) = office.deliver()
    assert both["Subject"] == "2 milestones need a decision (NZ$30,000.00)"


def test_sets_are_compared_and_not_counts(office: Office) -> None:
    office.decide(keys(3), Reason.REFUSED)
    office.deliver()
    office.clear(keys(1))
    office.decide(keys(1, 3), Reason.REFUSED)
    office.clock.move(minutes=61)
    (mail,) = office.deliver()
    assert "M-0003" in text(mail)
    assert "Resolved since you were told: 1" in text(mail)
    assert "M-0000" in text(mail)
    assert "M-0001" not in text(mail)


def test_a_mail_and_what_follows_it_are_one_conversation(office: Office) -> None:
    office.decide(keys(2), Reason.PERIOD_LOCKED)
    (first,) = office.deliver()
    office.decide(keys(1, 2), Reason.PERIOD_LOCKED)
    office.clock.move(minutes=61)
    (more,) = office.deliver()
    office.clear(keys(3))
    office.clock.move(minutes=10)
    (note,) = office.deliver()
    assert (first["References"], more["References"]) == (None, first["Message-ID"])
    assert str(note["References"]).split() == [first["Message-ID"], more["Message-ID"]]
    assert note["In-Reply-To"] == more["Message-ID"]
    office.decide(keys(1, 9), Reason.BILL_MISSING)
    assert office.deliver()[0]["References"] is None


def test_who_does_not_decide_is_reminded_and_then_it_is_passed_on(office: Office) -> None:
    office.known(Person(ANA, second=BEN))
    office.decide(keys(2), Reason.REFUSED)
    office.deliver()
    came = []
    for day in range(1, 9):
        office.clock.move(days=1)
        came += [(day, *one) for one in subjects(office.deliver())]
    said = "2 bills refused by Xero (NZ$30,000.00)"
    assert came == [
        (3, ANA, f"Reminder: {said}"),
        (6, ANA, f"Reminder: {said}"),
        (7, BEN, f"Undecided: {said}"),
    ]
    assert "Open since 9 July 2026, and nobody has decided. ana@example.org was asked." in text(
        office.inbox.messages[-1]
    ).replace("\n", " ")


def test_what_was_flagged_while_nobody_was_named_is_told_once_somebody_is(office: Office) -> None:
    office.known(people={})
    office.decide(keys(2), Reason.REFUSED)
    office.clock.move(days=2)
    assert office.deliver() == []
    office.known(people=PEOPLE)
    assert subjects(office.deliver()) == [(ANA, "2 bills refused by Xero (NZ$30,000.00)")]
    assert office.deliver() == []


def test_an_alert_that_lasts_is_brought_up_again_and_passed_on(office: Office) -> None:
    office.known(Person(OPS, second=BEN))
    office.lose_connection()
    office.deliver()
    came = []
    for day in range(1, 8):
        office.clock.move(days=1)
        came += [(day, *one) for one in subjects(office.deliver())]
    lost = "Example Trust: connection to Xero lost, nothing is synced"
    assert came == [(3, OPS, f"Reminder: {lost}"), (6, OPS, f"Reminder: {lost}"), (7, BEN, lost)]


def test_two_that_look_at_once_owe_nothing_twice(office: Office) -> None:
    office.weekly = Weekly(0, dt.time(8))
    office.deliver()
    office.known(Person(ANA, second=BEN), lock_day=20)
    office.decide(keys(100), Reason.REFUSED)
    office.deliver()
    office.clock.move(days=7)
    others = [Ledger.open(office.database) for _ in range(4)]
    with ThreadPoolExecutor(len(others)) as pool:
        looks = [pool.submit(dataclasses.replace(office.diary(), ledger=other).look) for other in others]
        assert [look.result(30) for look in looks] == [None] * 4
    for other in others:
        other.close()
    owed = [(mail.recipient, mail.kind.value, len(mail.flags)) for mail in office.ledger.outbox.owed("example")]
    assert sorted(owed) == [
        (ANA, "warning", 100),
        (ANA, "weekly", 0),
        (BEN, "escalation", 100),
        (GRANTS, "weekly", 0),
    ]


def test_a_day_that_somebody_names_comes_once_and_silences_the_usual_reminders(office: Office) -> None:
    (flag,) = office.decide(keys(1), Reason.REFUSED)
    office.deliver()
    office.ledger.reminders.remind([flag.flag_id], dt.date(2026, 7, 15), "Ana", office.clock())
    came = []
    for _ in range(7):
        office.clock.move(days=1)
        came += [(office.clock.now.date().day, *one) for one in subjects(office.deliver())]
    assert [(day, to) for day, to, _ in came] == [(14, ANA)]  # the morning of the 15th in Auckland
    assert came[0][2].startswith("Reminder: Payee M-0000 M-0000")


def test_an_organisation_that_is_not_connected_mails_of_no_bill_until_it_is_and_then_of_what_is_open(
    office: Office,
) -> None:
    office.decide(keys(3), Reason.REFUSED)
    office.lose_connection()
    assert subjects(office.deliver()) == [(OPS, "Example Trust: connection to Xero lost, nothing is synced")]
    office.clock.move(hours=5)
    assert office.deliver() == []
    office.clear(keys(2))
    office.connect()
    assert sorted(subjects(office.deliver())) == [
        (ANA, "Payee M-0002 M-0002: Xero refused the bill of NZ$15,000.00"),
        (OPS, "Example Trust: connected to Xero again, syncing goes on"),
    ]


def test_a_refused_address_passes_its_mail_on_and_is_shown_until_it_takes_one_again(office: Office) -> None:
    office.inbox.refuse_recipient[ANA] = "550 no such user"
    office.decide(keys(2), Reason.REFUSED)
    assert subjects(office.deliver()) == [(OPS, "2 bills refused by Xero (NZ$30,000.00)")]
    (bounce,) = office.ledger.outbox.bounced()
    assert (bounce.address, "550 no such user" in bounce.said) == (ANA, True)
    office.decide(keys(1, 2), Reason.BILL_MISSING)
    assert [message["To"] for message in office.deliver()] == [OPS]
    office.inbox.refuse_recipient.clear()
    office.clock.move(days=8)
    office.clear(keys(3))
    office.deliver()
    office.decide(keys(1, 3), Reason.BILL_MISSING)
    assert ANA in [message["To"] for message in office.deliver()]
    assert office.ledger.outbox.bounced() == []


def test_a_refused_address_whose_colleague_has_the_mail_already_costs_nobody_a_second_one(office: Office) -> None:
    office.known(people=PEOPLE | {Role.ACCOUNTING: (ANA, BEN)})
    office.inbox.refuse_recipient[ANA] = "550 no such user"
    office.decide(keys(2), Reason.REFUSED)
    assert [message["To"] for message in (*office.deliver(), *office.deliver())] == [BEN]


def test_a_result_is_passed_on_as_well(office: Office) -> None:
    flags = office.decide(keys(1), Reason.REFUSED)
    office.deliver()
    office.inbox.refuse_recipient[ANA] = "550 no such user"
    office.ledger.outbox.owe_result("example", flags, choice(Choose.EXEMPT, reason="By hand"), office.notice())
    assert [str(message["To"]) for message in office.deliver()] == [OPS]


def test_who_is_away_is_stood_in_for(office: Office) -> None:
    office.known(Person(ANA, away=Away(dt.date(2026, 7, 12), BEN)))
    office.decide(keys(1), Reason.REFUSED)
    assert [message["To"] for message in office.deliver()] == [BEN]
    office.clock.move(days=5)
    office.decide(keys(1, 1), Reason.BILL_MISSING)
    assert ANA in [message["To"] for message in office.deliver()]


def test_nobody_is_mailed_in_quiet_hours_but_the_operator_of_a_lost_connection(office: Office) -> None:
    night = Quiet(dt.time(18), dt.time(7, 30))
    office.known(Person(ANA, quiet=night), Person(OPS, quiet=night))
    office.clock.now = dt.datetime(2026, 7, 9, 11, tzinfo=dt.UTC)  # eleven in the evening in Auckland
    office.decide(keys(1), Reason.REFUSED)
    assert office.deliver() == []
    office.clock.now = dt.datetime(2026, 7, 9, 19, 30, tzinfo=dt.UTC)
    assert [message["To"] for message in office.deliver()] == [ANA]
    office.clock.now = dt.datetime(2026, 7, 10, 11, tzinfo=dt.UTC)
    office.lose_connection()
    assert [message["To"] for message in office.deliver()] == [OPS]


def test_only_a_crash_between_acceptance_and_its_record_repeats_a_mail_and_with_the_same_id(office: Office) -> None:
    office.decide(keys(2), Reason.REFUSED)
    office.clock.now += SECONDS
    writer = office.writer()
    (owed,) = office.ledger.outbox.claim(office.clock(), 10, HOUR)
    office.server.send(writer.letter(owed).message, ANA)  # and here the power fails
    office.clock.now += HOUR
    (again,) = office.deliver()
    assert again["Message-ID"] == office.inbox.messages[0]["Message-ID"]
    assert office.deliver() == []


def test_sums_speak_of_the_difference_where_only_that_is_in_dispute(office: Office) -> None:
    ours = Terms("c-1", Decimal("15000.00"), "NZD", dt.date(2026, 7, 3))
    office.ledger.mirror.store_bills("example", [replace(BILL, bill_id=f"b-{key}", number=key) for key in keys(2)])
    office.decide(keys(2), Reason.IN_SYNC, Action.SKIP)
    cases = office.ledger.milestones.gather("example", keys(2), 31)
    made = []
    for case in cases:
        link = replace(case.link, bill_id=f"b-{case.milestone.key}")
        verdict = Verdict(Action.FLAG, Reason.BILL_APPROVED, link, ours=ours, theirs=BILL.terms(ORGANISATION.sense))
        made.append(Decision(case, verdict))
    office.keep(made)
    (mail,) = office.deliver()
    assert mail["Subject"] == "2 milestones changed after approval (NZ$6,000.00 in dispute)"
    assert re.search(r"Bill in Xero: https://go\.xero\.com/\S+", text(mail))


def test_the_organisation_has_nobody_to_tell_of_an_unknown_one(office: Office) -> None:
    office.decide(keys(1), Reason.REFUSED)
    elsewhere: dict[str, Organisation] = {}
    office.clock.now += SECONDS
    postman = Postman(dataclasses.replace(office.writer(), organisations=elsewhere), office.server, lambda: 1.0)
    assert postman.deliver() == Delivered(failed=1)


def test_an_address_that_refuses_mail_is_shown_by_doctor_and_on_the_dashboard(office: Office) -> None:
    people = People(accounting=(ANA,))
    settings = Settings(key="example", name="Example Trust", client_id="app", people=people)
    office.inbox.refuse_recipient[ANA] = "550 no such user"
    office.decide(keys(1), Reason.REFUSED)
    office.deliver()
    found = addresses(settings, office.ledger)
    assert found.level is Level.WARNING
    assert "ana@example.org (The mail server refused the mail: 550 no such user); whoever comes next" in found.words
    owed = {one.what: one.number for one in office.ledger.census.owed(["example"])["example"]}
    assert owed["addresses that refuse mail"] == 1
    office.ledger.outbox.reached(ANA)
    assert addresses(settings, office.ledger).level is Level.OK
