"""What holds of every decision, whatever the facts: laws of its shape, and its two laws about what Xero accepts."""

from case_builders import NOW
from hypothesis import event, given, settings
from hypothesis import strategies as st
from likely_cases import Facts, likely, next_case, turned
from msgspec.structs import replace
from sandbox_cases import World, worlds

from reconciler.compare import compared, covered, look, with_adopted
from reconciler.decide import decide
from reconciler.locks import effective_lock, locked
from reconciler.model import Decision, Field
from reconciler.organisation import Mode
from reconciler.plan import plan
from reconciler.reasons import WORDS, Action, Reason

# Flags that say that Xero would not take it. The others are about what people mean: who changed what, which bill is
# meant, which contact, whether a bill is wanted, and that a bill's currency is never changed although Xero would.
HARD = frozenset(
    {
        Reason.BILL_READ_ONLY,
        Reason.BILL_PAID,
        Reason.BILL_PART_PAID,
        Reason.BILL_CREDITED,
        Reason.BILL_APPROVED,
        Reason.PERIOD_LOCKED,
        Reason.YEAR_LOCKED,
        Reason.LOCKED_DRAFT,
        Reason.LOCK_LIFTED,
        Reason.CONTACT_ARCHIVED,
        Reason.CONTACT_UNKNOWN,
        Reason.ACCOUNT_UNUSABLE,
        Reason.TAX_INVALID,
        Reason.TRACKING_UNUSABLE,
        Reason.CURRENCY_DISABLED,
        Reason.NOT_PERMITTED,
        Reason.REFUSED,
    }
)
WRITING = (Reason.CREATE, Reason.UPDATE, Reason.WOULD_CREATE, Reason.WOULD_UPDATE)


@settings(max_examples=400)
@given(likely())
def test_every_case_has_a_verdict_whose_parts_fit_together(facts: Facts) -> None:
    verdict = decide(*facts, NOW)
    event(verdict.action)
    assert verdict.action is WORDS[verdict.reason].action
    assert (verdict.write is not None) is (verdict.reason in WRITING)
    assert (verdict.lock is not None) is (verdict.proposed is not None)
    assert (verdict.ours is not None) is bool(verdict.fields) or verdict.theirs is None
    assert facts[1].mode is not Mode.WATCH or verdict.action is not Action.SYNC


@given(likely())
def test_the_same_facts_have_the_same_verdict_in_whatever_order_they_come(facts: Facts) -> None:
    one, other = decide(*facts, NOW), decide(*turned(facts), NOW)
    aligned = replace(other, others=one.others, link=replace(other.link, accepted=one.link.accepted))
    assert aligned == one == decide(*facts, NOW)
    assert sorted(one.others) == sorted(other.others)


@settings(max_examples=400)
@given(likely())
def test_deciding_again_on_what_was_remembered_changes_nothing(facts: Facts) -> None:
    case, organisation, books_ = facts
    first = decide(case, organisation, books_, NOW)
    again = decide(next_case(case, first), organisation, books_, NOW)
    assert again == replace(first, write=again.write)
    assert again.write == first.write


@given(likely())
def test_where_both_sides_agree_the_memory_agrees_with_them(facts: Facts) -> None:
    case, organisation, books_ = facts
    view = look(case, organisation, books_, NOW)
    if view.theirs is None or view.link.asked is None or view.link.seen is None:
        return
    for field in Field:
        if getattr(view.ours, field) == getattr(view.theirs, field):
            assert getattr(view.link.asked, field) == getattr(view.link.seen, field) == getattr(view.theirs, field)
            assert field not in view.pending | view.edited


@given(likely())
def test_what_was_pending_before_the_memory_changed_is_forgotten(facts: Facts) -> None:
    view = look(*facts, NOW)
    link = replace(view.link, asked=view.ours, seen=view.theirs, under=view.organisation.defaults)
    again = compared(replace(view, link=link, pending=frozenset({Field.TOTAL}), edited=frozenset({Field.DATE})))
    if view.theirs is None or view.ours == view.theirs:
        assert (again.pending, again.edited) == (frozenset(), frozenset())
    assert again == compared(replace(view, link=link, pending=frozenset(), edited=frozenset()))


@settings(max_examples=400)
@given(likely())
def test_a_write_is_made_of_the_milestone_and_the_bill_and_of_nothing_else(facts: Facts) -> None:
    case, organisation, books_ = facts
    verdict = decide(case, organisation, books_, NOW)
    if verdict.write is None:
        return
    write, bill = verdict.write, with_adopted(Decision(case, verdict)).case.bill
    assert write.status is (bill.status if bill else organisation.status)
    assert write.bill_id == (bill.bill_id if bill else "")
    assert bool(write.fields) is bool(bill)
    if bill is None or Field.TOTAL in write.fields:
        assert write.terms.total == case.milestone.amount - covered(case, case.milestone.sense or organisation.sense)
        assert write.terms.total > 0
    else:
        assert write.terms.total == bill.terms(case.milestone.sense or organisation.sense).total


@settings(max_examples=400)
@given(likely())
def test_no_date_is_written_into_a_lock_unless_as_a_draft_that_is_pushed_there(facts: Facts) -> None:
    case, organisation, books_ = facts
    verdict = decide(case, organisation, books_, NOW)
    if verdict.write is None:
        return
    lock = effective_lock(organisation, books_)
    pushed = verdict.write.status.unapproved and organisation.policy.locked_drafts == "push"
    assert pushed or not locked(verdict.write.terms.date, lock)
    if verdict.write.moved:
        was = verdict.link.chosen_date if verdict.link.chosen_for == case.milestone.date else None
        view = look(next_case(case, verdict), organisation, books_, NOW)
        from_ = view.ours.date if Field.DATE in view.pending or view.bill is None else view.bill.date
        assert not locked(was or from_, books_.year_lock) or not locked(from_, books_.year_lock)
        assert organisation.policy.locked_dates == "move"


@given(likely(), st.sampled_from((Reason.PAUSED, Reason.CONNECTION_LOST, Reason.XERO_UNAVAILABLE)))
def test_a_hold_changes_no_memory(facts: Facts, reason: Reason) -> None:
    case, organisation, books_ = facts
    view = look(case, organisation, books_, NOW)
    verdict = decide(replace(case, exemption=None), organisation, replace(books_, hold=reason), NOW)
    assert (verdict.reason, verdict.link) == (reason, view.link)


@settings(max_examples=200)
@given(likely())
def test_a_bill_that_asks_for_money_and_is_not_wanted_is_never_passed_over_in_silence(facts: Facts) -> None:
    case, organisation, books_ = facts
    cancelled = replace(case, milestone=replace(case.milestone, cancelled=True), exemption=None)
    fresh = replace(cancelled, link=replace(cancelled.link, pending_attempt=None, accepted=()))
    verdict = decide(fresh, organisation, replace(books_, hold=None, swept_at=NOW), NOW)
    live = [*fresh.live, *(b for b in fresh.ours if b.status.live)]
    held = {*fresh.lost, *(bill.bill_id for bill in fresh.parts)}
    unread = (fresh.link.bill_id and fresh.bill is None and not fresh.missing) or any(
        part.bill_id not in held for part in fresh.link.parts
    )
    assert verdict.action is (Action.HOLD if unread else Action.FLAG if live else Action.SKIP)


@settings(max_examples=100)
@given(likely(most=60))
def test_no_composite_of_values_is_too_odd_to_be_decided(facts: Facts) -> None:
    assert decide(*facts, NOW).action in Action


# ---- Xero, as the sandbox has it


@settings(max_examples=400)
@given(st.one_of(worlds(), worlds(lenient=True)))
def test_nothing_is_sent_that_xero_refuses_or_drops(world: World) -> None:
    verdict = decide(world.case, world.organisation, world.books, NOW)
    event(verdict.reason)
    if verdict.action is Action.SYNC:
        assert verdict.write is not None
        assert world.accepts(verdict.write)


@settings(max_examples=400)
@given(worlds())
def test_what_is_sent_leaves_everything_else_as_it_was(world: World) -> None:
    verdict, bill = decide(world.case, world.organisation, world.books, NOW), world.case.bill
    if verdict.action is not Action.SYNC or verdict.write is None or bill is None:
        return
    after = world.taken(verdict.write)
    assert after is not None
    assert (after.status, after.number, after.settled) == (bill.status, bill.number, bill.settled)
    before, now = bill.terms(bill.sense), after.terms(bill.sense)
    touched = verdict.write.fields | ({Field.TOTAL} if {Field.SENSE, Field.TAX} & verdict.write.fields else set())
    touched |= {Field.TAX} if {Field.SENSE, Field.LINES} & verdict.write.fields else set()
    assert all(getattr(before, f) == getattr(now, f) for f in set(Field) - touched)


@settings(max_examples=400)
@given(worlds(lenient=True))
def test_with_the_permissive_policies_nothing_that_xero_takes_meets_a_hard_flag(world: World) -> None:
    verdict = decide(world.case, world.organisation, world.books, NOW)
    event(verdict.reason)
    if verdict.reason not in HARD:
        return
    unmoved = replace(world.organisation, policy=replace(world.organisation.policy, locked_dates="flag"))
    view = look(replace(world.case, link=verdict.link), unmoved, world.books, NOW)
    assert not world.accepts(plan(view))
