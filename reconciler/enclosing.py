"""Documents of milestones on their bills in Xero, for whoever approves and pays them."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable
from typing import Protocol

import structlog

from reconciler.errors import BadRequest, RateLimited, Unobtainable, XeroError
from reconciler.model import Decision, Document
from reconciler.ports import Clock, Enclosure, Ledger
from reconciler.reasons import Reason
from reconciler.xero_port import Paper, Xero

AT_ONCE = 20
# developer.xero.com/documentation/api/attachments; Xero may stop at less, with words of its own.
MOST_FILES = 10
MOST_BYTES = 25 * 1024 * 1024
# An idempotency key lives for 6 minutes; after a lost answer, the bill is looked at only when that is over.
PAUSES = tuple(dt.timedelta(minutes=m) for m in (7, 15, 60, 4 * 60, 24 * 60))
# Milestone and bill say the same, so there is no doubt that the papers belong on it.
IN_STEP = frozenset({Reason.IN_SYNC, Reason.AWAITING_APPROVAL, Reason.APPROVED, Reason.PART_PAID, Reason.PAID})

log = structlog.get_logger(__name__)


class Papers(Protocol):
    """Where documents are fetched."""

    def fetch(self, document: Document) -> Paper:
        """The document itself; raises `Unobtainable`."""
        ...


def wanted(decisions: Iterable[Decision]) -> list[tuple[str, str, Document]]:
    """Which documents belong on which bills, as (key, bill id, document)."""
    return [
        (d.case.milestone.key, d.case.link.bill_id, document)
        for d in decisions
        if d.verdict.reason in IN_STEP and d.case.link.bill_id
        for document in d.case.milestone.documents
    ]


class Clerk:
    """Attaches the documents that are owed to one organisation's bills, beside the sync, which never waits for it.

    What is on a bill under a document's name is taken for it and left alone, since an upload would replace it. What
    fails is tried again, ever more rarely, down to once a day.
    """

    def __init__(
        self,
        organisation: str,
        xero: Xero,
        ledger: Ledger,
        papers: Papers,
        clock: Clock,
        may_write: Callable[[], bool],
    ) -> None:
        self._key, self._xero, self._enclosures = organisation, xero, ledger.enclosures
        self._papers, self._clock, self._may_write = papers, clock, may_write

    def work(self) -> None:
        """Attach some of what is owed, while writing is allowed and Xero has plenty of calls left for the day."""
        names: dict[str, set[str]] = {}
        try:
            for each in self._enclosures.owed(self._key, self._clock(), AT_ONCE):
                if not (self._may_write() and self._xero.to_spare() and self._enclose(each, names)):
                    return
        finally:
            self._xero.settle()

    def _enclose(self, each: Enclosure, names: dict[str, set[str]]) -> bool:
        """Try one document; whether Xero can be asked for more. `names` are those that bills are known to hold."""
        if not self._enclosures.trying(each, self._clock() + PAUSES[min(each.tries, len(PAUSES) - 1)]):
            return True
        try:
            if each.bill_id not in names:
                names[each.bill_id] = {name.casefold() for name in self._xero.attached(each.bill_id)}
            self._attach(each, names[each.bill_id])
        except Unobtainable as error:
            self._failed(each, str(error))
        except BadRequest as error:
            self._failed(each, str(error), final=True)
        except RateLimited:
            return False
        except XeroError as error:
            self._failed(each, str(error))
            return False
        else:
            self._enclosures.enclosed(each, self._clock())
        return True

    def _attach(self, each: Enclosure, names: set[str]) -> None:
        if each.document.name.casefold() in names:
            return
        if len(names) >= MOST_FILES:
            raise Unobtainable(f"The bill has {len(names)} files already, and Xero takes no more than {MOST_FILES}.")
        paper = self._papers.fetch(each.document)
        if paper.name.casefold() not in names and self._may_write():
            self._xero.attach(each.bill_id, paper, uuid.uuid4().hex)
            names.add(paper.name.casefold())

    def _failed(self, each: Enclosure, why: str, *, final: bool = False) -> None:
        log.warning("document not attached", milestone=each.key, document=each.document.name, why=why)
        self._enclosures.failed(each, why, self._clock(), final=final)
