"""The receiver on PostgreSQL: 1, 2 and 4 replicas (`serve --role receiver`) behind one generator, every commit flushed.

Generator, replicas and database share the machine's cores. `…_cores` says how many each kept busy, and
`pg_2_vs_1_room` how many times the work of one replica, with its share of generator and database, fits into the cores
that were free: more than that two replicas cannot do here, so the promise is held only where there is room for it.
Each replica has 64 connections of its own: fewer would show for how long one waits, not how much can be taken. Every
acknowledged request is looked up in the database.
"""

import datetime as dt
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

from benchmarks.cpu import Shares
from benchmarks.database import Database, database
from benchmarks.figures import Figure, progress
from benchmarks.generator import Generator, Load
from benchmarks.places import Place, Served, place
from benchmarks.receiver import request, webhook_bodies
from billwatch.sandbox import Sandbox
from reconciler.model import Milestone

KEY = "example"
COUNTS = (1, 2, 4)
ROUNDS = 3
SECONDS = 4.0
WARM_UP_SECONDS = 1.0
REQUESTS = 50_000
CONNECTIONS_EACH = 64
STEADY_RATE = 500
STEADY_SECONDS = 8.0
MILESTONES = 20_000
PROMISED = 1.5
DECIDED = "SELECT count(*) FROM link WHERE reason IS NOT NULL"


def run() -> Iterator[Figure]:
    """All replicas under full load, in turns; then one at a steady rate, alone and beside a busy reconciler."""
    bodies = webhook_bodies(REQUESTS)
    with Sandbox() as xero, tempfile.TemporaryDirectory() as folder, database() as server:
        site = place(xero, xero.organisation("Example Trust"), Path(folder), storage=server.url)
        bench = Bench(site, server, Generator(Path(folder), [request(body) for body in bodies]), bodies)
        yield from bench.full_load()
        yield from bench.steady()


class Bench:
    """One server, one generator, and how many acknowledged requests were not found."""

    def __init__(self, site: Place, server: Database, generator: Generator, bodies: Sequence[bytes]) -> None:
        self._site, self._server, self._generator, self._bodies = site, server, generator, bodies
        self._missing = 0

    def full_load(self) -> Iterator[Figure]:
        """Closed loop, 64 connections for each replica: medians over the rounds, and who used the cores."""
        loads: dict[int, list[Load]] = {count: [] for count in COUNTS}
        shares = {count: Shares() for count in COUNTS}
        with ExitStack() as stack:
            replicas = [stack.enter_context(self._site.serving("receiver")) for _ in range(max(COUNTS))]
            for number in range(ROUNDS):
                for count in COUNTS:
                    load = self._round(replicas[:count], shares[count])
                    loads[count].append(load)
                    told = f"{load.per_second:,.0f}/s, p99 {load.percentile_ms(0.99):.1f} ms"
                    progress(f"round {number + 1}, {_replicas(count)}: {told}")
        yield from _speeds(loads, shares)
        yield Figure("pg_acks_not_stored", self._missing, "requests", 0)

    def steady(self) -> Iterator[Figure]:
        """Open loop: what Xero waits for at a steady rate, and while a reconciler decides everything."""
        with self._site.serving("receiver") as receiver:
            yield self._waits(receiver, "pg_p99_ms_at_500_per_s")
            self._fill()
            with self._site.serving("reconciler"):
                yield self._waits(receiver, "pg_p99_ms_during_decide")
                yield Figure("pg_decided_meanwhile", int(str(self._server.fetch(DECIDED)[0][0])), "decisions")

    def _round(self, replicas: Sequence[Served], shares: Shares) -> Load:
        ports = [one.port for one in replicas]
        self._server.execute("TRUNCATE raw_request")
        groups = {"receivers": [one.process.pid for one in replicas], "database": [self._server.process_id]}
        connections = CONNECTIONS_EACH * len(replicas)
        warm = self._generator.run(ports, WARM_UP_SECONDS, connections=connections)
        with shares.measured(groups):
            load = self._generator.run(ports, SECONDS, connections=connections)
        if load.failed:
            raise SystemExit(f"{load.failed} requests were not answered with 200.")
        self._missing += self._not_stored(warm, load)
        return load

    def _not_stored(self, *loads: Load) -> int:
        """How many acknowledged requests are not in the database; each is there as often as it was acknowledged."""
        stored = Counter(body for (body,) in self._server.fetch("SELECT body FROM raw_request"))
        acknowledged: Counter[object] = Counter(self._bodies[number] for load in loads for number in load.acknowledged)
        return (acknowledged - stored).total()

    def _waits(self, receiver: Served, name: str) -> Figure:
        self._generator.run(receiver.port, WARM_UP_SECONDS, rate=STEADY_RATE)
        load = self._generator.run(receiver.port, STEADY_SECONDS, rate=STEADY_RATE)
        progress(f"{name}: {len(load.acknowledged)} of {STEADY_RATE * STEADY_SECONDS:.0f} acknowledged")
        return Figure(name, round(load.percentile_ms(0.99), 2), "ms")

    def _fill(self) -> None:
        """Milestones that nobody has decided yet."""
        day = dt.date(2026, 7, 1)
        milestones = [
            Milestone(KEY, f"M-{number:05}", f"Stage {number}", f"Payee {number % 3000}", Decimal(1000 + number), day)
            for number in range(MILESTONES)
        ]
        with self._site.house() as house:
            house.ledger.milestones.put(milestones, house.clock())


def _speeds(loads: dict[int, list[Load]], shares: dict[int, Shares]) -> Iterator[Figure]:
    speed = {count: statistics.median(load.per_second for load in rounds) for count, rounds in loads.items()}
    for count, rounds in loads.items():
        name, share = f"pg_{_replicas(count).replace(' ', '_')}", shares[count]
        yield Figure(f"{name}_per_s", round(speed[count]), "requests/s")
        yield Figure(f"{name}_p99_ms", round(statistics.median(one.percentile_ms(0.99) for one in rounds), 1), "ms")
        for group in ("receivers", "database", "generator"):
            yield Figure(f"{name}_{group}_cores", round(share.cores(group), 2), "cores")
        answered = sum(len(load.acknowledged) for load in rounds)
        spent = sum(share.used.values()) / answered
        yield Figure(f"{name}_cpu_us_per_request", round(spent * 1e6), "µs")
    room = shares[1].free / shares[1].total
    least = PROMISED if room >= PROMISED else None
    yield Figure("pg_2_vs_1", round(speed[2] / speed[1], 2), "times", least=least)
    yield Figure("pg_2_vs_1_room", round(room, 2), "times")


def _replicas(count: int) -> str:
    return "1 replica" if count == 1 else f"{count} replicas"
