"""Deciders in other processes, for when very many milestones are to be decided at once.

Python reckons on one core at a time. So a few portions are decided where they are asked for, and what is beyond them by
processes that read the database beside this one, on all cores and after everything that is in haste. What they find is
kept by this process alone, which goes on answering webhooks meanwhile.
"""

import contextlib
import gc
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice

import structlog

from reconciler.deciding import Question, answered
from reconciler.milestone_port import Milestones
from reconciler.model import Sifted
from storage import Ledger
from storage.database import view_store

FEW = 5
AHEAD = 2
NICENESS = 10
YOUNG_OBJECTS = 50_000

log = structlog.get_logger(__name__)


class Deciders:
    """`reconciler.deciding.Deciders`, with `processes` beside this one once there are more than a few questions.

    `url` and `prefixes` are those that the ledger was opened with. Other processes are there only while one
    organisation needs them; another one that does so meanwhile decides in this process, and so does who loses one.
    """

    def __init__(self, milestones: Milestones, url: str, prefixes: Mapping[str, str], processes: int) -> None:
        self._milestones = milestones
        self._opening = (url, dict(prefixes))
        self._processes = processes
        self._engaged = threading.Lock()

    def answer(self, questions: Iterable[Question]) -> Iterator[Sifted]:
        """As `reconciler.deciding.Deciders` says."""
        asked = iter(questions)
        for question in islice(asked, FEW):
            yield answered(self._milestones, question)
        more = next(asked, None)
        if more is None:
            return
        rest, pool = chain([more], asked), self._engage()
        if pool is None:
            for question in rest:
                yield answered(self._milestones, question)
        else:
            yield from self._beside(pool, rest)

    def _engage(self) -> ProcessPoolExecutor | None:
        if self._processes < 2 or not self._engaged.acquire(blocking=False):
            return None
        try:
            return ProcessPoolExecutor(self._processes, multiprocessing.get_context("spawn"), begin, self._opening)
        except OSError as error:  # a system without what processes share
            self._engaged.release()
            log.warning("all is decided in one process, since no others can be had", error=str(error))
            return None

    def _beside(self, pool: ProcessPoolExecutor, questions: Iterator[Question]) -> Iterator[Sifted]:
        waiting: deque[tuple[Question, Future[Sifted] | None]] = deque()
        try:
            for question in questions:
                waiting.append((question, _ask(pool, question)))
                if len(waiting) > self._processes * AHEAD:
                    yield self._take(*waiting.popleft())
            while waiting:
                yield self._take(*waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)
            self._engaged.release()

    def _take(self, question: Question, asked: Future[Sifted] | None) -> Sifted:
        if asked is not None:
            try:
                return asked.result()
            except BrokenProcessPool:
                log.warning("a process that decides has ended; what it was asked is decided here")
        return answered(self._milestones, question)


def cores() -> int:
    """How many processes can reckon at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _ask(pool: ProcessPoolExecutor, question: Question) -> "Future[Sifted] | None":
    try:
        return pool.submit(_answer, question)
    except (BrokenProcessPool, OSError):
        return None


class _Beside:
    """What a process that decides has: the ledger, opened for reading."""

    ledger: Ledger


def begin(url: str, prefixes: Mapping[str, str]) -> None:
    """Begin as a process that decides: behind all that is in haste, and no longer than the one that began it."""
    with contextlib.suppress(AttributeError, OSError):  # not every system, and not every service, may ask for it
        os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _Beside.ledger = Ledger(view_store(url), prefixes=prefixes)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _answer(question: Question) -> Sifted:
    return answered(_Beside.ledger.milestones, question)
