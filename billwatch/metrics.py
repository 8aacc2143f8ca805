"""What Prometheus is told: what was counted since the start, and, at each look, how things stand.

Names follow prometheus.io/docs/practices/naming: base units, `_total` for what only grows. What is kept in the database
is read from there, so that it neither jumps at a restart nor differs between commands and daemon.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from billwatch.watch import Watchman
from notify.postman import Delivered
from receiver.dashboard.ports import Standing
from receiver.webhook import WebhookCounts
from reconciler.ports import Clock, Report
from reconciler.reasons import words
from reconciler.xero_port import Spent

SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900)

Spending = Callable[[], Mapping[str, Mapping[str, Spent]]]


class Metrics:
    """Counts what the daemon's jobs do; `registry` holds all there is to tell."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        mine = self.registry
        self._turns = Histogram(
            "billwatch_cycle_seconds", "How long turns took.", ["organisation", "kind"], buckets=SECONDS, registry=mine
        )
        self._verdicts = Counter(
            "billwatch_verdicts", "Verdicts of turns.", ["organisation", "action", "reason"], registry=mine
        )
        self._writes = Counter("billwatch_bills", "Bills written to Xero.", ["organisation", "result"], registry=mine)
        self._mails = Counter("billwatch_mails", "Mails that were tried.", ["result"], registry=mine)
        self._hooks = Counter("billwatch_hooks", "Events out that were tried.", ["endpoint", "result"], registry=mine)
        self._failures = Counter("billwatch_job_failures", "Runs of jobs that failed.", ["task"], registry=mine)

    def turn(self, organisation: str, kind: str, work: Callable[[], Report | None]) -> Report | None:
        """A turn, timed, with what it came to; one that found nothing to do does not count."""
        began = time.monotonic()
        report = work()
        if report is not None:
            self._turns.labels(organisation, kind).observe(time.monotonic() - began)
            for reason, number in report.verdicts.items():
                self._verdicts.labels(organisation, words(reason).action.value, reason.value).inc(number)
            for result in ("created", "updated", "refused"):
                self._writes.labels(organisation, result).inc(getattr(report, result))
        return report

    def mailed(self, delivered: Delivered) -> Delivered:
        """What became of a batch of mails."""
        for result in ("sent", "failed", "dropped"):
            self._mails.labels(result).inc(getattr(delivered, result))
        return delivered

    def hooked(self, endpoint: str, result: str) -> None:
        """What became of an event out."""
        self._hooks.labels(endpoint, result).inc()

    def failed(self, task: str) -> None:
        """A run of a job failed. Prometheus itself calls what it scrapes a job, so the label has another name."""
        self._failures.labels(task).inc()


class Stored(Collector):
    """How things stand, asked of the ledger at each look."""

    def __init__(
        self,
        standing: Callable[[], Sequence[Standing]],
        spent: Spending,
        heard: WebhookCounts,
        watchman: Watchman,
        clock: Clock,
    ) -> None:
        self._standing, self._spent, self._heard, self._clock = standing, spent, heard, clock
        self._watchman = watchman

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the ledger."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All families."""
        standing = self._standing()
        yield InfoMetricFamily("billwatch_build", "This release.", {"version": version("billwatch")})
        yield from self._webhooks()
        yield _milestones(standing)
        yield from self._queues(standing)
        yield from self._moments(standing)
        yield from self._stoppages(standing)
        yield from self._spending(standing)

    def _webhooks(self) -> Iterator[Metric]:
        requests = CounterMetricFamily("billwatch_webhook_requests", "Webhook requests.", labels=["result"])
        for result in ("accepted", "empty", "abandoned"):
            requests.add_metric([result], getattr(self._heard, result))
        for cause in ("signature", "size", "slow", "encoding", "storage"):
            requests.add_metric([cause], self._heard.refused[cause])
        yield requests
        gap = self._watchman.missing()
        yield GaugeMetricFamily(
            "billwatch_webhook_missing_events", "Webhook events that did not come.", gap.number if gap else 0
        )
        yield GaugeMetricFamily(
            "billwatch_webhook_missing_oldest_seconds",
            "How long later ones than the oldest of them have come.",
            self._age(gap.since if gap else None),
        )

    def _queues(self, standing: Sequence[Standing]) -> Iterator[Metric]:
        owed = GaugeMetricFamily("billwatch_owed", "What waits to be done.", labels=["organisation", "queue"])
        ages = GaugeMetricFamily(
            "billwatch_owed_oldest_seconds", "How long the oldest of it waits.", labels=["organisation", "queue"]
        )
        for one in standing:
            for queue in one.owed:
                place = [one.organisation.key, queue.what.replace(" ", "_")]
                owed.add_metric(place, queue.number)
                ages.add_metric(place, self._age(queue.since))
            owed.add_metric([one.organisation.key, "milestones_to_decide"], one.undecided)
        yield from (owed, ages)

    def _moments(self, standing: Sequence[Standing]) -> Iterator[Metric]:
        """By the usual convention these are moments, not ages: an alert takes the difference to `time()`."""
        swept = GaugeMetricFamily(
            "billwatch_last_sweep_timestamp_seconds", "The last complete sweep.", labels=["organisation"]
        )
        heard = GaugeMetricFamily(
            "billwatch_last_webhook_timestamp_seconds", "The last webhook event.", labels=["organisation"]
        )
        lapses = GaugeMetricFamily(
            "billwatch_consent_lapses_timestamp_seconds",
            "When a person's consent ends unless it is used before; custom connections have none.",
            labels=["organisation"],
        )
        held = GaugeMetricFamily("billwatch_held", "Whether all is held back.", labels=["organisation", "reason"])
        paused = GaugeMetricFamily("billwatch_paused", "Whether somebody paused writing.", labels=["organisation"])
        for one in standing:
            name = one.organisation.key
            swept.add_metric([name], one.books.swept_at.timestamp() if one.books.swept_at else 0)
            heard.add_metric([name], one.heard_at.timestamp() if one.heard_at else 0)
            if at := self._watchman.lapses_at(name):
                lapses.add_metric([name], at.timestamp())
            paused.add_metric([name], one.paused is not None)
            if one.books.hold:
                held.add_metric([name, one.books.hold.value], 1)
        yield from (swept, heard, lapses, held, paused)

    def _stoppages(self, standing: Sequence[Standing]) -> Iterator[Metric]:
        """What has stopped, and for how long; 0 while all is well."""
        unheard = GaugeMetricFamily(
            "billwatch_webhooks_silent_seconds",
            "How long ago the oldest change was made of which no webhook told.",
            labels=["organisation"],
        )
        unsent = GaugeMetricFamily(
            "billwatch_mails_failing_seconds", "How long a mail is not taken.", labels=["organisation"]
        )
        failing = self._watchman.failing_since()
        silent = self._watchman.unheard_since([one.organisation.key for one in standing])
        for one in standing:
            name = one.organisation.key
            unheard.add_metric([name], self._age(silent.get(name)))
            unsent.add_metric([name], self._age(failing.get(name)))
        yield from (unheard, unsent)

    def _age(self, since: dt.datetime | None) -> float:
        return (self._clock() - since).total_seconds() if since else 0

    def _spending(self, standing: Sequence[Standing]) -> Iterator[Metric]:
        labels = ["organisation", "operation"]
        calls = CounterMetricFamily("billwatch_xero_calls", "Calls to Xero.", labels=labels)
        received = CounterMetricFamily("billwatch_xero_received_bytes", "Bytes received from Xero.", labels=labels)
        left = GaugeMetricFamily("billwatch_xero_day_calls_left", "Calls left today, where known.", labels=labels[:1])
        total = self._spent()
        for one in standing:
            name = one.organisation.key
            for operation, spent in total.get(name, {}).items():
                calls.add_metric([name, operation], spent.calls)
                received.add_metric([name, operation], spent.bytes)
            if one.calls_left is not None:
                left.add_metric([name], one.calls_left)
        yield from (calls, received, left)


def _milestones(standing: Sequence[Standing]) -> Metric:
    family = GaugeMetricFamily("billwatch_milestones", "Milestones.", labels=["organisation", "action", "reason"])
    for one in standing:
        for reason, number in one.counts.items():
            labels = [words(reason).action.value, reason.value] if reason else ["", "UNDECIDED"]
            family.add_metric([one.organisation.key, *labels], number)
    return family
