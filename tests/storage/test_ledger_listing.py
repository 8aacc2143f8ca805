"""Paging through milestones, exemptions and what is owed."""

import datetime as dt
from zoneinfo import ZoneInfo

import ledger_samples as sample
import pytest
from ledger_samples import NOW, ORG
from msgspec.structs import replace

from reconciler.model import Exemption, Status
from reconciler.reasons import Choose, Reason
from storage.ledger import Ledger

OTHER = "other"


@pytest.fixture
def several(ledger: Ledger) -> Ledger:
    """M1 to M5 in one organisation and M1 in another; M2 and M4 are paid, the rest is not decided."""
    ledger.milestones.put([sample.milestone(f"M{n}", title=f"Stage {n}") for n in range(1, 6)], NOW)
    ledger.milestones.put([sample.milestone("M1", organisation=OTHER, payee="TE MĀRA Trust")], NOW)
    for key in ("M2", "M4"):
        sample.decide(ledger, Reason.PAID, key)
    return ledger


def listed(ledger: Ledger, limit: int = 100, **options: object) -> list[tuple[str, str]]:
    found = ledger.listing.page([ORG, OTHER], limit, **options)  # type: ignore[arg-type]
    return [(one.milestone.organisation, one.milestone.key) for one in found]


def test_pages_follow_each_other_without_gap_or_repeat(several: Ledger) -> None:
    seen: list[tuple[str, str]] = []
    while more := listed(several, 2, after=seen[-1] if seen else ("", "")):
        assert len(more) <= 2
        seen += more
    assert seen == listed(several) == [(OTHER, "M1"), *((ORG, f"M{n}") for n in range(1, 6))]


def test_a_page_holds_only_the_organisations_asked_for(several: Ledger) -> None:
    assert {one.milestone.organisation for one in several.listing.page([ORG], 100)} == {ORG}


def test_reasons_are_found_in_order_and_page_by_page(several: Ledger) -> None:
    sample.decide(several, Reason.APPROVED, "M3")
    both = {Reason.PAID, Reason.APPROVED}
    assert listed(several, reasons=both) == [(ORG, "M2"), (ORG, "M3"), (ORG, "M4")]
    assert listed(several, reasons=both, after=(ORG, "M2")) == [(ORG, "M3"), (ORG, "M4")]


def test_what_is_not_decided_is_found_as_such(several: Ledger) -> None:
    assert (ORG, "M1") in listed(several, reasons={None})
    assert (ORG, "M2") not in listed(several, reasons={None})


@pytest.mark.parametrize("text", ["m1", "te māra", "Te Ma\N{COMBINING MACRON}ra  trust"])
def test_a_text_is_found_in_key_and_payee_whatever_its_case(several: Ledger, text: str) -> None:
    assert (OTHER, "M1") in listed(several, text=text)


def test_a_text_is_found_in_titles_and_together_with_reasons(several: Ledger) -> None:
    assert listed(several, text="Stage 4") == [(ORG, "M4")]
    assert listed(several, text="Stage", reasons={Reason.PAID}) == [(ORG, "M2"), (ORG, "M4")]


@pytest.mark.parametrize("text", ["%", "_", "' OR 1=1 --"])
def test_a_text_means_just_itself(several: Ledger, text: str) -> None:
    assert listed(several, text=text) == []


def test_what_is_owed_says_how_much_and_since_when(several: Ledger) -> None:
    later = NOW + sample.HOUR
    sample.decide(several, Reason.BILL_VOIDED, "M1", at=later, notice=sample.notice(send_after=later))
    sample.decide(several, Reason.CREATE, "M3")
    owed = {one.what: (one.number, one.since, one.next_try) for one in several.census.owed([ORG])[ORG]}
    assert owed == {"mails to send": (1, later, later), "milestones to write to Xero": (1, NOW, None)}
    assert several.census.owed([OTHER])[OTHER] == []


def test_a_mail_that_was_sent_is_not_owed_and_one_refused_for_good_is_told(several: Ledger) -> None:
    sample.decide(several, Reason.BILL_VOIDED, "M1", notice=sample.notice("a@example.org", "b@example.org"))
    first, second = several.outbox.claim(NOW, 10, sample.LEASE)
    several.outbox.sent(first.mail_id, NOW)
    several.outbox.refused(second, "550 no such user", "", NOW, NOW)
    owed = [(one.what, one.number) for one in several.census.owed([ORG])[ORG]]
    assert owed == [("mails refused for good", 1), ("addresses that refuse mail", 1)]


def test_the_last_event_is_known_by_organisation(several: Ledger, url: str) -> None:
    assert several.census.heard_at([ORG, OTHER]) == {}
    sample.hear(url, several, "b1", NOW)
    assert several.census.heard_at([ORG, OTHER]) == {ORG: NOW}


def test_turns_are_summed_up_by_day_with_what_was_before(several: Ledger) -> None:
    day = dt.timedelta(days=1)
    sample.decide(several, Reason.PAYMENT_REVERSED, "M2", at=NOW + day)
    turns = [(t.day, t.before, t.after, t.number) for t in several.listing.turned({ORG: dt.UTC}, NOW)]
    assert turns == [
        (NOW.date(), None, Reason.PAID, 2),
        (NOW.date() + dt.timedelta(days=1), Reason.PAID, Reason.PAYMENT_REVERSED, 1),
    ]
    assert [t.before for t in several.listing.turned({ORG: dt.UTC}, NOW + day)] == [Reason.PAID]


def test_a_turn_belongs_to_the_day_that_its_organisation_had(several: Ledger) -> None:
    midnight = dt.datetime(2026, 7, 9, 12, tzinfo=dt.UTC)  # in Auckland
    before, auckland = midnight - dt.timedelta(minutes=1), ZoneInfo("Pacific/Auckland")
    sample.decide(several, Reason.PAYMENT_REVERSED, "M2", at=before)
    sample.decide(several, Reason.PAID, "M2", at=midnight)
    days = [turn.day for turn in several.listing.turned({ORG: auckland}, before)]
    assert days == [dt.date(2026, 7, 9), dt.date(2026, 7, 10)]
    assert {turn.day for turn in several.listing.turned({ORG: dt.UTC}, before)} == {dt.date(2026, 7, 9)}


def test_exemptions_are_listed_while_they_stand_and_afterwards(several: Ledger) -> None:
    case = sample.case_of(several)
    exemption = Exemption("Ann", "Paid in kind", NOW)
    assert several.milestones.choose(ORG, "M1", case.link, sample.choice(Choose.EXEMPT), exemption, None)
    (one,) = several.listing.exemptions([ORG], 10)
    assert (one.key, one.payee, one.exemption, one.ended_by) == ("M1", "Aroha Trust", exemption, "")
    assert several.listing.exemptions([OTHER], 10) == several.listing.exemptions([ORG], 10, ended=True) == []
    several.milestones.end_exemption(ORG, "M1", "Ben", NOW)
    (undone,) = several.listing.exemptions([ORG], 10, ended=True)
    assert (undone.ended_by, undone.ended_at) == ("Ben", NOW)
    assert several.listing.exemptions([ORG], 10) == []


def test_what_a_lock_may_hold_up_goes_by_the_date_of_milestone_or_bill(several: Ledger) -> None:
    day = dt.timedelta(days=1)
    reasons = [Reason.AWAITING_APPROVAL, None]
    assert several.listing.dated(ORG, sample.DAY, reasons) == ["M1", "M3", "M5"]
    assert several.listing.dated(ORG, sample.DAY - day, reasons) == []
    several.mirror.store_bills(ORG, [sample.bill(date=sample.DAY - 9 * day)])
    sample.bind(several, "b1", "M3")
    sample.decide(several, Reason.AWAITING_APPROVAL, "M3")
    assert several.listing.dated(ORG, sample.DAY - day, reasons) == ["M3"]


def test_bills_that_nobody_has_approved_are_late_once_they_fall_due(several: Ledger) -> None:
    drafts = sample.bill(due_date=sample.DAY)
    several.mirror.store_bills(ORG, [drafts, replace(drafts, bill_id="b2", status=Status.AUTHORISED)])
    sample.bind(several, "b1", "M1")
    sample.bind(several, "b2", "M3")
    assert several.listing.late(ORG, sample.DAY) == ["M1"]
    assert several.listing.late(ORG, sample.DAY - dt.timedelta(days=1)) == []
