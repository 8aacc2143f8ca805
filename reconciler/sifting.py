"""Which decisions say something new. Most of them, when all is decided afresh, say what is known already. Pure."""

from collections.abc import Sequence

from msgspec.structs import replace

from reconciler.model import Decision, Known, Link, Sifted, Verdict
from reconciler.progress import progress_of
from reconciler.reasons import Action, Reason

_NO_LINK = Link()


def sift(decisions: Sequence[Decision], books: int = 0) -> Sifted:
    """The decisions, made on that version of the books, told apart; news in their order."""
    known: dict[tuple[int, Reason], list[str]] = {}
    news = []
    for decision in decisions:
        if _known(decision):
            alike = (decision.case.link.version, decision.verdict.reason)
            known.setdefault(alike, []).append(decision.case.milestone.key)
        else:
            news.append(decision)
    return Sifted(tuple(Known(*alike, tuple(keys)) for alike, keys in known.items()), tuple(news), books)


def bare(verdict: Verdict) -> Verdict:
    """The verdict without its copy of the link, as it is kept beside the link."""
    return replace(verdict, link=_NO_LINK)


def _known(decision: Decision) -> bool:
    """Whether the decision leaves all that is kept of the milestone as it is.

    Documents may be owed to the bill, and an exemption that has lapsed is no longer waited for.
    """
    case, verdict = decision.case, decision.verdict
    if verdict.action is not Action.SKIP or case.exemption is not None or case.milestone.documents:
        return False
    if verdict.link != case.link or case.decided != bare(verdict):
        return False
    return progress_of(decision, case.progress) == case.progress
