"""Writes to Xero, recorded before they are made; each claims its milestones until it is finished."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from reconciler.model import Link
from reconciler.records import Attempt, Element
from reconciler.xero_port import Outcome
from storage.books import books_version
from storage.codec import build
from storage.database import Store
from storage.links import link_columns, mark_others
from storage.marks import make_dirty
from storage.models import DirtyRow, LinkRow, MilestoneRow
from storage.payees import remember_payee
from storage.queues import AttemptRow, ElementRow


class _Overtaken(Exception):
    """A milestone of the attempt changed, is due to be decided again or is claimed already; or the books moved on."""


class Attempts:
    """`reconciler.ports.Attempts` on tables. `prefixes` maps each organisation to its bills' number prefix."""

    def __init__(self, store: Store, prefixes: Mapping[str, str]) -> None:
        self._store = store
        self._prefixes = prefixes

    def begin(self, attempt: Attempt, now: dt.datetime) -> Attempt | None:
        """Record the attempt and claim its milestones.

        `None`, and none claimed, when one changed, is due to be decided again or is claimed already, or when the books
        have moved on.

        Claimed milestones are dirty, so that they are told to wait should no answer
        come. The attempt's own id is not regarded; the one returned has the id given here.
        """
        try:
            with self._store.write():
                self._check_milestones(attempt)
                attempt_id = self._store.run(AttemptRow.insert(_row(attempt, now)))
                for element in attempt.elements:
                    self._claim(attempt.organisation, element, attempt_id)
                rows = [_element_row(attempt, attempt_id, position) for position in range(len(attempt.elements))]
                self._store.run(ElementRow.insert_many(rows).as_rowcount())
        except _Overtaken:
            return None
        return replace(attempt, attempt_id=attempt_id)

    def answered(self, attempt_id: int, outcomes: Sequence[Outcome], now: dt.datetime) -> None:
        """Record Xero's answer; links of new bills get their bill ids. The attempt stays open until verified.

        What such a bill holds is not known by its answer, so its link starts without a base. Of two answers the first
        counts.
        """
        with self._store.write():
            answer = AttemptRow.update(outcomes=tuple(outcomes), answered_at=now)
            unanswered = AttemptRow.finished_at.is_null() & AttemptRow.answered_at.is_null()
            if not self._store.run(answer.where((AttemptRow.id == attempt_id) & unanswered)):
                return
            made: set[str] = set()
            elements = self._elements([attempt_id]).get(attempt_id, [])
            for row, outcome in zip(elements, outcomes, strict=True):
                if outcome.bill_id and not row["write"].bill_id:
                    changes = {"bill_id": outcome.bill_id, "asked": None, "seen": None}
                    if self._change(attempt_id, row["organisation"], row["key"], changes):
                        made.add(outcome.bill_id)
            if elements:
                self._mark_others(elements[0]["organisation"], made)

    def open(self, organisation: str) -> list[tuple[Attempt, tuple[Outcome, ...] | None]]:
        """Open attempts, oldest first, with the recorded answer if there is one."""
        mine = (AttemptRow.organisation == organisation) & AttemptRow.finished_at.is_null()
        with self._store.read():
            rows = self._store.rows(AttemptRow.select().where(mine).order_by(AttemptRow.id))
            elements = self._elements([row["id"] for row in rows])
        return [(_attempt(row, elements.get(row["id"], [])), row["outcomes"]) for row in rows]

    def spoil(self, attempt_id: int) -> None:
        """Xero has stored an error under the attempt's key: it is not `resendable` any more."""
        with self._store.write():
            self._store.run(AttemptRow.update(resendable=False).where(AttemptRow.id == attempt_id))

    def finish(self, attempt_id: int, links: Sequence[tuple[str, Link]], now: dt.datetime) -> None:
        """Close the attempt: release its milestones with these links, and mark them dirty.

        A milestone of the attempt without a link here keeps the one it has. Closing twice changes nothing.
        """
        given = dict(links)
        with self._store.write():
            still_open = (AttemptRow.id == attempt_id) & AttemptRow.finished_at.is_null()
            if not self._store.run(AttemptRow.update(finished_at=now).where(still_open)):
                return
            elements = self._elements([attempt_id]).get(attempt_id, [])
            held = self._held(elements)
            rebound: set[str] = set()
            for row in elements:
                bill_id, folded = held[row["key"]]
                link = given.get(row["key"])
                if self._release(attempt_id, row, link) and link is not None:
                    rebound |= {bill_id, link.bill_id} if link.bill_id != bill_id else set()
                    remember_payee(self._store, row["organisation"], folded, link)
            if rebound:
                self._mark_others(elements[0]["organisation"], rebound)

    def written_since(self, organisation: str, since: dt.datetime) -> Sequence[Element]:
        """The elements of creating attempts begun since then, save those that Xero did not carry out: for the caps."""
        creating = (AttemptRow.organisation == organisation) & (AttemptRow.creates == True)  # noqa: E712  SQL
        query = AttemptRow.select(AttemptRow.id, AttemptRow.outcomes).where(creating & (AttemptRow.started_at >= since))
        with self._store.read():
            answers = self._store.pairs(query.order_by(AttemptRow.id))
            elements = self._elements(list(answers))
        return [
            _element(row)
            for attempt_id, rows in elements.items()
            for row in rows
            if not answers[attempt_id] or _done(answers[attempt_id][row["position"]])
        ]

    def _check_milestones(self, attempt: Attempt) -> None:
        keys = [element.key for element in attempt.elements]
        mine = (MilestoneRow.organisation == attempt.organisation) & MilestoneRow.key.in_(keys)
        versions = self._store.pairs(MilestoneRow.select(MilestoneRow.key, MilestoneRow.version).where(mine))
        if any(versions.get(element.key) != element.milestone_version for element in attempt.elements):
            raise _Overtaken
        due = (DirtyRow.organisation == attempt.organisation) & DirtyRow.key.in_(keys)
        if self._store.row(DirtyRow.select().where(due).limit(1)):
            raise _Overtaken
        if books_version(self._store, attempt.organisation) != attempt.books:
            raise _Overtaken

    def _claim(self, organisation: str, element: Element, attempt_id: int) -> None:
        mine = (LinkRow.organisation == organisation) & (LinkRow.key == element.key)
        free = (LinkRow.version == element.link_version) & LinkRow.pending_attempt.is_null()
        claim = LinkRow.update(pending_attempt=attempt_id, version=LinkRow.version + 1)
        if not self._store.run(claim.where(mine & free)):
            raise _Overtaken
        make_dirty(self._store, mine)

    def _change(self, attempt_id: int, organisation: str, key: str, changes: dict[str, Any]) -> int:
        """Write to the link if the attempt still claims it."""
        mine = (LinkRow.organisation == organisation) & (LinkRow.key == key)
        update = LinkRow.update(**changes, version=LinkRow.version + 1)
        return self._store.run(update.where(mine & (LinkRow.pending_attempt == attempt_id)))

    def _held(self, elements: Sequence[dict[str, Any]]) -> dict[str, tuple[str, str]]:
        """The bill and the folded payee of each milestone, as they are before the attempt is finished."""
        keys = [row["key"] for row in elements]
        same = (MilestoneRow.organisation == LinkRow.organisation) & (MilestoneRow.key == LinkRow.key)
        query = LinkRow.select(LinkRow.key, LinkRow.bill_id, MilestoneRow.payee_folded).join(MilestoneRow, on=same)
        mine = LinkRow.organisation.in_({row["organisation"] for row in elements}) & LinkRow.key.in_(keys)
        return {row["key"]: (row["bill_id"], row["payee_folded"]) for row in self._store.rows(query.where(mine))}

    def _release(self, attempt_id: int, element: dict[str, Any], link: Link | None) -> int:
        organisation, key = element["organisation"], element["key"]
        released = {**(link_columns(link) if link else {}), "pending_attempt": None}
        changed = self._change(attempt_id, organisation, key, released)
        if changed:
            make_dirty(self._store, (LinkRow.organisation == organisation) & (LinkRow.key == key))
        return changed

    def _mark_others(self, organisation: str, bill_ids: set[str]) -> None:
        mark_others(self._store, organisation, bill_ids, self._prefixes.get(organisation, ""))

    def _elements(self, attempt_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
        query = ElementRow.select().where(ElementRow.attempt.in_(list(attempt_ids)))
        found: dict[int, list[dict[str, Any]]] = {}
        for row in self._store.rows(query.order_by(ElementRow.attempt, ElementRow.position)):
            found.setdefault(row["attempt"], []).append(row)
        return found


def _row(attempt: Attempt, now: dt.datetime) -> dict[str, Any]:
    return {
        "organisation": attempt.organisation,
        "method": attempt.method,
        "path": attempt.path,
        "body": attempt.body,
        "idempotency_key": attempt.idempotency_key,
        "started_at": attempt.started_at,
        "resendable": attempt.resendable,
        "begun_at": now,
        "creates": any(not element.write.bill_id for element in attempt.elements),
    }


def _element_row(attempt: Attempt, attempt_id: int, position: int) -> dict[str, Any]:
    element = attempt.elements[position]
    return {
        "attempt": attempt_id,
        "position": position,
        "organisation": attempt.organisation,
        "key": element.key,
        "write": element.write,
        "link_version": element.link_version,
        "milestone_version": element.milestone_version,
    }


def _element(row: dict[str, Any]) -> Element:
    return build(Element, row)


def _attempt(row: dict[str, Any], elements: Sequence[dict[str, Any]]) -> Attempt:
    return Attempt(
        attempt_id=row["id"],
        organisation=row["organisation"],
        method=row["method"],
        path=row["path"],
        body=bytes(row["body"]),
        idempotency_key=row["idempotency_key"],
        started_at=row["started_at"],
        elements=tuple(_element(element) for element in elements),
        resendable=row["resendable"],
    )


def _done(outcome: Outcome) -> bool:
    return not (outcome.undone or outcome.refused)
