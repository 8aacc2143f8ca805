"""Which decisions say something new; of those that do not, only the marks are taken away, many at once."""

from collections.abc import Sequence

from msgspec.structs import replace

from reconciler.model import Decision, Known, Link, Sifted, Verdict
from reconciler.progress import Progress, progress_of
from reconciler.reasons import Action, Reason
from reconciler.value import Value
from storage.among import among
from storage.changes import PROGRESS
from storage.database import Store
from storage.marks import books_version, make_clean
from storage.models import LinkRow
from storage.shapes import Shape

_NO_LINK = Link()
_NOT_BEGUN = Progress()


class _Standing(Value, frozen=True):
    """How a milestone stands: the version of its link, and what was decided of it last."""

    version: int
    verdict: Verdict | None


STANDING = Shape(LinkRow, _Standing, by="key")


def sift(store: Store, organisation: str, decisions: Sequence[Decision]) -> Sifted:
    """Which of these decisions say something new, in their order."""
    keys = [decision.case.milestone.key for decision in decisions if _quiet(decision)]
    with store.read():
        standing = store.named(STANDING, organisation, keys)
        progress = store.named(PROGRESS, organisation, keys)
    known: dict[tuple[int, Reason], list[str]] = {}
    news = []
    for decision in decisions:
        key = decision.case.milestone.key
        stands = standing.get(key)
        if stands and _stands(decision, stands) and _as_far(decision, progress.get(key, _NOT_BEGUN)):
            known.setdefault((stands.version, decision.verdict.reason), []).append(key)
        else:
            news.append(decision)
    return Sifted(tuple(Known(*of, tuple(keys)) for of, keys in known.items()), tuple(news))


def confirm(store: Store, organisation: str, sifted: Sifted) -> list[str]:
    """What is known already was decided, and all is as it was; returns of which milestones something has moved on."""
    versions = {key: each.version for each in sifted.known for key in each.keys}
    if not versions:
        return []
    with store.write():
        if books_version(store, organisation) != sifted.books:
            return list(versions)
        links = LinkRow.select(LinkRow.key, LinkRow.version)
        mine = (LinkRow.organisation == organisation) & among(LinkRow.key, versions)
        held = store.pairs(links.where(mine))
        overtaken = [key for key, version in versions.items() if held.get(key) != version]
        make_clean(store, organisation, versions.keys() - overtaken)
    return overtaken


def bare(verdict: Verdict) -> Verdict:
    """The verdict without its copy of the link, as it is kept beside the link."""
    return replace(verdict, link=_NO_LINK)


def _quiet(decision: Decision) -> bool:
    """Whether the decision leaves alone all that is kept of the milestone, save the verdict itself.

    Documents may be owed to the bill, and an exemption that has lapsed is no longer waited for.
    """
    case, verdict = decision.case, decision.verdict
    plain = case.exemption is None and not case.milestone.documents
    return plain and verdict.action is Action.SKIP and verdict.link == case.link


def _stands(decision: Decision, stands: _Standing) -> bool:
    return stands.version == decision.case.link.version and stands.verdict == bare(decision.verdict)


def _as_far(decision: Decision, before: Progress) -> bool:
    return progress_of(decision, before) == before
