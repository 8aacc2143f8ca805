"""What the platform says is kept, and makes due what it changes; what is decided is kept while it still holds."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from ledger_samples import (
    DAY,
    NOW,
    ORG,
    attempt,
    bill,
    bind,
    case_of,
    choice,
    decide,
    dirty,
    milestone,
    notice,
    settle,
    terms,
    verdict,
)
from msgspec.structs import replace

from reconciler.model import Case, Decision, Exemption, Link, Links, Sifted
from reconciler.organisation import Books
from reconciler.reasons import Action, Choose, Reason
from storage.ledger import Ledger


def test_a_new_milestone_is_counted_and_due(ledger: Ledger) -> None:
    assert ledger.milestones.put([milestone("M1"), milestone("M2")], NOW) == (2, 0, 0)
    assert ledger.milestones.dirty_keys(ORG, NOW, 10) == ["M1", "M2"]


def test_a_changed_milestone_is_due_again_and_its_version_grows(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    settle(ledger)
    assert ledger.milestones.put([milestone(amount=Decimal("1000.01"))], NOW) == (0, 1, 0)
    assert dirty(ledger)
    assert case_of(ledger).milestone == milestone(amount=Decimal("1000.01"), version=2)


def test_the_same_milestone_again_changes_nothing(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    settle(ledger)
    assert ledger.milestones.put([milestone(amount=Decimal(1000), version=7)], NOW) == (0, 0, 1)
    assert not dirty(ledger)
    assert case_of(ledger).milestone.version == 1


def test_of_a_milestone_given_twice_the_last_counts(ledger: Ledger) -> None:
    assert ledger.milestones.put([milestone(title="a"), milestone(title="b")], NOW) == (1, 0, 0)
    assert case_of(ledger).milestone.title == "b"


def test_milestones_of_another_organisation_are_not_touched(ledger: Ledger) -> None:
    ledger.milestones.put([milestone(), milestone(organisation="other")], NOW)
    settle(ledger)
    assert ledger.milestones.dirty_keys("other", NOW, 10) == ["M1"]


def test_keys_come_in_order_and_in_pages(ledger: Ledger) -> None:
    keys = [f"M{number:03}" for number in range(250)]
    ledger.milestones.put([milestone(key) for key in reversed(keys)], NOW)
    first = ledger.milestones.dirty_keys(ORG, NOW, 100)
    assert first + ledger.milestones.dirty_keys(ORG, NOW, 1000, after=first[-1]) == keys
    assert [case.milestone.key for case in ledger.milestones.gather(ORG, [*keys, "unknown"], 31)] == keys
    assert [case.milestone.key for case in ledger.milestones.stream(ORG, 31)] == keys


def test_an_applied_decision_is_recorded_and_nothing_is_due(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    link = Link(bill_id="b1", asked=terms(), seen=terms(), settled=Decimal("12.34"), locked_out=DAY)
    applied = decide(ledger, Reason.APPROVED, link=link, message="as it says")
    assert applied.overtaken == ()
    (standing,) = ledger.milestones.standing(ORG, ["M1"])
    assert standing.verdict == verdict(Reason.APPROVED, replace(link, version=1), message="as it says")
    assert standing.case.link == replace(link, version=1)
    assert not dirty(ledger)


def test_a_decision_that_leaves_the_link_alone_leaves_its_version(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    settle(ledger)
    assert case_of(ledger).link == Link()


def test_a_milestone_that_nobody_decided_has_no_standing(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    assert ledger.milestones.standing(ORG, ["M1"]) == []


def test_a_held_milestone_stays_due(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    decide(ledger, Reason.XERO_UNAVAILABLE)
    assert dirty(ledger)
    assert ledger.milestones.standing(ORG, ["M1"])[0].verdict.reason is Reason.XERO_UNAVAILABLE


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda ledger: ledger.milestones.put([milestone(title="new")], NOW),
        lambda ledger: ledger.milestones.touch(ORG, ["M1"]),
        lambda ledger: ledger.milestones.touch(ORG),
        lambda ledger: ledger.milestones.choose(ORG, "M1", Link(), choice(), None, None),
        lambda ledger: ledger.attempts.begin(attempt(ledger), NOW),
        lambda ledger: ledger.mirror.store_bills(ORG, [bill(number="GM-M1")]),
        lambda ledger: ledger.mirror.store_books(ORG, Books(currency="NZD")),
    ],
    ids=["put", "touched", "all touched", "chosen", "attempted", "bill read", "books read"],
)
def test_a_decision_on_older_facts_is_overtaken_and_changes_nothing(
    ledger: Ledger, meanwhile: Callable[[Ledger], object]
) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_books(ORG, Books(currency="AUD"))
    case, books = case_of(ledger), ledger.mirror.books(ORG)
    meanwhile(ledger)
    before = ledger.milestones.standing(ORG, ["M1"])
    decision = Decision(case, verdict(Reason.PERIOD_LOCKED, Link(bill_id="b9")))
    applied = ledger.milestones.keep(ORG, Sifted(news=(decision,), books=books.version), notice(), NOW)
    assert (applied.overtaken, applied.opened) == (("M1",), ())
    assert dirty(ledger)
    assert ledger.milestones.standing(ORG, ["M1"]) == before
    assert ledger.outbox.claim(NOW, 10, dt.timedelta(1)) == []


def test_an_unknown_milestone_is_overtaken(ledger: Ledger) -> None:
    decision = Decision(Case(milestone("gone")), verdict(Reason.NOT_DUE))
    assert ledger.milestones.keep(ORG, Sifted(news=(decision,)), notice(), NOW).overtaken == ("gone",)


def test_many_decisions_are_applied_in_batches(ledger: Ledger) -> None:
    ledger.milestones.put([milestone(f"M{number:03}") for number in range(230)], NOW)
    cases = ledger.milestones.gather(ORG, ledger.milestones.dirty_keys(ORG, NOW, 1000), 31)
    decisions = [Decision(case, verdict(Reason.WOULD_CREATE, case.link)) for case in cases]
    assert ledger.milestones.keep(ORG, Sifted(news=tuple(decisions)), notice(), NOW).overtaken == ()
    assert ledger.milestones.dirty_keys(ORG, NOW, 1000) == []


def test_ready_are_those_to_sync_that_no_attempt_claims(ledger: Ledger) -> None:
    ledger.milestones.put([milestone(key) for key in ("M1", "M2", "M3")], NOW)
    decide(ledger, Reason.CREATE, "M1")
    decide(ledger, Reason.CREATE, "M2")
    decide(ledger, Reason.NOT_DUE, "M3")
    assert ledger.milestones.ready(ORG, 10) == ["M1", "M2"]
    assert ledger.milestones.ready(ORG, 10, after="M1") == ["M2"]
    ledger.attempts.begin(attempt(ledger, "M1"), NOW)
    assert ledger.milestones.ready(ORG, 10) == ["M2"]


def test_whether_any_milestone_stands_under_a_reason_is_told(ledger: Ledger) -> None:
    ledger.milestones.put([milestone("M1"), milestone("M2")], NOW)
    decide(ledger, Reason.CREATE, "M2")
    assert ledger.milestones.any_under(ORG, [Reason.PAID, Reason.CREATE])
    assert not ledger.milestones.any_under(ORG, [Reason.PAID])
    assert not ledger.milestones.any_under("other", [Reason.CREATE])


def test_touch_counts_what_it_marks(ledger: Ledger) -> None:
    ledger.milestones.put([milestone("M1"), milestone("M2")], NOW)
    settle(ledger, "M1")
    settle(ledger, "M2")
    assert ledger.milestones.touch(ORG, ["M2", "unknown"]) == 1
    assert ledger.milestones.dirty_keys(ORG, NOW, 10) == ["M2"]
    assert ledger.milestones.touch(ORG) == 2
    assert ledger.milestones.touch("other") == 0


def test_a_choice_changes_the_link_and_makes_it_due(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    settle(ledger)
    link = Link(chosen_date=dt.date(2026, 4, 1), chosen_for=DAY)
    dated = choice(Choose.DATE, date=dt.date(2026, 4, 1))
    assert ledger.milestones.choose(ORG, "M1", link, dated, None, Reason.PERIOD_LOCKED)
    assert case_of(ledger).link == replace(link, version=1)
    assert dirty(ledger)


def test_a_choice_on_a_link_that_changed_is_refused(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    assert ledger.milestones.choose(ORG, "M1", Link(), choice(), None, None)
    assert not ledger.milestones.choose(ORG, "M1", Link(bill_id="b1"), choice(), None, None)
    assert case_of(ledger).link == Link(version=1)


def test_nothing_is_chosen_while_an_attempt_claims_the_milestone(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.attempts.begin(attempt(ledger), NOW)
    assert not ledger.milestones.choose(ORG, "M1", case_of(ledger).link, choice(), None, None)


def test_a_choice_for_an_unknown_milestone_is_refused(ledger: Ledger) -> None:
    assert not ledger.milestones.choose(ORG, "gone", Link(), choice(), None, None)


def test_an_exemption_is_gathered_until_it_is_ended(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    exemption = Exemption("Ann", "paid by hand", NOW)
    assert ledger.milestones.choose(ORG, "M1", Link(), choice(Choose.EXEMPT), exemption, None)
    assert case_of(ledger).exemption == exemption
    settle(ledger)
    assert ledger.milestones.end_exemption(ORG, "M1", "Bob", NOW)
    assert case_of(ledger).exemption is None
    assert dirty(ledger)


def test_ending_an_exemption_that_is_not_there_changes_nothing(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    settle(ledger)
    assert not ledger.milestones.end_exemption(ORG, "M1", "Bob", NOW)
    assert not dirty(ledger)


def test_a_second_exemption_takes_the_place_of_the_first(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    for until in (DAY, dt.date(2027, 1, 1)):
        link = case_of(ledger).link
        assert ledger.milestones.choose(ORG, "M1", link, choice(), Exemption("Ann", "", NOW, until), None)
    exemption = case_of(ledger).exemption
    assert exemption is not None
    assert exemption.until == dt.date(2027, 1, 1)


def test_a_lapsed_exemption_makes_the_milestone_due_once(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    exemption = Exemption("Ann", "wait", NOW, NOW.date())
    ledger.milestones.choose(ORG, "M1", Link(), choice(), exemption, None)
    decide(ledger, Reason.EXEMPT)
    tomorrow = NOW + dt.timedelta(days=1)
    assert not dirty(ledger)
    assert dirty(ledger, at=tomorrow)
    decide(ledger, Reason.WOULD_CREATE, at=tomorrow)
    assert not dirty(ledger, at=tomorrow)
    assert case_of(ledger).exemption == exemption


def test_due_and_lapsed_milestones_come_in_one_order_and_no_more_than_asked_for(ledger: Ledger) -> None:
    keys = ["M1", "M2", "M3", "M4"]
    ledger.milestones.put([milestone(key) for key in keys], NOW)
    for key in ("M1", "M3"):
        ledger.milestones.choose(ORG, key, Link(), choice(), Exemption("Ann", "", NOW, NOW.date()), None)
        decide(ledger, Reason.EXEMPT, key)
    tomorrow = NOW + dt.timedelta(days=1)
    assert ledger.milestones.dirty_keys(ORG, tomorrow, 10) == keys
    assert ledger.milestones.dirty_keys(ORG, tomorrow, 2) == ["M1", "M2"]
    assert ledger.milestones.dirty_keys(ORG, tomorrow, 2, after="M2") == ["M3", "M4"]


def test_a_lapsed_exemption_that_is_only_waited_on_stays_due(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.milestones.choose(ORG, "M1", Link(), choice(), Exemption("Ann", "", NOW, NOW.date()), None)
    decide(ledger, Reason.EXEMPT)
    tomorrow = NOW + dt.timedelta(days=1)
    decide(ledger, Reason.XERO_UNAVAILABLE, at=tomorrow)
    assert dirty(ledger, at=tomorrow)


def test_an_exemption_lapses_by_the_calendar_of_the_organisation(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_books(ORG, Books(zone="Pacific/Auckland"))
    late = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)  # already 3 March in Auckland
    exemption = Exemption("Ann", "wait", NOW, late.date())
    assert ledger.milestones.choose(ORG, "M1", case_of(ledger).link, choice(), exemption, None)
    decide(ledger, Reason.EXEMPT)
    assert not dirty(ledger, at=NOW)
    assert dirty(ledger, at=late)


def test_an_unknown_zone_counts_as_utc(ledger: Ledger) -> None:
    ledger.mirror.store_books(ORG, Books(zone="Nowhere/At All"))
    assert ledger.milestones.dirty_keys(ORG, NOW, 10) == []


def test_linking_a_bill_makes_due_whoever_might_have_taken_it(ledger: Ledger) -> None:
    ledger.milestones.put([milestone("M1", links=Links("https://x/1")), milestone("M2"), milestone("M3")], NOW)
    ledger.mirror.store_bills(ORG, [bill(url="https://x/1", number="GM-M2", total=Decimal(5))])
    for key in ("M1", "M2", "M3"):
        settle(ledger, key)
    decide(ledger, Reason.NOT_DUE, "M1", link=Link(bill_id="b1"))
    assert ledger.milestones.dirty_keys(ORG, NOW, 10) == ["M2"]


def test_verdicts_are_kept_by_action_for_the_standing_of_many(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    bind(ledger, "b1")
    (standing,) = ledger.milestones.standing(ORG, ["M1", "unknown"])
    assert standing.verdict.action is Action.SKIP


def test_standing_shows_the_bills_that_the_verdict_speaks_of(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_bills(ORG, [bill("b1"), bill("b2")])
    decide(ledger, Reason.POSSIBLE_DUPLICATE, others=("b2", "unknown"))
    (standing,) = ledger.milestones.standing(ORG, ["M1"])
    assert [similar.bill_id for similar in standing.case.similar] == ["b2"]


def test_a_bill_that_one_milestone_follows_is_not_linked_to_another(ledger: Ledger) -> None:
    ledger.milestones.put([milestone(key="M1"), milestone(key="M2")], NOW)
    bind(ledger, "b1", "M1")
    second = Link(bill_id="b1", version=case_of(ledger, "M2").link.version)
    assert not ledger.milestones.choose(ORG, "M2", second, choice(Choose.LINK, bill_id="b1"), None, None)
    assert ledger.milestones.followers(ORG, "b1") == ["M1"]
    assert ledger.milestones.followers(ORG, "") == []
