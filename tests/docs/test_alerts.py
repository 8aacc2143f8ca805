"""The alert rules ask for metrics that there are, under conditions that Prometheus can read, at the stated times.

What dies in truth, and is told of within these times, is in `tests/e2e/test_alarms.py`.
"""

import datetime as dt
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from alarms import ALERTS, delay
from prometheus_client.core import CounterMetricFamily

from billwatch.metrics import Metrics, Stored
from billwatch.sections import Reconciler, Watch
from billwatch.watch import UNSENT, Watchman
from notify.hooks import DEAD
from receiver.webhook import WebhookCounts
from storage import Ledger

FILE = Path(__file__).parents[2] / "deploy" / "alerts.yml"
RULES: list[Any] = [rule for group in yaml.safe_load(FILE.read_text())["groups"] for rule in group["rules"]]
LIMITS = ("silence_hours", "gap_hours", "consent_days", "owed_minutes")
NOW = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all samples, with nothing to tell yet."""
    counted = Metrics()
    with Ledger.open(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/billwatch.db") as ledger:
        watchman = Watchman(ledger, {}, Watch(), (), lambda: NOW, lambda _organisation: None, webhooks=True)
        stored = Stored(list, ledger.budgets.total, WebhookCounts(), watchman, lambda: NOW)
        families = [*counted.registry.collect(), *stored.collect()]
    counters = {
        family.name for family in families if family.type == "counter" or isinstance(family, CounterMetricFamily)
    }
    return {f"{name}_total" for name in counters} | {family.name for family in families} - counters


@each_rule
def test_an_alert_asks_for_metrics_that_there_are(rule: Any, metrics: set[str]) -> None:
    assert set(re.findall(r"billwatch_\w+", rule["expr"])) <= metrics
    assert rule["expr"].count("(") == rule["expr"].count(")")


@each_rule
def test_an_alert_says_what_is_wrong_and_what_to_do(rule: Any) -> None:
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"].endswith(".")
    assert rule["labels"]["severity"] in ("warning", "critical")


OPERATING = (FILE.parents[1] / "docs" / "operating.md").read_text(encoding="utf-8")
TABLE = OPERATING[OPERATING.index("| what stops |") :].split("\n\n")[0]
MINUTES = {"minutes": 1, "hours": 60, "days": 24 * 60}


def minutes(number: str, unit: str) -> int:
    return int(number) * MINUTES[unit]


def test_every_alert_is_in_the_table_of_what_stops() -> None:
    assert set(re.findall(r"`(Billwatch\w+)`", TABLE)) == {rule["alert"] for rule in RULES}


def test_alerts_come_after_the_time_that_the_table_states() -> None:
    stated = re.findall(r"`(Billwatch\w+)` after (\d+) (minutes|hours|days)", TABLE)
    assert len(stated) == 7
    for alert, number, unit in stated:
        assert delay(alert) == dt.timedelta(minutes=minutes(number, unit)), alert


def test_mails_come_after_the_time_that_the_table_states() -> None:
    stated = re.findall(r"(\d+) (minutes|hours|days)[a-z ]* \(`(\w+)`\)", TABLE)
    assert {name for *_, name in stated} == {"fresh_minutes", *LIMITS}
    for number, unit, name in stated:
        settings = Reconciler() if name == "fresh_minutes" else Watch()
        assert getattr(settings, name) * MINUTES[name.rpartition("_")[2]] == minutes(number, unit), name


def test_what_the_table_states_besides_is_what_is_done() -> None:
    assert f"stops after {UNSENT // dt.timedelta(minutes=1)} minutes |" in TABLE
    assert f"after {DEAD.days} days, when it is switched off" in TABLE
    assert f"`BillwatchCallsRunOut` at fewer than {Watch().day_calls} " in TABLE
    assert f"< {Watch().day_calls}" in ALERTS["BillwatchCallsRunOut"]["expr"]
    assert f"< {Watch().consent_days} * 86400" in ALERTS["BillwatchConsentLapses"]["expr"]


PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_prometheus_itself_takes_the_rules() -> None:
    asking = [str(PROMTOOL), "check", "rules", str(FILE)]
    said = subprocess.run(asking, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert said.returncode == 0, said.stdout + said.stderr
