"""The alert rules ask for metrics that there are, under conditions that Prometheus can read."""

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.core import CounterMetricFamily

from billwatch.metrics import Metrics, Stored
from receiver.webhook import WebhookCounts

FILE = Path(__file__).parents[2] / "deploy" / "alerts.yml"
RULES: list[Any] = [rule for group in yaml.safe_load(FILE.read_text())["groups"] for rule in group["rules"]]
NOW = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


@pytest.fixture(scope="module")
def metrics() -> set[str]:
    """The names of all samples, with nothing to tell yet."""
    counted = Metrics()
    stored = Stored(
        list, lambda _organisation, _since: {}, WebhookCounts(), dict, lambda _organisation: NOW, lambda: NOW
    )
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
