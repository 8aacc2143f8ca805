"""What Prometheus is told, and who may ask."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from calling import new_headers
from prometheus_client.parser import text_string_to_metric_families
from world import KEY, World, until

from billwatch.daemon import Daemon
from reconciler.callers import Scope
from reconciler.reasons import Reason

METRICS = frozenset({Scope.METRICS})


@pytest.fixture
def daemon(make_world: Callable[..., World]) -> Iterator[Callable[..., tuple[World, Daemon]]]:
    running: list[Daemon] = []

    def start(**settings: Any) -> tuple[World, Daemon]:
        world = make_world(**settings)
        running.append(Daemon(world.house))
        running[-1].start()
        until(lambda: world.house.ledger.mirror.books(KEY).swept_at)
        return world, running[-1]

    yield start
    for each in running:
        each.stop()


def scraped(daemon: Daemon, headers: dict[str, str]) -> dict[str, float]:
    """Every sample by its name and the values of its labels, in the order of the labels' names."""
    answer = httpx.get(f"{daemon.url}/metrics", headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = list(text_string_to_metric_families(answer.text))
    assert all(family.documentation for family in families)
    return {
        " ".join([s.name, *(value for _, value in sorted(s.labels.items()))]): s.value
        for family in families
        for s in family.samples
    }


def test_a_day_at_work_shows_in_the_metrics(daemon: Callable[..., tuple[World, Daemon]]) -> None:
    world, running = daemon(extra="[reconciler]\nquiet_seconds = 0")
    headers = new_headers(world, "Prometheus", METRICS)
    with world.cycle.lock:
        world.put()
    until(lambda: world.house.ledger.census.counts([KEY])[KEY] == {Reason.AWAITING_APPROVAL: 1})
    httpx.post(f"{running.url}/webhooks/xero", content=b"{}", timeout=10)
    until(lambda: scraped(running, headers).get(f"billwatch_bills_total {KEY} created") == 1)
    told = scraped(running, headers)
    assert told[f"billwatch_milestones SKIP {KEY} AWAITING_APPROVAL"] == 1
    assert told["billwatch_webhook_requests_total signature"] == 1
    assert told["billwatch_webhook_requests_total accepted"] == 0
    assert told[f"billwatch_cycle_seconds_count sweep {KEY}"] >= 1
    assert sum(value for name, value in told.items() if name.startswith("billwatch_xero_calls_total")) > 1
    assert told[f"billwatch_owed {KEY} milestones_to_decide"] == 0
    assert told[f"billwatch_last_sweep_timestamp_seconds {KEY}"] > 0
    assert told[f"billwatch_xero_day_calls_left {KEY}"] > 0
    assert told[f"billwatch_paused {KEY}"] == 0
    world.pause()
    assert scraped(running, headers)[f"billwatch_paused {KEY}"] == 1


def test_the_metrics_are_for_keys_of_that_scope_for_everybody_or_for_nobody(
    daemon: Callable[..., tuple[World, Daemon]],
) -> None:
    world, running = daemon()
    assert httpx.get(f"{running.url}/metrics", timeout=10).status_code == 401
    reader = new_headers(world, "Reader", frozenset({Scope.READ, Scope.WRITE}))
    assert httpx.get(f"{running.url}/metrics", headers=reader, timeout=10).status_code == 403
    _, running = daemon(extra='metrics = "open"')
    scraped(running, {})
    _, running = daemon(extra='metrics = "off"')
    assert httpx.get(f"{running.url}/metrics", timeout=10).status_code == 404
