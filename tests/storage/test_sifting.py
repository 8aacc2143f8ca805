"""Of decisions, only those are known already that leave everything which is kept of a milestone as it is."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from ledger_samples import NOW, ORG, bill, bind, case_of, dirty, milestone, notice, verdict
from msgspec.structs import replace

from reconciler.model import Decision, Document, Exemption, Known, Progress, Sifted, Stage, Status
from reconciler.organisation import Books
from reconciler.reasons import Reason
from reconciler.sifting import sift
from storage.ledger import Ledger

LATER = NOW + dt.timedelta(hours=1)
Change = Callable[[Decision], Decision]


def _of_case(**changes: object) -> Change:
    return lambda decision: replace(decision, case=replace(decision.case, **changes))


def _of_verdict(**changes: object) -> Change:
    return lambda decision: replace(decision, verdict=replace(decision.verdict, **changes))


def _with_papers(decision: Decision) -> Decision:
    papers = (Document("letter.pdf", link="https://x/letter.pdf"),)
    return _of_case(milestone=replace(decision.case.milestone, documents=papers))(decision)


def _another_link(decision: Decision) -> Decision:
    return _of_verdict(link=replace(decision.verdict.link, settled=Decimal("1.00")))(decision)


@pytest.fixture
def again(ledger: Ledger) -> Decision:
    """What was decided of a billed milestone, decided once more; it is marked meanwhile."""
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_bills(ORG, [bill()])
    bind(ledger, "b1")
    case = case_of(ledger)
    ledger.milestones.keep(ORG, Sifted(news=(Decision(case, verdict(Reason.IN_SYNC, case.link)),)), notice(), NOW)
    ledger.milestones.touch(ORG, ["M1"])
    case = case_of(ledger, standing=True)
    return Decision(case, verdict(Reason.IN_SYNC, case.link))


def test_what_is_known_is_told_apart_and_kept_as_decided(ledger: Ledger, again: Decision) -> None:
    sifted = sift([again])
    assert (sifted.known, sifted.news) == ((Known(again.case.link.version, Reason.IN_SYNC, ("M1",)),), ())
    assert dirty(ledger)
    ledger.milestones.keep(ORG, sifted, notice(), LATER)
    assert not dirty(ledger)
    assert case_of(ledger, standing=True) == again.case


@pytest.mark.parametrize(
    "change",
    [
        _of_case(decided=None),
        _of_case(progress=Progress("b0", Stage.BILLED)),
        _with_papers,
        _another_link,
        _of_case(exemption=Exemption("Ann", "paid in kind", NOW, NOW.date())),
        _of_case(bill=bill(paid=Decimal("5.00"))),
        _of_case(bill=bill(status=Status.AUTHORISED)),
        _of_case(missing=True),
        _of_verdict(reason=Reason.AWAITING_APPROVAL),
        _of_verdict(message="Xero says otherwise"),
        lambda decision: replace(decision, verdict=verdict(Reason.BILL_APPROVED, decision.case.link)),
        lambda decision: replace(decision, verdict=verdict(Reason.PAUSED, decision.case.link)),
    ],
    ids=[
        "never decided",
        "another bill's progress",
        "papers",
        "link",
        "exemption",
        "money",
        "stage",
        "missing",
        "reason",
        "words",
        "flag",
        "hold",
    ],
)
def test_whatever_else_a_decision_says_is_news(ledger: Ledger, again: Decision, change: Change) -> None:
    sifted = sift([change(again)])
    assert (sifted.known, sifted.news) == ((), (change(again),))


@pytest.mark.parametrize("keys", [["M1"], None], ids=["touched", "all touched"])
def test_what_was_known_counts_only_while_nothing_has_moved_on(
    ledger: Ledger, again: Decision, keys: list[str] | None
) -> None:
    ledger.mirror.store_books(ORG, Books(currency="NZD"))
    sifted = sift([again], ledger.mirror.books(ORG).version)
    ledger.milestones.touch(ORG, keys)
    assert ledger.milestones.keep(ORG, sifted, notice(), LATER).overtaken == ("M1",)
    assert dirty(ledger)


def test_what_was_known_counts_only_while_nothing_else_was_decided(ledger: Ledger, again: Decision) -> None:
    sifted = sift([again])
    held = Decision(again.case, verdict(Reason.PAUSED, again.case.link))
    ledger.milestones.keep(ORG, Sifted(news=(held,)), notice(), NOW)
    assert ledger.milestones.keep(ORG, sifted, notice(), LATER).overtaken == ("M1",)
    assert dirty(ledger)


def test_each_that_was_known_counts_by_itself(ledger: Ledger) -> None:
    keys = [f"M{number}" for number in range(6)]
    ledger.milestones.put([milestone(key) for key in [*keys, "beside"]], NOW)
    ledger.milestones.put([milestone(keys[1], organisation="other")], NOW)

    def decided(standing: dict[str, Reason]) -> list[Decision]:
        cases = ledger.milestones.gather(ORG, standing, 31, standing=True)
        return [Decision(case, verdict(standing[case.milestone.key], case.link)) for case in cases]

    standing = dict.fromkeys(keys[:4], Reason.NOT_DUE) | dict.fromkeys(keys[4:], Reason.WITHDRAWN)
    ledger.milestones.touch(ORG, keys[2:5])
    ledger.milestones.keep(ORG, Sifted(news=tuple(decided(standing))), notice(), NOW)
    ledger.milestones.touch(ORG, ["beside"])
    sifted = sift(decided(standing))
    assert len(sifted.known) == 4
    ledger.milestones.touch(ORG, [keys[0], keys[2]])
    for _ in range(9):
        ledger.milestones.touch("other", [keys[1]])
    assert set(ledger.milestones.keep(ORG, sifted, notice(), LATER).overtaken) == {keys[0], keys[2]}
    assert ledger.milestones.dirty_keys(ORG, LATER, 10) == [keys[0], keys[2], "beside"]


def test_where_all_stand_as_they_did_none_is_looked_at_by_itself(
    ledger: Ledger, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    keys = ["M1", "M2", "M3"]
    ledger.milestones.put([milestone(key) for key in keys], NOW)
    ledger.milestones.touch(ORG, keys[1:])

    def decided() -> Sifted:
        cases = ledger.milestones.gather(ORG, keys, 31, standing=True)
        return sift([Decision(case, verdict(Reason.NOT_DUE, case.link)) for case in cases])

    ledger.milestones.keep(ORG, decided(), notice(), NOW)
    sifted = decided()
    assert [len(known.keys) for known in sifted.known] == [1, 2]
    all_stand = count_queries(lambda: ledger.milestones.keep(ORG, sifted, notice(), NOW))
    ledger.milestones.touch(ORG, keys[:1])
    assert count_queries(lambda: ledger.milestones.keep(ORG, sifted, notice(), NOW)) == all_stand + 1


def test_the_order_of_news_is_that_of_the_decisions(ledger: Ledger) -> None:
    keys = [f"M{number}" for number in range(7)]
    ledger.milestones.put([milestone(key) for key in keys], NOW)

    def not_due() -> list[Decision]:
        cases = ledger.milestones.gather(ORG, keys, 31, standing=True)
        return [Decision(case, verdict(Reason.NOT_DUE, case.link)) for case in cases]

    decisions = not_due()
    assert list(sift(decisions).news) == decisions
    ledger.milestones.keep(ORG, Sifted(news=tuple(decisions[::2])), notice(), NOW)
    sifted = sift(not_due())
    assert [decision.case.milestone.key for decision in sifted.news] == keys[1::2]
    assert {key for known in sifted.known for key in known.keys} == set(keys[::2])
