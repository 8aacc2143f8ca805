"""A billwatch in a process of its own that does as it is told, one deed at a time, and may be killed on the way.

It is forked off a server that has everything imported and runs no thread, so that a life costs milliseconds.
"""

import dataclasses
import datetime as dt
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import stamina
import structlog
from points import Point, Steps
from world import KEY

from billwatch.config import load
from billwatch.wiring import House
from receiver.app import create_app
from receiver.server import Server
from receiver.webhook import Webhook
from reconciler.errors import BillwatchError
from reconciler.model import Milestone
from reconciler.records import Choice

PATIENCE = 30.0
START = dt.datetime(2026, 11, 2, 11, 30, tzinfo=dt.UTC)

context = multiprocessing.get_context("forkserver")


def open_server() -> None:
    """Start the server that processes are forked off. Before Python 3.12.4 it finds its imports only by PYTHONPATH."""
    context.set_forkserver_preload(["mortal"])
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    try:
        forkserver.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH")
        os.environ |= {"PYTHONPATH": before} if before else {}


class Died(Exception):
    """The process was killed before it answered."""


@dataclasses.dataclass(frozen=True)
class Beginning:
    """How a process starts: configuration, secrets, when (monotonic seconds) its clock stood at `START`, its end."""

    config: Path
    environ: Mapping[str, str]
    began: float
    deadly: Point | None = None

    def clock(self) -> dt.datetime:
        """The time, before anybody moves it."""
        return START + dt.timedelta(seconds=time.monotonic() - self.began)


class Mortal:
    """The process as its master sees it. `meanwhile` is called while its answer is waited for."""

    def __init__(self, beginning: Beginning, meanwhile: Callable[[], None]) -> None:
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_live, args=(theirs, beginning), daemon=True)
        self._process.start()
        theirs.close()
        self._meanwhile = meanwhile
        self.port = 0

    def greet(self) -> None:
        """Wait until it is up. Raises `Died`."""
        self.port = self._answer()

    def do(self, deed: str, ahead: dt.timedelta, *args: Any) -> Any:
        """Have it do something at that time; what came of it. Raises `Died`."""
        try:
            self._ours.send((deed, ahead, args))
        except OSError:
            raise Died from None
        return self._answer()

    def kill(self) -> None:
        """End it at once."""
        os.kill(self._process.pid, signal.SIGKILL)

    def bury(self, *, alive: bool = False) -> None:
        """See that it was killed; one that is alive is told to end."""
        if alive:
            self._ours.send(("end", None, ()))
        self._process.join(PATIENCE)
        expected = 0 if alive else -signal.SIGKILL
        assert self._process.exitcode == expected, "it was not killed: its own words are on the error stream"
        self._ours.close()

    def _answer(self) -> Any:
        deadline = time.monotonic() + PATIENCE
        while not self._ours.poll(0.01):
            self._meanwhile()
            assert time.monotonic() < deadline, "it does not answer"
        try:
            return self._ours.recv()
        except (EOFError, ConnectionError):
            raise Died from None


class Deeds:
    """What the process can be told to do."""

    def __init__(self, house: House, steps: Steps) -> None:
        self._house, self._steps = house, steps

    def put(self, milestones: Sequence[Milestone]) -> None:
        """What the platform says."""
        self._house.ledger.milestones.put(milestones, self._house.clock())

    def round(self, sweep: bool) -> bool:
        """Drain, turn, deliver: what the clock's jobs do. Whether nothing is left to do."""
        house, cycle = self._house, self._house.cycles[KEY]
        house.drain()
        cycle.turn(sweep=sweep)
        house.postman().deliver()
        health, books = house.ledger.overview.health(KEY), house.ledger.mirror.books(KEY)
        left = (health.undrained, health.dirty, health.open_attempts, health.mails_owed)
        known = books.hold is None and books.swept_at is not None and cycle.reader.trouble is None
        return known and not any(left) and not house.ledger.milestones.ready(KEY, 1)

    def choose(self, key: str, choice: Choice) -> str:
        """What a person decides on the command line; why not, if it cannot be done."""
        try:
            self._house.desk.command(KEY, key, choice)
        except BillwatchError as error:
            return str(error)
        return ""

    def passed(self) -> Mapping[str, int]:
        """How often each point was passed so far."""
        return dict(self._steps.passed)


def _live(told: Connection, beginning: Beginning) -> None:
    """The life of the process, until it is told to end, killed, or left alone."""
    stamina.set_testing(True, attempts=3, cap=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    steps, ahead = Steps(beginning.deadly), dt.timedelta(0)
    steps.watch()
    config = load(beginning.config, environ=beginning.environ)
    house = House(config, clock=lambda: beginning.clock() + ahead, wait=lambda _seconds: None)
    inbox = house.ledger.group_inbox()
    server = Server(create_app(Webhook(house.signing_keys(), inbox, house.clock), house.ledger.alive), port=0)
    inbox.start()
    server.start()
    deeds = Deeds(house, steps)
    told.send(server.port)
    while told.poll(PATIENCE):
        deed, ahead, args = told.recv()
        if deed == "end":
            os._exit(0)
        told.send(getattr(deeds, deed)(*args))
