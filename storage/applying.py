"""Decisions made lasting: verdicts, links, flags and the mails they owe, in one short transaction per batch."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from peewee import fn

from reconciler.milestone_port import Applied, Notice
from reconciler.model import Decision, Sifted, Verdict
from reconciler.reasons import EXEMPTED, Action
from reconciler.records import Flag
from reconciler.sifting import bare
from storage.among import among
from storage.books import books_version
from storage.changes import Steps
from storage.database import Store
from storage.flags import Flags
from storage.links import change_link, link_columns, mark_others
from storage.marks import make_clean
from storage.models import LinkRow, MilestoneRow, VerdictRow
from storage.names import fold
from storage.payees import remember_payee
from storage.shapes import VERSIONS, Version, values
from storage.statement import Given

# How many of them are skipped, and the sum of their links' versions.
SKIPPED = values(
    LinkRow.select(fn.COUNT(LinkRow.key), fn.SUM(LinkRow.version)).where(
        (LinkRow.organisation == Given("organisation"))
        & among(LinkRow.key, Given("keys"))
        & (LinkRow.action == Action.SKIP)
    )
)


@dataclass(frozen=True, slots=True)
class Occasion:
    """On whose behalf, when and with what notice decisions are applied; `today` is the organisation's day.

    `books` is the version of its books that they were made on.
    """

    organisation: str
    prefix: str
    notice: Notice
    now: dt.datetime
    today: dt.date
    books: int


@dataclass(slots=True)
class _Tally:
    opened: list[Flag] = field(default_factory=list)
    closed: list[Flag] = field(default_factory=list)
    overtaken: list[str] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    rebound: set[str] = field(default_factory=set)
    settled: list[str] = field(default_factory=list)


def confirm(store: Store, organisation: str, sifted: Sifted) -> list[str]:
    """What is known already was decided, and all is as it was; returns of which milestones something has moved on."""
    known = {key: Version(each.version, each.reason) for each in sifted.known for key in each.keys}
    if not known:
        return []
    with store.write():
        if books_version(store, organisation) != sifted.books:
            return list(known)
        overtaken = [] if _all_stand(store, organisation, sifted) else _moved_on(store, organisation, known)
        make_clean(store, organisation, known.keys() - overtaken if overtaken else known)
    return overtaken


def _all_stand(store: Store, organisation: str, sifted: Sifted) -> bool:
    """Whether all that is known stands as it did, asked as a whole, which takes less time than to read each.

    Versions only grow: while their sum is the same, none has. What is known is skipped; who has meanwhile found another
    reason to skip one of them has cleaned it too, so that for this the reasons need not be the same.
    """
    keys = [key for each in sifted.known for key in each.keys]
    versions = sum(each.version * len(each.keys) for each in sifted.known)
    return store.ask(SKIPPED, organisation=organisation, keys=keys) == [(len(keys), versions)]


def _moved_on(store: Store, organisation: str, known: Mapping[str, Version]) -> list[str]:
    held = store.named(VERSIONS, organisation, known.keys())
    return [key for key, version in known.items() if held.get(key) != version]


def apply_batch(store: Store, flags: Flags, occasion: Occasion, decisions: Sequence[Decision]) -> Applied:
    """Record these decisions, except those that something newer has overtaken."""
    tally = _Tally()
    keys = [decision.case.milestone.key for decision in decisions]
    with store.write():
        stand = books_version(store, occasion.organisation) == occasion.books
        held = _held(store, occasion.organisation, keys) if stand else {}
        opened = flags.opened(occasion.organisation, keys)
        steps = Steps(store, occasion.organisation, keys, occasion.now)
        for decision in decisions:
            key, before = decision.case.milestone.key, len(tally.history)
            if not _record(store, occasion, decision, held.get(key), tally):
                tally.overtaken.append(key)
                continue
            new, old = flags.follow(opened.get(key), occasion.organisation, key, decision.verdict, occasion.now)
            tally.opened += [new] if new else []
            tally.closed += [old] if old else []
            steps.take(decision, new, old, turned=len(tally.history) > before)
        flags.announce(tally.opened, tally.closed, occasion.notice, occasion.now)
        store.insert(VerdictRow, tally.history)
        steps.keep()
        make_clean(store, occasion.organisation, tally.settled)
        # After that: a bill that one of them has linked may be what another one was decided on.
        mark_others(store, occasion.organisation, tally.rebound, occasion.prefix)
    return Applied(tuple(tally.opened), tuple(tally.closed), tuple(tally.overtaken))


def _held(store: Store, organisation: str, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    same = (MilestoneRow.organisation == LinkRow.organisation) & (MilestoneRow.key == LinkRow.key)
    query = (
        LinkRow.select(
            LinkRow.key,
            LinkRow.version,
            LinkRow.action,
            LinkRow.reason,
            LinkRow.verdict,
            MilestoneRow.version.alias("milestone_version"),
        )
        .join(MilestoneRow, on=same)
        .where((LinkRow.organisation == organisation) & among(LinkRow.key, keys))
    )
    return {row["key"]: row for row in store.rows(query)}


def _record(store: Store, occasion: Occasion, decision: Decision, held: dict[str, Any] | None, tally: _Tally) -> bool:
    """Write verdict and link; `False` when milestone or link are not those that the decision was made on.

    What is held is not settled: it stays due.
    """
    case, verdict = decision.case, decision.verdict
    versions = (case.milestone.version, case.link.version)
    if held is None or (held["milestone_version"], held["version"]) != versions:
        return False
    changes = _changes(occasion, decision, held)
    if changes and not change_link(store, occasion.organisation, case.milestone.key, case.link.version, changes):
        return False
    if verdict.action is not Action.HOLD:
        tally.settled.append(case.milestone.key)
    if (held["action"], held["reason"]) != (verdict.action, verdict.reason):
        tally.history.append(_moment(occasion, case.milestone.key, verdict))
    if case.link.asked is None and verdict.link.asked is not None:
        remember_payee(store, occasion.organisation, fold(case.milestone.payee), verdict.link)
    if case.link.bill_id != verdict.link.bill_id:
        tally.rebound |= {case.link.bill_id, verdict.link.bill_id}
    return True


def _changes(occasion: Occasion, decision: Decision, held: dict[str, Any]) -> dict[str, Any]:
    """The columns to write; none when all is as it was, so that waiting costs no writes."""
    case, verdict = decision.case, decision.verdict
    changes: dict[str, Any] = {}
    if verdict.link != case.link and link_columns(verdict.link) != link_columns(case.link):
        changes |= link_columns(verdict.link) | {"version": case.link.version + 1}
    if held["verdict"] != bare(verdict):
        changes |= {"action": verdict.action, "reason": verdict.reason, "verdict": bare(verdict)}
        changes["decided_at"] = occasion.now
    lapsed = case.exemption is not None and not case.exemption.holds(occasion.today)
    if lapsed and verdict.action is not Action.HOLD and verdict.reason not in EXEMPTED:
        changes["wake_on"] = None
    return changes


def _moment(occasion: Occasion, key: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "organisation": occasion.organisation,
        "key": key,
        "at": occasion.now,
        "action": verdict.action,
        "reason": verdict.reason,
        "cycle": occasion.notice.cycle,
    }
