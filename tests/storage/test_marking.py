"""Marks of very many at once, and whoever decides, claims or marks while they are being made."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ledger_samples import (
    NOW,
    ORG,
    attempt,
    bill,
    case_of,
    decide,
    dirty,
    keep,
    milestone,
    notice,
    put_settled,
    settle,
    verdict,
)
from msgspec.structs import replace

from reconciler.errors import StorageError
from reconciler.model import Decision, Sifted
from reconciler.organisation import Books
from reconciler.reasons import Reason
from reconciler.sifting import sift
from storage import applying, marks, mirror
from storage.ledger import Ledger

BEFORE = Books(currency="NZD")
AFTER = Books(currency="AUD")
LONG_ENOUGH = 0.3  # for marks that nothing holds up
SECONDS = 30


@pytest.fixture
def decided(ledger: Ledger) -> Ledger:
    """A ledger with one milestone that is decided on the books as they are before."""
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_books(ORG, BEFORE)
    decide(ledger, Reason.AWAITING_APPROVAL)
    return ledger


@pytest.fixture
def marked_after(
    decided: Ledger, open_ledger: Callable[[], Ledger], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Any, str], None]]:
    """Has another process mark all right after that function of that module has looked."""
    other = open_ledger()
    marking = threading.Thread(target=other.milestones.touch, args=[ORG])

    def set_up(module: Any, name: str) -> None:
        look = getattr(module, name)

        def looked(*arguments: Any) -> Any:
            seen = look(*arguments)
            if not marking.ident:
                marking.start()
                marking.join(LONG_ENOUGH)
            return seen

        monkeypatch.setattr(module, name, looked)

    yield set_up
    assert marking.ident, "nobody has looked"
    marking.join(SECONDS)
    assert not marking.is_alive()
    assert dirty(decided)


def test_all_are_due_though_they_are_marked_while_a_decision_is_being_kept(
    decided: Ledger, marked_after: Callable[[Any, str], None]
) -> None:
    decided.milestones.touch(ORG)
    marked_after(applying, "books_version")
    decide(decided, Reason.APPROVED)


def test_all_are_due_though_they_are_marked_while_what_is_known_is_confirmed(
    decided: Ledger, marked_after: Callable[[Any, str], None]
) -> None:
    decided.milestones.touch(ORG)
    again = sift(decided.milestones.standing(ORG, ["M1"]))
    assert again.known
    marked_after(applying, "books_version")
    decided.milestones.keep(ORG, replace(again, books=decided.mirror.books(ORG).version), notice(), NOW)


def test_nothing_is_claimed_on_older_books_though_its_mark_is_still_to_come(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_books(ORG, BEFORE)
    planned, begun = attempt(ledger), []

    def far_to_go(*_: object) -> Iterator[list[str]]:
        begun.append(ledger.attempts.begin(planned, NOW))
        return iter([])

    monkeypatch.setattr(marks, "_pages", far_to_go)
    ledger.milestones.touch(ORG)
    assert begun == [None]


def test_books_and_their_version_are_kept_together(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_books(ORG, BEFORE)
    older = Sifted(news=(Decision(case_of(ledger), verdict(Reason.CREATE)),), books=ledger.mirror.books(ORG).version)
    for step in ("mark_where", "move_on"):
        monkeypatch.setattr(mirror, step, _cut_off)
        with pytest.raises(KeyboardInterrupt):
            ledger.mirror.store_books(ORG, replace(AFTER, name=step))
    assert ledger.mirror.books(ORG).name == "mark_where"
    assert ledger.milestones.keep(ORG, older, notice(), NOW).overtaken == ("M1",)


@pytest.mark.parametrize("steps", [0, 1])
def test_who_has_lost_the_turn_marks_nothing(decided: Ledger, steps: int) -> None:
    before = iter([True] * steps)
    decided._store.fence("turn", lambda: next(before, False))
    with pytest.raises(StorageError, match="taken over"):
        decided.milestones.touch(ORG)
    assert not dirty(decided)


def test_who_has_lost_the_turn_does_not_end_the_marking_of_who_has_it(
    decided: Ledger, open_ledger: Callable[[], Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    other, mark = open_ledger(), mirror.mark_where

    def frozen(*arguments: Any) -> int:
        marked = mark(*arguments)
        decided._store.fence("turn", lambda: False)
        monkeypatch.setattr(mirror, "mark_where", _cut_off)
        with pytest.raises(KeyboardInterrupt):
            other.mirror.store_books(ORG, Books(currency="USD"))
        monkeypatch.setattr(mirror, "mark_where", mark)
        return marked

    monkeypatch.setattr(mirror, "mark_where", frozen)
    with pytest.raises(StorageError, match="taken over"):
        decided.mirror.store_books(ORG, AFTER)
    settle(other)
    other.mirror.store_books(ORG, Books(currency="USD"))
    assert dirty(other), "what was cut off is made up for"


def test_who_is_marked_for_what_another_one_has_linked_stays_so_in_the_same_batch(ledger: Ledger) -> None:
    ledger.milestones.put([milestone("M1"), milestone("M2")], NOW)
    ledger.mirror.store_bills(ORG, [bill("b1", number="GM-M1")])
    first, second = case_of(ledger, "M1"), case_of(ledger, "M2")
    taken = Decision(first, verdict(Reason.AWAITING_APPROVAL, replace(first.link, bill_id="b1")))
    asked = Decision(second, verdict(Reason.POSSIBLE_DUPLICATE, second.link, others=("b1",)))
    assert keep(ledger, [taken, asked]).overtaken == ()
    assert (dirty(ledger, "M1"), dirty(ledger, "M2")) == (False, True)


def test_more_than_are_marked_at_once_are_marked(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "MARKED_AT_ONCE", 2)
    put_settled(ledger)
    keys = [f"M{number}" for number in range(1, 6)]
    ledger.milestones.put([milestone(key) for key in keys[1:]], NOW)
    for key in keys[1:]:
        settle(ledger, key)
    assert ledger.milestones.touch(ORG) == len(keys)
    assert ledger.milestones.dirty_keys(ORG, NOW, 10) == keys


def _cut_off(*_: object) -> int:
    raise KeyboardInterrupt
