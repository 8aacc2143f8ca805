"""A flag follows the verdict of its milestone, and owes its mails in the same breath: each cause and address once."""

import datetime as dt

import pytest
from ledger_samples import (
    DAY,
    HOUR,
    LEASE,
    NOW,
    ORG,
    Broken,
    case_of,
    choice,
    decide,
    milestone,
    notice,
    settle,
    verdict,
)
from msgspec.structs import replace

from reconciler.errors import StorageError
from reconciler.milestone_port import Notice
from reconciler.model import Decision, Sifted
from reconciler.reasons import Choose, Reason
from reconciler.records import Flag, Mail, MailKind
from storage.ledger import Ledger

LATER = NOW + HOUR


@pytest.fixture
def ledger(ledger: Ledger) -> Ledger:
    ledger.milestones.put([milestone("M1"), milestone("M2"), milestone("M3")], NOW)
    return ledger


def _claim(ledger: Ledger, at: dt.datetime = LATER) -> list[Mail]:
    return ledger.outbox.claim(at, 100, LEASE)


def _keys(mail: Mail) -> list[str]:
    return [flag.key for flag in mail.flags]


def _flags(ledger: Ledger) -> list[Flag]:
    return ledger.overview.open_flags(ORG, 100)


def test_a_warning_opens_a_flag_and_owes_each_recipient_a_mail(ledger: Ledger) -> None:
    applied = decide(ledger, Reason.BILL_PAID, notice=notice("ann@x.org", "bob@x.org", "ann@x.org"), message="why")
    (flag,) = applied.opened
    assert (flag.key, flag.reason, flag.opened_at) == ("M1", Reason.BILL_PAID, NOW)
    mails = _claim(ledger)
    assert [mail.recipient for mail in mails] == ["ann@x.org", "bob@x.org"]
    assert [mail.flags for mail in mails] == [(flag,), (flag,)]
    assert {mail.kind for mail in mails} == {MailKind.WARNING}
    assert len({mail.message_id for mail in mails}) == 2
    assert all(mail.message_id.endswith("@mail.example.org>") for mail in mails)


def test_a_warning_that_concerns_nobody_is_a_flag_without_a_mail(ledger: Ledger) -> None:
    applied = decide(ledger, Reason.BILL_PAID, notice=Notice(lambda _reason: (), NOW))
    assert len(applied.opened) == 1
    assert _claim(ledger) == []


def test_quiet_verdicts_open_nothing(ledger: Ledger) -> None:
    assert decide(ledger, Reason.IN_SYNC).opened == ()
    assert decide(ledger, Reason.CREATE).opened == ()
    assert (_flags(ledger), _claim(ledger)) == ([], [])


def test_the_same_warning_again_is_neither_opened_nor_mailed_again(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID)
    assert len(_claim(ledger)) == 1
    applied = decide(ledger, Reason.BILL_PAID, at=LATER)
    assert (applied.opened, applied.closed) == ((), ())
    assert len(_flags(ledger)) == 1
    assert _claim(ledger, LATER + HOUR)[0].tries == 1


def test_the_same_warning_with_other_facts_keeps_the_newest_without_a_mail(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID, message="old")
    (mail,) = _claim(ledger)
    ledger.outbox.sent(mail.mail_id, NOW)
    applied = decide(ledger, Reason.BILL_PAID, at=LATER, message="new")
    assert applied.opened == ()
    (flag,) = _flags(ledger)
    assert flag.verdict is not None
    assert (flag.verdict.message, flag.opened_at) == ("new", NOW)
    assert _claim(ledger) == []


def test_another_warning_supersedes_the_first(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID)
    applied = decide(ledger, Reason.BILL_VOIDED, at=LATER)
    assert [flag.reason for flag in applied.opened] == [Reason.BILL_VOIDED]
    assert [(flag.reason, flag.closed_because) for flag in applied.closed] == [
        (Reason.BILL_PAID, "superseded by BILL_VOIDED")
    ]
    assert [flag.reason for flag in _flags(ledger)] == [Reason.BILL_VOIDED]
    assert [mail.reason for mail in _claim(ledger)] == [Reason.BILL_VOIDED]


@pytest.mark.parametrize(
    ("reason", "because"),
    [
        (Reason.IN_SYNC, "resolved: nothing is left to write"),
        (Reason.PAID, "resolved: nothing is left to write"),
        (Reason.EXEMPT, "the milestone is exempt from syncing"),
        (Reason.CREATE, "resolved: nothing stands in the way of the bill any more"),
        (Reason.WOULD_UPDATE, "resolved: nothing stands in the way of the bill any more"),
    ],
)
def test_a_flag_whose_cause_is_gone_closes_saying_why(ledger: Ledger, reason: Reason, because: str) -> None:
    decide(ledger, Reason.PERIOD_LOCKED)
    (closed,) = decide(ledger, reason, at=LATER).closed
    assert (closed.closed_because, closed.closed_at) == (because, LATER)
    assert (_flags(ledger), _claim(ledger)) == ([], [])


def test_waiting_touches_no_flag(ledger: Ledger) -> None:
    decide(ledger, Reason.PERIOD_LOCKED)
    applied = decide(ledger, Reason.XERO_UNAVAILABLE)
    assert (applied.opened, applied.closed) == ((), ())
    assert len(_flags(ledger)) == 1


def test_a_recurrence_opens_a_new_flag_and_mails_again(ledger: Ledger) -> None:
    decide(ledger, Reason.PERIOD_LOCKED)
    (first,) = _claim(ledger)
    ledger.outbox.sent(first.mail_id, NOW)
    decide(ledger, Reason.IN_SYNC)
    decide(ledger, Reason.PERIOD_LOCKED)
    (second,) = _claim(ledger)
    assert second.flags[0].flag_id != first.flags[0].flag_id
    assert second.message_id != first.message_id


def test_warnings_of_all_causes_are_collected_into_one_mail_per_recipient(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID, "M1")
    decide(ledger, Reason.PERIOD_LOCKED, "M2", lock=DAY)
    decide(ledger, Reason.BILL_VOIDED, "M3")
    (mail,) = _claim(ledger)
    assert [(flag.key, flag.cause) for flag in mail.flags] == [("M1", ""), ("M2", DAY.isoformat()), ("M3", "")]


def test_a_flag_may_be_brought_up_again_on_a_day_while_it_is_open(ledger: Ledger) -> None:
    (flag,) = decide(ledger, Reason.BILL_PAID, "M1").opened
    assert ledger.reminders.remind([flag.flag_id], DAY, "Ana", NOW) == 1
    assert [(f.remind_on, f.remind_by) for f in _flags(ledger)] == [(DAY, "Ana")]
    assert ledger.reminders.remind([flag.flag_id], None, "Ana", NOW) == 1
    assert [(f.remind_on, f.remind_by) for f in _flags(ledger)] == [(None, "")]
    decide(ledger, Reason.PAID, "M1")
    assert ledger.reminders.remind([flag.flag_id], DAY, "Ana", LATER) == 0


def test_warnings_of_different_organisations_are_never_in_one_mail(ledger: Ledger) -> None:
    ledger.milestones.put([milestone("M1", organisation="other")], NOW)
    decide(ledger, Reason.BILL_PAID, "M1")
    (case,) = ledger.milestones.gather("other", ["M1"], 31)
    ledger.milestones.keep("other", Sifted(news=(Decision(case, verdict(Reason.BILL_PAID)),)), notice(), NOW)
    assert [(mail.organisation, _keys(mail)) for mail in _claim(ledger)] == [(ORG, ["M1"]), ("other", ["M1"])]


def test_warnings_and_their_result_are_never_in_one_mail(ledger: Ledger) -> None:
    applied = decide(ledger, Reason.BILL_PAID, "M1")
    ledger.outbox.owe_result(ORG, applied.opened, choice(), notice("ann@example.org"))
    decide(ledger, Reason.BILL_PAID, "M2")
    found = {mail.kind: _keys(mail) for mail in _claim(ledger, LATER + HOUR)}
    assert found == {MailKind.WARNING: ["M1", "M2"], MailKind.RESULT: ["M1"]}


def test_a_flag_that_closed_and_came_back_before_the_mail_is_in_it_once(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID)
    decide(ledger, Reason.PAID)
    decide(ledger, Reason.BILL_PAID)
    (mail,) = _claim(ledger)
    assert _keys(mail) == ["M1"]
    assert mail.flags == tuple(_flags(ledger))


def test_a_claimed_mail_collects_no_more(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID, "M1")
    (first,) = _claim(ledger)
    decide(ledger, Reason.BILL_PAID, "M2")
    ledger.outbox.failed(first.mail_id, "busy", LATER, NOW)
    assert [_keys(mail) for mail in _claim(ledger)] == [["M2"], ["M1"]]


def test_a_mail_waits_until_its_time(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID, notice=notice(send_after=LATER))
    assert _claim(ledger, NOW) == []
    assert len(_claim(ledger, LATER)) == 1


def test_a_mail_leaves_out_what_has_closed_meanwhile(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID, "M1")
    decide(ledger, Reason.BILL_PAID, "M2")
    decide(ledger, Reason.PAID, "M1")
    assert [_keys(mail) for mail in _claim(ledger)] == [["M2"]]


def test_a_claimed_mail_is_nobody_elses_until_the_lease_ends(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID)
    (first,) = _claim(ledger, NOW)
    assert _claim(ledger, NOW + LEASE - dt.timedelta(microseconds=1)) == []
    (again,) = _claim(ledger, NOW + LEASE)
    assert (again.message_id, again.tries) == (first.message_id, 1)


def test_a_mail_that_was_sent_is_owed_no_more(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID)
    (mail,) = _claim(ledger)
    ledger.outbox.sent(mail.mail_id, LATER)
    assert _claim(ledger, LATER + LEASE) == []


def test_a_mail_that_failed_is_tried_again_then(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID)
    (mail,) = _claim(ledger, NOW)
    ledger.outbox.failed(mail.mail_id, "451 busy", LATER, NOW)
    assert _claim(ledger, LATER - dt.timedelta(seconds=1)) == []
    assert [again.mail_id for again in _claim(ledger, LATER)] == [mail.mail_id]


def test_a_mail_refused_for_good_is_never_tried_again(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID)
    (mail,) = _claim(ledger)
    ledger.outbox.refused(mail, "550 no such user", "", NOW, NOW)
    assert _claim(ledger, LATER + dt.timedelta(days=99)) == []
    assert ledger.overview.health(ORG).mails_refused == 1


def test_a_mail_that_was_passed_on_does_not_count_as_refused(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID)
    (mail,) = _claim(ledger)
    ledger.outbox.refused(mail, "550 no such user", "heir@example.org", NOW, NOW)
    assert [again.recipient for again in _claim(ledger)] == ["heir@example.org"]
    health = ledger.overview.health(ORG)
    assert (health.mails_refused, health.mails_owed) == (0, 1)
    assert [one.what for one in ledger.census.owed([ORG])[ORG]] == ["mails to send", "addresses that refuse mail"]


def test_since_when_a_mail_is_not_taken_is_kept_until_it_is(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID)
    assert ledger.outbox.failing_since() == {}
    for at in (NOW, LATER):
        (mail,) = _claim(ledger, at)
        ledger.outbox.failed(mail.mail_id, "451 busy", at, at)
        assert ledger.outbox.failing_since() == {ORG: NOW}
    ledger.outbox.sent(mail.mail_id, LATER)
    assert ledger.outbox.failing_since() == {}


def test_only_who_is_mailed_at_the_same_time_or_was_is_said_to_be_mailed_as_well(ledger: Ledger) -> None:
    by_hour = {"now@x": NOW, "too@x": NOW, "later@x": LATER}
    when = replace(notice(*by_hour), wanted=lambda address, _reason, _ready: by_hour[address])
    decide(ledger, Reason.BILL_PAID, notice=when)
    first, second = _claim(ledger, NOW)
    assert (first.also, second.also) == (("too@x",), ("now@x",))
    ledger.outbox.sent(first.mail_id, NOW)
    ledger.outbox.failed(second.mail_id, "451 busy", LATER + LEASE, NOW)
    (third,) = _claim(ledger, LATER)
    assert third.also == ("now@x",)


def test_no_more_mails_are_claimed_than_asked_for(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID, notice=notice("a@x", "b@x", "c@x"))
    assert [mail.recipient for mail in ledger.outbox.claim(NOW, 2, LEASE)] == ["a@x", "b@x"]
    assert [mail.recipient for mail in ledger.outbox.claim(NOW, 2, LEASE)] == ["c@x"]


def test_mails_that_are_not_owed_any_more_do_not_stand_in_the_way(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID, "M1")
    decide(ledger, Reason.BILL_VOIDED, "M2")
    decide(ledger, Reason.PAID, "M1")
    assert [_keys(mail) for mail in ledger.outbox.claim(NOW, 1, LEASE)] == [["M2"]]


def test_the_result_of_a_choice_goes_to_all_who_were_warned(ledger: Ledger) -> None:
    applied = decide(ledger, Reason.BILL_PAID, notice=notice("ann@x.org", "bob@x.org"))
    for mail in _claim(ledger):
        ledger.outbox.sent(mail.mail_id, NOW)
    decide(ledger, Reason.PAID)
    kept = choice(Choose.KEEP)
    ledger.outbox.owe_result(ORG, applied.opened, kept, notice("bob@x.org", "cay@x.org"))
    mails = _claim(ledger)
    assert [mail.recipient for mail in mails] == ["ann@x.org", "bob@x.org", "cay@x.org"]
    assert {mail.kind for mail in mails} == {MailKind.RESULT}
    assert {mail.choice for mail in mails} == {kept}
    assert [_keys(mail) for mail in mails] == [["M1"]] * 3


def test_who_was_never_warned_gets_no_result(ledger: Ledger) -> None:
    applied = decide(ledger, Reason.BILL_PAID, notice=notice("ann@x.org"))
    decide(ledger, Reason.PAID)
    assert _claim(ledger) == []
    ledger.outbox.owe_result(ORG, applied.opened, choice(), notice("bob@x.org"))
    assert [mail.recipient for mail in _claim(ledger)] == ["bob@x.org"]


def test_a_result_about_nothing_is_not_owed(ledger: Ledger) -> None:
    ledger.outbox.owe_result(ORG, [], choice(), notice())
    assert _claim(ledger) == []


def test_an_alert_is_raised_and_mailed_once_while_it_lasts(ledger: Ledger) -> None:
    for message in ("first", "second"):
        ledger.milestones.raise_alert(ORG, verdict(Reason.CONNECTION_LOST, message=message), notice("op@x"), NOW)
    (flag,) = _flags(ledger)
    assert flag.verdict is not None
    assert (flag.key, flag.verdict.message) == ("", "second")
    (mail,) = _claim(ledger)
    assert (mail.kind, mail.flags) == (MailKind.ALERT, (flag,))


def test_alerts_of_different_reasons_stand_side_by_side(ledger: Ledger) -> None:
    for reason in (Reason.CONNECTION_LOST, Reason.CAP_REACHED):
        ledger.milestones.raise_alert(ORG, verdict(reason), notice(), NOW)
    assert len(_flags(ledger)) == 2
    ledger.milestones.clear_alerts(ORG, [Reason.CAP_REACHED], notice(), NOW)
    assert [flag.reason for flag in _flags(ledger)] == [Reason.CAP_REACHED]
    assert [mail.reason for mail in _claim(ledger)] == [Reason.CAP_REACHED]


def test_clearing_alerts_leaves_milestones_and_other_organisations_alone(ledger: Ledger) -> None:
    decide(ledger, Reason.BILL_PAID)
    ledger.milestones.raise_alert("other", verdict(Reason.CONNECTION_LOST), notice(), NOW)
    ledger.milestones.clear_alerts(ORG, [], notice(), NOW)
    assert len(_flags(ledger)) == 1
    assert len(ledger.overview.open_flags("other", 10)) == 1


def test_an_alert_that_ended_is_told_to_be_over_and_mailed_again_when_it_recurs(ledger: Ledger) -> None:
    told = []
    for _ in range(2):
        ledger.milestones.raise_alert(ORG, verdict(Reason.CONNECTION_LOST), notice(), NOW)
        (mail,) = _claim(ledger)
        ledger.outbox.sent(mail.mail_id, NOW)
        ledger.milestones.clear_alerts(ORG, [], notice(), NOW)
        (over,) = _claim(ledger)
        ledger.outbox.sent(over.mail_id, NOW)
        told += [(len(mail.flags), len(mail.resolved)), (len(over.flags), len(over.resolved))]
    assert told == [(1, 0), (0, 1)] * 2
    assert _claim(ledger) == []


@pytest.mark.parametrize("change", ["INSERT ON mail", "INSERT ON mail_flag", "INSERT ON verdict", "INSERT ON flag"])
def test_a_flag_a_verdict_and_their_mails_are_kept_together_or_not_at_all(
    ledger: Ledger, broken: Broken, change: str
) -> None:
    settle(ledger)
    with broken(change), pytest.raises(StorageError):
        decide(ledger, Reason.BILL_PAID)
    assert (_flags(ledger), _claim(ledger)) == ([], [])
    assert ledger.milestones.standing(ORG, ["M1"])[0].verdict.reason is Reason.NOT_DUE
    assert len(decide(ledger, Reason.BILL_PAID).opened) == 1
    assert case_of(ledger).link.version == 0
