"""The daemon: the HTTP server and the clock's jobs, started together and stopped in order."""

import contextlib
import gc
import signal
import sys
import threading
from collections.abc import Collection
from enum import StrEnum

import httpx
import structlog
from starlette.routing import BaseRoute

from billwatch.jobs import Jobs
from billwatch.metrics import Metrics, Stored
from billwatch.office import dashboard, office
from billwatch.platform import api, guard_of
from billwatch.supervisor import Supervisor
from billwatch.wiring import House
from receiver.app import create_app
from receiver.metrics import metrics_route
from receiver.pages import LinkPages
from receiver.server import Server
from receiver.webhook import Webhook
from reconciler.errors import ConfigurationError
from storage.inbox import KEEP_SECONDS

SHARED_KEEP_SECONDS = 0.9  # while a server is away, Xero hears within a second that it has to come again
STOP_SECONDS = 10
YOUNG_OBJECTS = 10_000
GIVES_WAY_SECONDS = 0.001
NAMED_AT_MOST = 10

log = structlog.get_logger(__name__)


class Role(StrEnum):
    """What a process does of the work: all of it, or what comes in over HTTP, or what is done with it."""

    ALL = "all"
    RECEIVER = "receiver"
    RECONCILER = "reconciler"


class Daemon:
    """A running billwatch. The socket listens from construction on, so that `url` is known."""

    def __init__(self, house: House, role: Role = Role.ALL) -> None:
        self._house, config, self._role = house, house.config, role
        if role is not Role.ALL and not house.ledger.shared:
            raise ConfigurationError(
                f"The role {role} is for processes that share a PostgreSQL database, and storage.url names a file: "
                "set it to postgresql://user@host/database, or start without --role."
            )
        self._metrics = Metrics()
        self._jobs = Jobs(house, self._metrics)
        seconds = SHARED_KEEP_SECONDS if house.ledger.shared else KEEP_SECONDS
        self._inbox = house.ledger.group_inbox(self._jobs.heard, seconds)
        heard = self._jobs.heard, house.halt
        self._listener = threading.Thread(target=house.ledger.listen, args=heard, name="listener")
        self.webhook = Webhook(house.signing_keys(), self._inbox, house.clock)
        app = create_app(self.webhook, house.ledger.alive, self._routes())
        self._server = Server(app, config.server.host, config.server.port)
        self.url = f"http://{self._server.host}:{self._server.port}"

    def _routes(self) -> list[BaseRoute]:
        """Pages, API and metrics."""
        house, guard = self._house, guard_of(self._house)
        spent, counts = house.ledger.budgets.total, self.webhook.counts
        stored = Stored(office(house).standing, spent, counts, house.watchman(), house.clock)
        self._metrics.registry.register(stored)
        who = house.config.server.metrics
        watched: list[BaseRoute] = (
            [] if who == "off" else [metrics_route(self._metrics.registry, guard if who == "key" else None)]
        )
        if self._role is Role.RECONCILER:
            return watched
        links = LinkPages(house.desk, house.clock)
        return [*links.routes(), *dashboard(house).routes(), *api(house, guard).routes(), *watched]

    def start(self) -> None:
        """See to the modes of files, accept requests, then start the jobs."""
        for path in self._house.config.exposed():
            log.warning("others on this machine may read this file; close it with chmod o=", file=str(path))
        if self._role is not Role.RECONCILER:
            self._inbox.start()
        self._server.start()
        if self._role is not Role.RECEIVER:
            self._jobs.start()
            self._listener.start()
        log.info("started", url=self.url, role=self._role.value, **_followed(self._house.cycles))

    def stop(self) -> None:
        """Stop in order: no new requests; what was accepted is kept; running turns end; nothing new begins."""
        self._jobs.halt()
        self._server.stop()
        self._inbox.stop()
        self._jobs.stop()
        if self._listener.is_alive():
            self._listener.join(STOP_SECONDS)
        log.info("stopped")

    def run(self) -> None:
        """Start, and stop at SIGTERM or SIGINT; systemd is told of it, if it asks."""
        asked = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: asked.set())
        self.start()
        _answer_soon()
        Supervisor().watch(asked, self._answers)
        self.stop()

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/healthz", timeout=STOP_SECONDS).status_code == 200
        return False


def _followed(keys: Collection[str]) -> dict[str, object]:
    """How many organisations are followed; and which, where they are few enough to be read."""
    few = {"organisation_keys": list(keys)} if len(keys) <= NAMED_AT_MOST else {}
    return {"organisations": len(keys), **few}


def _answer_soon() -> None:
    """Set the interpreter up for answering requests while it works.

    The garbage collector leaves alone what was loaded, all of which it would else look through for 50 ms each time. A
    thread that reckons gives way to one that has a request after 1 ms instead of 5.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    sys.setswitchinterval(GIVES_WAY_SECONDS)
