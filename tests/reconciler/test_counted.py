"""A turn counts milestones, not decisions: one that is decided several times counts once, as it was decided last."""

from collections.abc import Sequence

from case_builders import a_milestone, judge, unbilled

from reconciler.counted import Counted
from reconciler.milestone_port import Applied
from reconciler.model import Case, Decision, Known, Link, Sifted, Verdict
from reconciler.reasons import Action, Reason


def _made(
    count: Counted, *news: Decision, known: Sequence[Known] = (), overtaken: Sequence[str] = ()
) -> dict[Reason, int]:
    count.add(Sifted(tuple(known), news), Applied(overtaken=tuple(overtaken)))
    return dict(+count.verdicts)


def _to_be_made(key: str) -> Decision:
    case = unbilled(a_milestone(key=key))
    return Decision(case, judge(case))


def _waiting(key: str) -> Decision:
    return Decision(Case(a_milestone(key=key)), Verdict(Action.SKIP, Reason.AWAITING_APPROVAL, Link()))


def test_what_is_written_counts_once_whatever_is_found_of_it_then() -> None:
    count = Counted()
    assert _made(count, _to_be_made("M1"), _to_be_made("M2")) == {Reason.CREATE: 2}
    assert _made(count, _waiting("M1")) == {Reason.CREATE: 1, Reason.AWAITING_APPROVAL: 1}
    known = [Known(3, Reason.AWAITING_APPROVAL, ("M1", "M9")), Known(4, Reason.PAID, ("M2",))]
    assert _made(count, known=known) == {Reason.AWAITING_APPROVAL: 2, Reason.PAID: 1}


def test_what_is_held_is_counted_anew() -> None:
    count = Counted()
    held = Decision(Case(a_milestone(key="M3")), Verdict(Action.HOLD, Reason.PAUSED, Link()))
    assert _made(count, _to_be_made("M1"), held) == {Reason.CREATE: 1, Reason.PAUSED: 1}
    count.leave_held()
    assert _made(count, held) == {Reason.CREATE: 1, Reason.PAUSED: 1}


def test_what_was_not_kept_is_not_counted() -> None:
    known = [Known(3, Reason.AWAITING_APPROVAL, ("M3", "M4"))]
    made = _made(Counted(), _to_be_made("M1"), _to_be_made("M2"), known=known, overtaken=["M2", "M3"])
    assert made == {Reason.CREATE: 1, Reason.AWAITING_APPROVAL: 1}
