"""Days on which something dies: billwatch's jobs run by hand on a moved clock, and what Prometheus would make of them.

`deploy/alerts.yml` is held against what `/metrics` really says: by a reading of its own, which knows the comparison of
one metric with a number, and by promtool where that is installed.
"""

import contextlib
import dataclasses
import datetime as dt
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import yaml
from letterbox import Letter, Letterbox
from prometheus_client.parser import text_string_to_metric_families
from world import World

from billwatch.daemon import Daemon
from reconciler.errors import BillwatchError

RULES = Path(__file__).parents[2] / "deploy" / "alerts.yml"
ALERTS: dict[str, Any] = {
    rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
}
STEP = dt.timedelta(minutes=5)
SWEEP = dt.timedelta(minutes=15)
EVALUATED = dt.timedelta(minutes=2)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SIMPLE = re.compile(r"(?P<age>time\(\) - )?(?P<metric>\w+)(?:\{.*?\})? (?P<sign>[<>]|==) (?P<limit>\d+)\Z")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Sample = tuple[str, tuple[tuple[str, str], ...]]


class Doors(Daemon):
    """What of a daemon answers requests; its jobs are run by the test."""

    def start(self) -> None:
        self._inbox.start()
        self._server.start()


@dataclasses.dataclass
class Day:
    """A world, its doors, the mails and the heartbeats that came; one scrape for each step of the clock."""

    world: World
    url: str
    letterbox: Letterbox
    beats: list[str]
    scrapes: list[tuple[dt.datetime, dict[Sample, float]]] = dataclasses.field(default_factory=list)

    @property
    def now(self) -> dt.datetime:
        return self.world.house.clock()

    @property
    def letters(self) -> list[Letter]:
        return self.letterbox.letters

    def goes_on(self, during: Callable[[], object] = lambda: None, **time: float) -> None:
        """Let that much time pass, five minutes at a time: all jobs run, and Prometheus looks."""
        until = self.now + dt.timedelta(**time)
        while self.now < until:
            self.world.xero.advance(seconds=STEP.total_seconds())
            during()
            self._work()
            self.scrapes.append((self.now, scraped(self.url)))

    def waits(self, told: Callable[[], object], **at_most: float) -> dt.timedelta:
        """How long it takes until that is so; fails when it takes longer than `at_most`."""
        begun, limit = self.now, dt.timedelta(**at_most)
        while not told():
            assert self.now - begun < limit, f"it has not happened within {limit}"
            self.goes_on(seconds=STEP.total_seconds())
        return self.now - begun

    def firing(self, alert: str) -> bool:
        """Whether the alert fires at the last scrape, by that and those before."""
        rule = ALERTS[alert]
        since = self.scrapes[-1][0] - dt.timedelta(seconds=seconds(rule.get("for", "0s")))
        return all(holds(rule["expr"], at, found) for at, found in self.scrapes if at >= since)

    def _work(self) -> None:
        house, cycle = self.world.house, self.world.cycle
        jobs: list[Callable[[], object]] = [house.drain, cycle.tick]
        if int((self.now - EPOCH) / STEP) % (SWEEP // STEP) == 0:
            jobs += [lambda: cycle.turn(sweep=True), house.beat]
        for job in (*jobs, house.watchman().look, house.postman().deliver):
            with contextlib.suppress(BillwatchError):
                job()


def scraped(url: str) -> dict[Sample, float]:
    """Every sample of `/metrics`, by its name and labels."""
    answer = httpx.get(f"{url}/metrics", timeout=10)
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def holds(expression: str, now: dt.datetime, found: dict[Sample, float]) -> bool:
    """Whether a comparison of one metric with a number is true of one of its samples."""
    simple = SIMPLE.match(expression)
    assert simple, f"{expression} is not of the form that can be read here"
    limit, ages = float(simple["limit"]), bool(simple["age"])
    values = [now.timestamp() - v if ages else v for (name, _), v in found.items() if name == simple["metric"]]
    return any({">": v > limit, "<": v < limit, "==": v == limit}[simple["sign"]] for v in values)


def seconds(text: str) -> int:
    """`5m` as 300."""
    return int(text[:-1]) * UNITS[text[-1]]


def delay(alert: str) -> dt.timedelta:
    """How long it takes until the alert fires, by its limit of seconds and its `for`."""
    rule = ALERTS[alert]
    simple = SIMPLE.match(rule["expr"])
    limit = int(simple["limit"]) if simple and ("_seconds" in simple["metric"]) else 0
    return dt.timedelta(seconds=limit + seconds(rule.get("for", "0s")))


def judged(day: Day, alert: str, begun: dt.datetime, tmp_path: Path) -> None:
    """See with promtool, if it is there, that the alert does not fire before its time after `begun`, and fires then."""
    tool = shutil.which("promtool")
    if tool is None:
        return
    start = day.scrapes[0][0]
    names = sorted({sample for _, found in day.scrapes for sample in found})
    checks = [(begun + delay(alert) - 2 * STEP, False), (day.now + EVALUATED, True)]
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": f"{STEP.seconds}s",
                "input_series": [{"series": _series(name), "values": _values(day, name, start)} for name in names],
                "promql_expr_test": [
                    {
                        "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
                        "eval_time": f"{int((at - start).total_seconds())}s",
                        "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
                    }
                    for at, fires in checks
                ],
            }
        ],
    }
    path = tmp_path / f"{alert}.yml"
    path.write_text(yaml.safe_dump(test), encoding="utf-8")
    said = subprocess.run([tool, "test", "rules", path], capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
    assert said.returncode == 0, said.stdout + said.stderr


def _series(sample: Sample) -> str:
    name, labels = sample
    return f"{name}{{{','.join(f'{key}={value!r}' for key, value in labels)}}}".replace("'", '"')


def _values(day: Day, sample: Sample, start: dt.datetime) -> str:
    """The values of a series; moments count from the first scrape on, as promtool's clock begins at 0."""
    since = start.timestamp() if sample[0].endswith("_timestamp_seconds") else 0
    values = (found.get(sample) for _, found in day.scrapes)
    return " ".join("_" if value is None else repr(value - since) for value in values)
