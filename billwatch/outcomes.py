"""What came of a link: who decided, and how things stand since; and the fingerprints by which a page is told again."""

import hashlib
from collections.abc import Mapping, Sequence

from reconciler.choices import fitting
from reconciler.cycle import Cycle
from reconciler.model import Decision
from reconciler.organisation import Books
from reconciler.reasons import Choose, words
from reconciler.records import Choice, Ticket
from reconciler.words import choice_label, explain, moment


def told(ticket: Ticket, choices: Mapping[str, Choice], decisions: Sequence[Decision], books: Books) -> str:
    """Who decided what of a link's milestones, or why nothing is left to decide; and how they stand now."""
    made = sorted((c for c in choices.values() if c.at >= ticket.made_at), key=lambda choice: choice.at)
    each = {(choice.by, choice.kind): choice for choice in made}
    said = " ".join(_decided(choice, books) for choice in each.values()) or _closed(ticket)
    return f"{said} {_standing(decisions, books)}".strip()


def _decided(choice: Choice, books: Books) -> str:
    return f"{choice.by} chose “{choice_label(choice.kind)}” on {moment(choice.at, books.zone)}."


def _closed(ticket: Ticket) -> str:
    because = dict.fromkeys(flag.closed_because for flag in ticket.flags if flag.closed_because)
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in because)


def _standing(decisions: Sequence[Decision], books: Books) -> str:
    if len(decisions) == 1:
        return f"It stands so now: {words(decisions[0].verdict.reason).headline}. {explain(decisions[0], books)}"
    counts: dict[str, int] = {}
    for decision in decisions:
        headline = words(decision.verdict.reason).headline
        counts[headline] = counts.get(headline, 0) + 1
    listed = ", ".join(f"{number} {headline}" for headline, number in counts.items())
    return f"They stand so now: {listed}." if listed else ""


def prints(items: Sequence[Decision], cycle: Cycle) -> dict[str, str]:
    """For each milestone what stands for every fact that a page shows of it."""
    return {decision.case.milestone.key: _print(decision, cycle) for decision in items}


def fingerprint(found: Mapping[str, str]) -> str:
    """Stands for all that a page shows: a choice made on other facts must not go through."""
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()


def _print(decision: Decision, cycle: Cycle) -> str:
    case, verdict = decision.case, decision.verdict
    bills = (*case.parts, *([case.bill] if case.bill else []))
    held = [(b.bill_id, b.status, b.total, b.settled, b.due, b.date, b.updated_at) for b in bills]
    offered = [Choose(kind).value for kind in fitting(decision, cycle.organisation)]
    both = (verdict.ours, verdict.theirs, sorted(verdict.fields), verdict.lock, verdict.proposed, verdict.others)
    facts = (case.milestone.key, case.milestone.version, verdict.reason.value, held, both, offered)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
