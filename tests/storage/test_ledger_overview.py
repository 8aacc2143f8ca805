"""Listings say how everything stands; the story of a milestone is told in its order."""

import datetime as dt

import pytest
from ledger_samples import (
    HOUR,
    LEASE,
    NOW,
    ORG,
    attempt,
    bill,
    bind,
    case_of,
    choice,
    decide,
    hear,
    milestone,
    notice,
    verdict,
)

from reconciler.model import Exemption, Link
from reconciler.organisation import Books
from reconciler.reasons import Action, Choose, Reason
from reconciler.records import MailKind
from reconciler.xero_port import Outcome
from storage.ledger import Ledger
from storage.overview import Health, Moment


@pytest.fixture
def ledger(ledger: Ledger) -> Ledger:
    names = {"M1": "Aroha Trust", "M2": "Kahu 100% Ltd", "M3": "Te Whare"}
    ledger.milestones.put([milestone(key, payee=payee) for key, payee in names.items()], NOW)
    decide(ledger, Reason.PERIOD_LOCKED, "M1")
    decide(ledger, Reason.NOT_DUE, "M2")
    return ledger


def _listed(ledger: Ledger, **which: object) -> list[str]:
    return [each.milestone.key for each in ledger.overview.listing(ORG, 10, **which)]  # type: ignore[arg-type]


def test_reasons_are_counted_and_what_is_undecided_too(ledger: Ledger) -> None:
    assert ledger.census.counts([ORG])[ORG] == {Reason.PERIOD_LOCKED: 1, Reason.NOT_DUE: 1, None: 1}
    assert ledger.census.counts(["other"])["other"] == {}


def test_a_listing_shows_milestone_bill_and_verdict(ledger: Ledger) -> None:
    ledger.mirror.store_bills(ORG, [bill()])
    bind(ledger, "b1", "M2")
    _, second, third = ledger.overview.listing(ORG, 10)
    assert (second.milestone.key, second.bill, second.dirty) == ("M2", bill(), False)
    assert second.verdict is not None
    assert (second.verdict.reason, second.decided_at) == (Reason.NOT_DUE, NOW)
    assert (third.bill, third.verdict, third.decided_at, third.dirty) == (None, None, None, True)


def test_keys_are_listed_as_people_count(ledger: Ledger) -> None:
    ledger.milestones.put([milestone("M10"), milestone("M-10"), milestone("M-9"), milestone("m-2")], NOW)
    assert _listed(ledger) == ["m-2", "M-9", "M-10", "M1", "M2", "M3", "M10"]


def test_what_is_remembered_of_an_organisation_is_known_by_its_key(ledger: Ledger) -> None:
    ledger.mirror.store_books("elsewhere", Books(name="Elsewhere"))
    assert ledger.overview.organisations() == sorted([ORG, "elsewhere"])


def test_the_last_words_of_the_mail_server_are_kept_until_the_mail_is_sent(ledger: Ledger) -> None:
    (mail,) = ledger.outbox.claim(NOW + HOUR, 5, LEASE)
    assert ledger.census.mail_error([ORG]) == {}
    ledger.outbox.failed(mail.mail_id, "450 try later", NOW + HOUR, NOW)
    assert ledger.census.mail_error([ORG, "elsewhere"]) == {ORG: "450 try later"}
    ledger.outbox.sent(mail.mail_id, NOW + HOUR)
    assert ledger.census.mail_error([ORG]) == {}


def test_a_listing_can_be_narrowed_and_limited(ledger: Ledger) -> None:
    assert _listed(ledger) == ["M1", "M2", "M3"]
    assert _listed(ledger, action=Action.FLAG) == ["M1"]
    assert _listed(ledger, reason=Reason.NOT_DUE) == ["M2"]
    assert _listed(ledger, reason=Reason.PAID) == []
    assert [each.milestone.key for each in ledger.overview.listing(ORG, 2)] == ["M1", "M2"]


@pytest.mark.parametrize(
    ("text", "found"), [("aroha", ["M1"]), ("M3", ["M3"]), ("0%", ["M2"]), ("payment", ["M1", "M2", "M3"]), ("x%", [])]
)
def test_a_listing_can_be_searched(ledger: Ledger, text: str, found: list[str]) -> None:
    assert _listed(ledger, search=text) == found


def test_open_flags_are_listed_and_paged(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID, "M3")
    first, second = ledger.overview.open_flags(ORG, 10)
    assert [first.key, second.key] == ["M1", "M3"]
    assert ledger.overview.open_flags(ORG, 10, after=first.flag_id) == [second]
    decide(ledger, Reason.PAID, "M1")
    assert ledger.overview.open_flags(ORG, 10) == [second]
    assert [flag.closed_at for flag in ledger.overview.flags([first.flag_id])] == [NOW]


def test_mails_are_told_by_flag(ledger: Ledger) -> None:
    (flag,) = ledger.overview.open_flags(ORG, 10)
    (mail,) = ledger.outbox.claim(NOW, 10, LEASE)
    ledger.outbox.failed(mail.mail_id, "451 busy", NOW, NOW)
    ((posted,),) = ledger.overview.mails([flag.flag_id]).values()
    assert (posted.recipient, posted.sent_at, posted.error) == ("ann@example.org", None, "451 busy")
    ledger.outbox.sent(mail.mail_id, NOW + HOUR)
    ((posted,),) = ledger.overview.mails([flag.flag_id]).values()
    assert (posted.sent_at, posted.error) == (NOW + HOUR, "")
    assert ledger.overview.mails([]) == {}


def test_health_counts_what_is_left_to_do(ledger: Ledger) -> None:
    ledger.mirror.store_books(ORG, Books(swept_at=NOW))
    ledger.attempts.begin(attempt(ledger, "M3"), NOW)
    healthy = Health(undrained=0, dirty=1, open_flags=1, open_attempts=1, mails_owed=1, mails_refused=0, swept_at=NOW)
    assert ledger.overview.health(ORG) == healthy
    assert ledger.overview.health() == healthy
    assert ledger.overview.health("other") == Health(0, 0, 0, 0, 0, 0, None)


def test_the_story_of_a_milestone_is_told_in_order(ledger: Ledger, url: str) -> None:
    (mail,) = ledger.outbox.claim(NOW, 10, LEASE)
    ledger.outbox.sent(mail.mail_id, NOW + dt.timedelta(minutes=1))
    exemption = Exemption("Ann", "why", NOW + 2 * HOUR)
    exempt = choice(Choose.EXEMPT, at=NOW + 2 * HOUR)
    ledger.milestones.choose(ORG, "M1", case_of(ledger).link, exempt, exemption, Reason.PERIOD_LOCKED)
    decide(ledger, Reason.EXEMPT, at=NOW + 3 * HOUR)
    begun = ledger.attempts.begin(attempt(ledger, "M1", at=NOW + 4 * HOUR), NOW + 4 * HOUR)
    assert begun is not None
    ledger.attempts.answered(begun.attempt_id, [Outcome("b1")], NOW + 5 * HOUR)
    ledger.attempts.finish(begun.attempt_id, [("M1", Link(bill_id="b1"))], NOW + 6 * HOUR)
    story = ledger.overview.timeline(ORG, "M1")
    assert [moment.what for moment in story] == [
        "verdict", "flag", "mail", "choice", "exemption", "verdict", "closed", "attempt", "answer", "verified",
    ]  # fmt: skip
    assert story[0] == Moment(NOW, "verdict", (Action.FLAG, Reason.PERIOD_LOCKED))
    assert story[3].value == exempt
    assert story[8].value == Outcome("b1")


def test_of_a_warning_that_a_choice_closed_the_result_tells_alone(ledger: Ledger) -> None:
    (flag,) = ledger.overview.open_flags(ORG, 10)
    (warning,) = ledger.outbox.claim(NOW, 10, LEASE)
    ledger.outbox.sent(warning.mail_id, NOW)
    ledger.outbox.owe_result(ORG, [flag], choice(Choose.KEEP, at=NOW), notice())
    decide(ledger, Reason.PAID, at=NOW + HOUR)
    decide(ledger, Reason.BILL_PAID, "M3", at=NOW + HOUR, notice=notice(send_after=NOW + HOUR))
    for mail in ledger.outbox.claim(NOW + 2 * HOUR, 10, LEASE):
        ledger.outbox.sent(mail.mail_id, NOW + 2 * HOUR)
    mails = [moment.value.kind for moment in ledger.overview.timeline(ORG, "M1") if moment.what == "mail"]
    assert mails == [MailKind.WARNING, MailKind.RESULT]


def test_a_verdict_that_stays_is_told_once(ledger: Ledger) -> None:
    decide(ledger, Reason.PERIOD_LOCKED, at=NOW + HOUR, message="other facts")
    assert [moment.what for moment in ledger.overview.timeline(ORG, "M1")] == ["verdict", "flag"]


def test_of_an_unknown_milestone_there_is_no_story(ledger: Ledger, url: str) -> None:
    hear(url, ledger, "b1", NOW)
    ledger.milestones.raise_alert(ORG, verdict(Reason.PAUSED), notice(), NOW)
    assert ledger.overview.timeline(ORG, "gone") == []
