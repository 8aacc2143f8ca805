"""Milestones decided many at a time. What came of it is kept elsewhere, so that this can go on in other processes."""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Protocol

from msgspec.structs import replace

from reconciler.decide import decide
from reconciler.milestone_port import Milestones
from reconciler.model import Case, Decision, Sifted
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Reason
from reconciler.sifting import sift
from reconciler.value import Value

# Whether these are decided depends on how much was to be made before them.
BY_ROOM = frozenset({Reason.CREATE, Reason.CAP_REACHED})


class Question(Value, frozen=True):
    """Milestones of an organisation that are to be decided, and all that their decisions share."""

    organisation: Organisation
    books: Books
    keys: tuple[str, ...]
    now: dt.datetime

    def decide(self, case: Case) -> Decision:
        """The decision on one of them."""
        return Decision(case, decide(case, self.organisation, self.books, self.now))


class Deciders(Protocol):
    """Who answers questions."""

    def answer(self, questions: Iterable[Question]) -> Iterator[Sifted]:
        """What the decisions say that is new, question by question, in their order. Reads alone."""
        ...


class Here:
    """Deciders in this thread, each question when its answer is asked for."""

    def __init__(self, milestones: Milestones) -> None:
        self._milestones = milestones

    def answer(self, questions: Iterable[Question]) -> Iterator[Sifted]:
        """As `Deciders` says."""
        return (answered(self._milestones, question) for question in questions)


def answered(milestones: Milestones, question: Question) -> Sifted:
    """Gather, decide, and see what is new."""
    ours = question.organisation
    cases = milestones.gather(ours.key, question.keys, ours.policy.near_days, standing=True)
    return sift([question.decide(case) for case in cases], question.books.version)


def within_room(sifted: Sifted, organisation: Organisation, books: Books, now: dt.datetime) -> tuple[Sifted, Books]:
    """The decisions with the new bills among them counted one after the other, and the room that these leave."""
    news = []
    for decision in sifted.news:
        counted = decision.verdict.reason in BY_ROOM
        last = Question(organisation, books, (), now).decide(decision.case) if counted else decision
        books = _less_room(books, last)
        news.append(last)
    return replace(sifted, news=tuple(news)), books


def _less_room(books: Books, decision: Decision) -> Books:
    write = decision.verdict.write
    if decision.verdict.reason is not Reason.CREATE or write is None or books.room is None:
        return books
    money = books.room_money
    return replace(books, room=books.room - 1, room_money=None if money is None else money - write.terms.total)
