"""Who is mailed when, and that nobody is mailed twice: the voice on a real database and a real mail server."""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path

import pytest
from mail_doubles import Clock, Inbox, MailServer
from mail_samples import BILL, BOOKS, MILESTONE, ORGANISATION, choice

from billwatch.almanac import Almanac
from billwatch.doctor.addresses import addresses
from billwatch.doctor.findings import Level
from billwatch.sections import Organisation as Settings
from billwatch.sections import People
from notify.diary import Diary
from notify.postman import Delivered, Postman
from notify.smtp import Security, Server
from notify.writer import Writer
from reconciler.hours import Waits, Weekly
from reconciler.model import Decision, Link, Terms, Verdict
from reconciler.notice import make_notice
from reconciler.organisation import Books, Organisation
from reconciler.people import Away, Person, Quiet
from reconciler.ports import Notice
from reconciler.reasons import Action, Choose, Reason, Role
from reconciler.records import Flag
from reconciler.reminding import Patience
from storage.ledger import Ledger

ANA, BEN, GRANTS, OPS = "ana@example.org", "ben@example.org", "grants@example.org", "ops@example.org"
PEOPLE = {Role.ACCOUNTING: (ANA,), Role.GRANTS: (GRANTS,), Role.OPERATOR: (OPS,)}
LOCK = dt.date(2026, 6, 30)
CAUSES = (Reason.PERIOD_LOCKED, Reason.BILL_MISSING, Reason.CONTACT_ARCHIVED, Reason.REFUSED, Reason.LOCK_LIFTED)
SECONDS, HOUR, DAY = dt.timedelta(seconds=30), dt.timedelta(hours=1), dt.timedelta(days=1)
WAITS = Waits(SECONDS, more=HOUR, resolved=15 * SECONDS)


class Office:
    """One organisation, its database, its people and a mail server; `reopen` starts billwatch anew."""

    def __init__(self, path: Path, clock: Clock, server: MailServer, inbox: Inbox) -> None:
        self.path, self.clock, self.inbox = path, clock, inbox
        self.server = Server("127.0.0.1", server.port, Security.NONE, timeout=5)
        self.organisation = replace(ORGANISATION, people=PEOPLE, reply_to="")
        self.weekly: Weekly | None = None
        self.ledger = self._open()
        self.ledger.mirror.store_books("example", BOOKS)

    def _open(self) -> Ledger:
        return Ledger.open(f"sqlite:///{self.path}", mail_domain="mail.example.org")

    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = self._open()

    def known(self, *persons: Person, **changes: object) -> None:
        """Change the settings."""
        self.organisation = replace(self.organisation, persons=persons, **changes)  # type: ignore[arg-type]

    def notice(self) -> Notice:
        now = self.clock()
        return make_notice(self.organisation, BOOKS.zone, self.ledger.outbox.shut(now), WAITS, now)

    def decide(self, keys: Sequence[str], reason: Reason, action: Action = Action.FLAG) -> tuple[Flag, ...]:
        """Put milestones if they are new, and decide them so."""
        known = {one.milestone.key for one in self.ledger.overview.listing("example", 1_000)}
        new = [replace(MILESTONE, key=key, payee=f"Payee {key}", due_date=None) for key in keys if key not in known]
        self.ledger.milestones.put(new, self.clock())
        lock = {"lock": LOCK, "proposed": LOCK + DAY} if reason is Reason.PERIOD_LOCKED else {}
        verdict = Verdict(action, reason, Link(), **lock)
        cases = self.ledger.milestones.gather("example", list(keys), 31)
        decisions = [Decision(case, replace(verdict, link=case.link)) for case in cases]
        return self.ledger.milestones.apply("example", decisions, self.notice(), self.clock()).opened

    def clear(self, keys: Sequence[str]) -> None:
        self.decide(keys, Reason.AWAITING_APPROVAL, Action.SKIP)

    def lose_connection(self) -> None:
        verdict = Verdict(Action.HOLD, Reason.CONNECTION_LOST, Link(), message="refused")
        self.ledger.milestones.raise_alert("example", verdict, self.notice(), self.clock())

    def connect(self) -> None:
        self.ledger.milestones.clear_alerts("example", [], self.notice(), self.clock())

    def writer(self) -> Writer:
        organisations = {"example": self.organisation}
        almanac = Almanac(self.ledger, organisations, 3, 7)
        page, sender = "https://billwatch.example.org", "billwatch@example.org"
        return Writer(self.ledger, organisations, ["key"], page, sender, self.clock, 30, almanac)

    def deliver(self) -> list[EmailMessage]:
        """Half a minute later, whatever is owed by then; started anew before and after. The mails that came in."""
        before = len(self.inbox.messages)
        self.clock.now += SECONDS
        for _ in range(2):
            self.reopen()
            self.diary().look()
            self.reopen()
            Postman(self.writer(), self.server, lambda: 1.0).deliver()
        return self.inbox.messages[before:]

    def diary(self) -> Diary:
        patience = Patience(3 * DAY, 7 * DAY)
        return Diary(self.ledger, {"example": self.organisation}, self.clock, patience, self.weekly, 3)


@pytest.fixture
def office(tmp_path: Path, mail_server: Callable[..., MailServer], inbox: Inbox) -> Iterator[Office]:
    made = Office(tmp_path / "billwatch.db", Clock(), mail_server(), inbox)
    yield made
    made.ledger.close()


def keys(count: int, start: int = 0) -> list[str]:
    return [f"M-{number:04}" for number in range(start, start + count)]


def text(message: EmailMessage) -> str:
    return str(message.get_body(("plain",)).get_content())  # type: ignore[union-attr]


def html(message: EmailMessage) -> str:
    return str(message.get_body(("html",)).get_content())  # type: ignore[union-attr]


def subjects(messages: Sequence[EmailMessage]) -> list[tuple[str, str]]:
    return [(str(message["To"]), str(message["Subject"])) for message in messages]


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
    others = [Ledger.open(f"sqlite:///{office.path}") for _ in range(4)]
    with ThreadPoolExecutor(len(others)) as pool:
        looks = [pool.submit(replace(office.diary(), ledger=other).look) for other in others]
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
    office.ledger.milestones.apply("example", made, office.notice(), office.clock())
    (mail,) = office.deliver()
    assert mail["Subject"] == "2 milestones changed after approval (NZ$6,000.00 in dispute)"
    assert re.search(r"Bill in Xero: https://go\.xero\.com/\S+", text(mail))


def test_the_organisation_has_nobody_to_tell_of_an_unknown_one(office: Office) -> None:
    office.decide(keys(1), Reason.REFUSED)
    elsewhere: dict[str, Organisation] = {}
    office.clock.now += SECONDS
    postman = Postman(replace(office.writer(), organisations=elsewhere), office.server, lambda: 1.0)
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
    assert [
        one.number for one in office.ledger.listing.owed("example") if one.what == "addresses that refuse mail"
    ] == [1]
    office.ledger.outbox.reached(ANA)
    assert addresses(settings, office.ledger).level is Level.OK
