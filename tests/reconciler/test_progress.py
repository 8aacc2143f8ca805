"""What a step of a milestone's bill is news of; each thing is told once, and nothing twice."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import Progress, Stage
from reconciler.progress import What, news

LIVE = (Stage.BILLED, Stage.APPROVED, Stage.PAID)
NONE = Progress()


def at(stage: Stage, bill: str = "a", settled: int = 0) -> Progress:
    return Progress(bill, stage, Decimal(settled))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (NONE, NONE, []),
        (NONE, at(Stage.BILLED), ["billed"]),
        (NONE, at(Stage.PAID, settled=5), ["billed", "approved", "paid"]),
        (at(Stage.BILLED), at(Stage.APPROVED), ["approved"]),
        (at(Stage.APPROVED), at(Stage.APPROVED, settled=3), []),
        (at(Stage.APPROVED, settled=3), at(Stage.PAID, settled=5), ["paid"]),
        (at(Stage.PAID, settled=5), at(Stage.APPROVED), ["payment_reversed"]),
        (at(Stage.APPROVED), at(Stage.BILLED), []),
        (at(Stage.APPROVED), at(Stage.ENDED), ["voided"]),
        (at(Stage.PAID, settled=5), at(Stage.ENDED), ["voided"]),
        (at(Stage.ENDED), at(Stage.ENDED), []),
        (at(Stage.ENDED), at(Stage.APPROVED), ["approved"]),
        (at(Stage.ENDED), at(Stage.BILLED), []),
        (at(Stage.ENDED), at(Stage.BILLED, "b"), ["billed"]),
        (at(Stage.PAID, settled=5), at(Stage.BILLED, "b"), ["billed"]),
        (at(Stage.APPROVED), NONE, []),
        (NONE, at(Stage.ENDED), ["voided"]),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, list) else None,
)
def test_a_step_tells_just_what_happened(before: Progress, after: Progress, told: list[str]) -> None:
    assert [what.value for what in news(before, after)] == [f"milestone.{each}" for each in told]


stages = st.builds(at, st.sampled_from([*LIVE, Stage.ENDED]), st.sampled_from("ab"), st.integers(0, 3)) | st.just(NONE)


@given(stages)
def test_standing_still_is_no_news(progress: Progress) -> None:
    assert list(news(progress, progress)) == []


@given(st.lists(stages, max_size=8))
def test_a_bill_is_paid_only_after_it_was_approved_and_approved_only_after_it_was_billed(path: list[Progress]) -> None:
    told: list[What] = []
    bill = ""
    for before, after in pairwise([NONE, *path]):
        if after.bill_id != bill:
            told, bill = [], after.bill_id
        for what in news(before, after):
            if what is What.PAID:
                assert What.APPROVED in told
            if what is What.APPROVED and before.stage is not Stage.ENDED:
                assert What.BILLED in told or before.bill_id == after.bill_id
            told.append(what)
