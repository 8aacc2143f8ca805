"""What is old and done with goes; what is open, or says who decided what, stays."""

import datetime as dt

from ledger_samples import HOUR, LEASE, NOW, ORG, attempt, bind, decide, milestone

from reconciler.progress import What
from reconciler.reasons import Reason
from storage.ledger import Ledger

LATER = NOW + dt.timedelta(days=800)


def left(ledger: Ledger, *tables: str) -> list[int]:
    counts = {name: len(list(rows)) for name, rows in ledger.export.tables(ORG)}
    return [counts[name] for name in tables]


def test_history_goes_but_for_the_last_verdict_of_each_milestone_and_what_is_not_finished(ledger: Ledger) -> None:
    ledger.milestones.put([milestone(), milestone("M2")], NOW)
    decide(ledger, Reason.NOT_DUE)
    decide(ledger, Reason.APPROVED, at=NOW + HOUR)
    decide(ledger, Reason.NOT_DUE, "M2")
    done, going = attempt(ledger, "M1"), attempt(ledger, "M2")
    begun = ledger.attempts.begin(done, NOW)
    assert begun
    ledger.attempts.finish(begun.attempt_id, [], NOW)
    assert ledger.attempts.begin(going, NOW)
    assert ledger.retention.history(NOW) == 0
    assert ledger.retention.history(LATER) >= 2
    assert left(ledger, "milestones", "verdicts", "attempts") == [2, 2, 1]
    assert ledger.retention.history(LATER) == 0


def test_the_feed_loses_its_beginning_and_says_how_much_of_it(ledger: Ledger) -> None:
    ledger.milestones.put([milestone(), milestone("M2")], NOW)
    decide(ledger, Reason.NOT_DUE)
    decide(ledger, Reason.APPROVED, at=NOW + HOUR)
    decide(ledger, Reason.NOT_DUE, "M2", at=NOW + HOUR)
    every = [change.change_id for change in ledger.changes.after([ORG], 0, 100)]
    assert ledger.retention.changes(NOW) == 0
    assert ledger.changes.forgotten(ORG) == 0
    assert ledger.retention.changes(LATER) == len(every) - 1
    assert [change.change_id for change in ledger.changes.after([ORG], 0, 100)] == every[-1:]
    assert ledger.changes.forgotten(ORG) == every[-2]
    assert ledger.changes.forgotten("another") == 0


def test_what_is_still_an_event_of_an_endpoint_stays_in_the_feed(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.hooks.spread("platform", [ORG], list(What), NOW)
    decide(ledger, Reason.NOT_DUE)
    decide(ledger, Reason.APPROVED, at=NOW + HOUR)
    assert ledger.hooks.spread("platform", [ORG], list(What), NOW) >= 2
    assert ledger.retention.changes(LATER) == 0


def test_mails_go_once_they_are_done_with_and_nothing_of_them_is_open(ledger: Ledger) -> None:
    ledger.milestones.put([milestone(), milestone("M2"), milestone("M3")], NOW)
    decide(ledger, Reason.LOCKED_DRAFT)
    decide(ledger, Reason.BILL_PAID, "M2")
    sent = ledger.outbox.claim(NOW, 10, LEASE)
    for mail in sent:
        ledger.outbox.sent(mail.mail_id, NOW)
    decide(ledger, Reason.LOCKED_DRAFT, "M3")
    assert ledger.retention.mails(LATER) == 0
    decide(ledger, Reason.NOT_DUE)
    decide(ledger, Reason.NOT_DUE, "M2")
    assert ledger.retention.mails(NOW) == 0
    owed = left(ledger, "mails")[0]
    assert ledger.retention.mails(LATER) == len(sent)
    assert left(ledger, "mails") == [owed - len(sent)]
    assert left(ledger, "flags") == [3]


def test_who_decided_what_is_kept_for_ever(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    bind(ledger, "b1")
    ledger.retention.history(LATER)
    ledger.retention.mails(LATER)
    assert left(ledger, "choices", "standing") == [1, 1]


def test_numbers_that_others_hold_on_to_are_never_given_out_again(ledger: Ledger) -> None:
    ledger.milestones.put([milestone(), milestone("M2")], NOW)
    decide(ledger, Reason.NOT_DUE)
    newest = ledger.changes.newest()
    ledger.retention.changes(LATER)
    decide(ledger, Reason.NOT_DUE, "M2")
    assert ledger.changes.newest() > newest
