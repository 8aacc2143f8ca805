"""Durable, verified webhooks a second: billwatch as it is served, and what people would use instead, in one run.

Each contender is started afresh for each round and gets the same signed requests from the same generator; the rounds
are interleaved, and medians are compared. Every request that billwatch acknowledged is looked up in its database.
"""

import base64
import hashlib
import hmac
import sqlite3
import statistics
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from benchmarks import peers
from benchmarks.figures import Figure, progress
from benchmarks.generator import Generator, Load
from benchmarks.places import WEBHOOK_KEY, Place, place
from benchmarks.profile import Profile, profiled
from billwatch.sandbox import Sandbox

ROUNDS = 7
SECONDS = 3.0
WARM_UP_SECONDS = 1.0
REQUESTS = 50_000
STEADY_RATE = 500
STEADY_SECONDS = 10.0
PROFILE_SECONDS = 5.0
PROFILES: list[Profile] = []
BODY = (
    '{{"events":[{{"resourceUrl":"https://api.xero.com/api.xro/2.0/Invoices/{bill}","resourceId":"{bill}",'
    '"eventDateUtc":"2026-07-08T01:15:39.902","eventType":"UPDATE","eventCategory":"INVOICE",'
    '"tenantId":"c2cc9b6e-9458-4c7d-93cc-f02b81b0594f","tenantType":"ORGANISATION"}}],'
    '"firstEventSequence": {number},"lastEventSequence": {number}, "entropy": "ABCDEFGHIJKLMNOPQRST"}}'
)
HEAD = (
    "POST /webhooks/xero HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nAccept-Encoding: gzip,deflate\r\n"
    "Content-Type: application/json; charset=utf-8\r\nx-xero-signature: {signature}\r\nContent-Length: {length}\r\n\r\n"
)

Contender = Callable[[Path], AbstractContextManager[int]]


def run() -> Iterator[Figure]:
    """All contenders under full load, then billwatch at a steady rate."""
    peers.install()
    bodies = webhook_bodies(REQUESTS)
    with Sandbox() as xero, tempfile.TemporaryDirectory() as folder:
        bench = Bench(xero, Generator(Path(folder), [request(body) for body in bodies]), bodies)
        yield from bench.full_load()
        yield from bench.steady()


def webhook_bodies(count: int) -> list[bytes]:
    """That many bodies, each with an event of a bill of its own."""
    return [BODY.format(bill=uuid.UUID(int=number), number=number).encode() for number in range(count)]


class Bench:
    """One sandbox, one generator, and how many acknowledged requests were not found in our store."""

    def __init__(self, xero: Sandbox, generator: Generator, bodies: list[bytes]) -> None:
        self._xero, self._org = xero, xero.organisation("Example Trust")
        self._generator, self._bodies = generator, bodies

    def full_load(self) -> Iterator[Figure]:
        """Closed loop, 64 connections: medians over the rounds, and their ratios."""
        self._missing = 0
        loads: dict[str, list[Load]] = {}
        for number in range(ROUNDS):
            for name, contender in self._contenders().items():
                load = self._round(contender)
                loads.setdefault(name, []).append(load)
                progress(f"round {number + 1}, {name}: {load.per_second:,.0f}/s, p99 {load.percentile_ms(0.99):.1f} ms")
        speed = {name: statistics.median(load.per_second for load in rounds) for name, rounds in loads.items()}
        for name, rounds in loads.items():
            yield Figure(f"{name}_per_s", round(speed[name]), "requests/s")
            yield Figure(f"{name}_p99_ms", round(statistics.median(one.percentile_ms(0.99) for one in rounds), 1), "ms")
        for peer, least in (("express_durable", 6), ("express_memory", 1.5), ("bare_starlette", 0.6)):
            yield Figure(f"ratio_vs_{peer}", round(speed["billwatch"] / speed[peer], 2), "times", least=least)
        yield Figure("ratio_vs_flask_durable", round(speed["billwatch"] / speed["flask_durable"], 2), "times")
        yield Figure("acks_not_stored", self._missing, "requests", 0)

    def steady(self) -> Iterator[Figure]:
        """Open loop: what Xero waits for when requests come at a steady rate."""
        with tempfile.TemporaryDirectory() as folder, self._place(Path(folder)).serving() as served:
            self._generator.run(served.port, WARM_UP_SECONDS, rate=STEADY_RATE)
            load = self._generator.run(served.port, STEADY_SECONDS, rate=STEADY_RATE)
            with profiled(served.process.pid, PROFILE_SECONDS, "The daemon under full load of webhooks:", PROFILES):
                self._generator.run(served.port, PROFILE_SECONDS)
        progress(f"steady: {len(load.acknowledged)} of {STEADY_RATE * STEADY_SECONDS:.0f} acknowledged")
        yield Figure("p50_ms_at_500_per_s", round(load.percentile_ms(0.5), 2), "ms")
        yield Figure("p99_ms_at_500_per_s", round(load.percentile_ms(0.99), 2), "ms", 10)
        yield Figure("unanswered_at_500_per_s", load.failed, "requests", 0)

    def _contenders(self) -> dict[str, Contender]:
        return {
            "billwatch": self._billwatch,
            "bare_starlette": lambda _folder: peers.bare_starlette(),
            "express_memory": lambda _folder: peers.express(WEBHOOK_KEY),
            "express_durable": lambda folder: peers.express(WEBHOOK_KEY, folder / "express.db"),
            "flask_durable": lambda folder: peers.flask(WEBHOOK_KEY, folder / "flask.db"),
        }

    def _round(self, contender: Contender) -> Load:
        with tempfile.TemporaryDirectory() as folder:
            with contender(Path(folder)) as port:
                warm = self._generator.run(port, WARM_UP_SECONDS)
                load = self._generator.run(port, SECONDS)
            if load.failed:
                raise SystemExit(f"{load.failed} requests were not answered with 200.")
            if (database := Path(folder) / "billwatch.db").exists():
                self._missing += self._not_stored(database, warm, load)
        return load

    @contextmanager
    def _billwatch(self, folder: Path) -> Iterator[int]:
        with self._place(folder).serving() as served:
            yield served.port

    def _place(self, folder: Path) -> Place:
        return place(self._xero, self._org, folder)

    def _not_stored(self, database: Path, *loads: Load) -> int:
        """How many acknowledged requests are not in the store; each is there as often as it was acknowledged."""
        with closing(sqlite3.connect(database)) as connection:
            stored = Counter(body for (body,) in connection.execute("SELECT body FROM raw_request"))
        acknowledged = Counter(self._bodies[number] for load in loads for number in load.acknowledged)
        return (acknowledged - stored).total()


def request(body: bytes) -> bytes:
    """The HTTP request with that body, signed."""
    signature = base64.b64encode(hmac.digest(WEBHOOK_KEY.encode(), body, hashlib.sha256)).decode()
    return HEAD.format(signature=signature, length=len(body)).encode() + body
