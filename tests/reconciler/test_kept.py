"""What somebody left as Xero has it stays visible: which value, who left it, and when."""

from types import SimpleNamespace

from case_builders import NOW, a_bill, a_choice, a_milestone, an_organisation, billed, decided, some_books
from decision_table import DEARER
from msgspec.structs import replace

from reconciler.choices import choose
from reconciler.kept import kept
from reconciler.model import Status
from reconciler.reasons import Choose

APPROVED = a_bill(status=Status.AUTHORISED)


def test_a_kept_amount_is_told_with_both_values_and_with_who_kept_it() -> None:
    case = billed(DEARER, APPROVED)
    keep = a_choice(Choose.KEEP)
    link, _ = choose(decided(case), keep, an_organisation(), some_books())
    after = decided(replace(case, link=link))
    assert kept(after, [SimpleNamespace(at=NOW, value=keep)], some_books()) == [
        ("Kept", "amount as Xero has it, NZ$15,000.00; the milestone says NZ$16,000.00."),
        ("By", "ana@example.org, 10 July 2026, 12:30"),
    ]
    settled = decided(replace(case, link=link, bill=replace(APPROVED, total=DEARER.amount, subtotal=DEARER.amount)))
    assert kept(settled, [], some_books()) == []


def test_where_nothing_was_kept_nothing_is_told() -> None:
    for case in (billed(), billed(DEARER, APPROVED), billed(a_milestone(cancelled=True), a_bill(status=Status.VOIDED))):
        assert kept(decided(case), [], some_books()) == []
