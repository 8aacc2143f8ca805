"""One webhook subscription: the check of intent to receive, delivery, retries, and what is kept meanwhile.

Xero, guide "Webhooks" (configuring your server, overview). The life of a subscription:

1. `configure` sets URL and key; nothing is delivered until `enable` has passed the check of four requests.
2. Events go out in batches, in order. Not 2xx or too slow: once more at once, then every 15 minutes.
3. After 24 hours of that the subscription is Disabled. Events are kept 31 days, and go out in order after `enable`.

A worker thread does this by itself; `flush` does the same in the caller's thread and returns when nothing is due.
"""

import threading
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import httpx

from billwatch.sandbox import payload
from billwatch.sandbox.books import Event
from billwatch.sandbox.world import World

REQUIRED = "Intent to receive required"
OK = "OK"
RETRY = "Retry"
DISABLED = "Disabled"
RETRY_EVERY = timedelta(minutes=15)
GIVE_UP_AFTER = timedelta(hours=24)
KEEP = timedelta(days=31)
LOG_LENGTH = 2_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request that went out; `status` is None if there was no answer, `purpose` is `intent` or `events`."""

    at: datetime
    purpose: str
    events: tuple[Event, ...]
    first: int
    last: int
    body: bytes = field(repr=False)
    signature: str
    right: bool  # correctly signed
    status: int | None
    seconds: float
    problem: str = ""  # why it does not count as received

    @property
    def received(self) -> bool:
        return not self.problem


@dataclass(slots=True)
class Manners:
    """How the subscription behaves; all settable by `Webhooks.set`.

    drop: events are lost · duplicate: every delivered batch is delivered again · shuffle: order is mixed within a
    batch · hold: nothing goes out until it is False again · gaps: sequence numbers skip · speed: retries come that
    many times sooner · patience: seconds an answer may take · batch: most events per request · shuffle_intent: the
    rightly signed request may come at any place of the four
    """

    drop: bool = False
    duplicate: bool = False
    shuffle: bool = False
    hold: bool = False
    gaps: bool = False
    shuffle_intent: bool = True
    speed: float = 1.0
    patience: float = 5.0
    batch: int = 50


@dataclass(frozen=True, slots=True)
class _Batch:
    events: tuple[Event, ...]
    first: int
    due: datetime
    failures: int = 0
    failing_since: datetime | None = None

    @property
    def last(self) -> int:
        return self.first + len(self.events) - 1


class Webhooks:
    def __init__(self, world: World) -> None:
        self.url = ""
        self.key = ""
        self.status = REQUIRED
        self.manners = Manners()
        self._world = world
        self._subscribed = False  # has passed the check once, so events are kept
        self._queue: deque[Event] = deque()
        self._batch: _Batch | None = None
        self._next_sequence = 1
        self._log: deque[Delivery] = deque(maxlen=LOG_LENGTH)
        self._turn = threading.RLock()  # held while requests go out, so that order is kept
        self._wake = threading.Condition(world.lock)
        self._stopping = False
        self._worker: threading.Thread | None = None
        self._client: httpx.Client | None = None
        world.listeners.append(self.hear)

    def hear(self, event: Event) -> None:
        """Take an event that the books raise; called under the world's lock."""
        if not self._subscribed:
            return
        if self.manners.drop:
            self._next_sequence += 1
            return
        self._queue.append(event)
        self._wake.notify_all()

    def configure(self, url: str, key: str) -> None:
        """Set URL and signing key; a new URL needs `enable` again, a new key counts at once."""
        with self._world.lock:
            if url != self.url:
                self.status = REQUIRED
            self.url, self.key = url, key

    def set(self, **values: Any) -> None:
        """Set any of Manners by name."""
        with self._world.lock:
            self.manners = replace(self.manners, **values)
            self._wake.notify_all()

    def drop(self, on: bool = True) -> None:
        self.set(drop=on)

    def duplicate(self, on: bool = True) -> None:
        self.set(duplicate=on)

    def shuffle(self, on: bool = True) -> None:
        self.set(shuffle=on)

    def hold(self, on: bool = True) -> None:
        self.set(hold=on)

    def release(self) -> None:
        self.set(hold=False)

    def enable(self) -> str:
        """Run the check of intent to receive: four requests, one of them rightly signed. Gives the portal's text."""
        with self._turn:
            verdict = self._check_intent()
            with self._world.lock:
                self.status = verdict if verdict == OK else REQUIRED
                if verdict == OK:
                    self._subscribed = True
                    self._resume()
            return verdict

    def flush(self) -> int:
        """Attempt everything that is due by the sandbox's clock; gives the number of requests made."""
        made = 0
        with self._turn:
            while (batch := self._take()) is not None:
                self._deliver(batch)
                made += 1
        return made

    def deliveries(self, purpose: str | None = "events") -> list[Delivery]:
        """What went out, oldest first: `events`, `intent`, or None for both."""
        with self._world.lock:
            return [one for one in self._log if purpose in (None, one.purpose)]

    def waiting(self) -> list[Event]:
        """Events that have not been received yet."""
        with self._world.lock:
            return [*(self._batch.events if self._batch else ()), *self._queue]

    def settle(self, seconds: float) -> bool:
        """Wait, in real time, until the worker has delivered everything; False if it has not by then."""
        with self._world.lock:
            return self._wake.wait_for(lambda: not self._queue and self._batch is None, seconds)

    def wake(self) -> None:
        with self._world.lock:
            self._wake.notify_all()

    def forget(self) -> None:
        """Forget the subscription, what waits and what went out; waits for a request under way."""
        with self._turn, self._world.lock:
            self.url, self.key, self.status, self.manners = "", "", REQUIRED, Manners()
            self._subscribed, self._batch, self._next_sequence = False, None, 1
            self._queue.clear()
            self._log.clear()

    def start(self) -> None:
        self._worker = threading.Thread(target=self._work, name="sandbox-webhooks", daemon=True)
        self._worker.start()

    def stop(self) -> None:
        with self._world.lock:
            self._stopping = True
            self._wake.notify_all()
        if self._worker is not None:
            self._worker.join()
        with self._turn:
            if self._client is not None:
                self._client.close()

    def _work(self) -> None:
        while not self._stopping:
            self.flush()
            with self._world.lock:
                if not self._stopping and not self._ready():
                    self._wake.wait(self._pause())

    def _ready(self) -> bool:
        if self.status not in (OK, RETRY) or self.manners.hold:
            return False
        return self._batch.due <= self._world.now() if self._batch else bool(self._queue)

    def _pause(self) -> float | None:
        """Real seconds until the next retry; None waits for a change."""
        if self._batch is None or self.manners.hold or self.status not in (OK, RETRY):
            return None
        return max(0.01, (self._batch.due - self._world.now()).total_seconds())

    def _take(self) -> _Batch | None:
        with self._world.lock:
            if self._stopping or not self._ready():
                return None
            if self._batch is None:
                self._batch = self._form()
            return self._batch

    def _form(self) -> _Batch:
        count = min(self.manners.batch, len(self._queue))
        events = [self._queue.popleft() for _ in range(count)]
        if self.manners.shuffle:
            self._world.dice.shuffle(events)
        first = self._next_sequence + (self._world.dice.randrange(1, 5) if self.manners.gaps else 0)
        self._next_sequence = first + count
        return _Batch(tuple(events), first, self._world.now())

    def _deliver(self, batch: _Batch) -> None:
        sent = self._send(batch)
        if sent.received and self.manners.duplicate:
            self._send(batch)
        with self._world.lock:
            if sent.received:
                self.status, self._batch = OK, None
                self._wake.notify_all()
            else:
                self._postpone(batch)

    def _postpone(self, batch: _Batch) -> None:
        now = self._world.now()
        since = batch.failing_since or now
        if now - since >= GIVE_UP_AFTER:
            self.status, self._batch = DISABLED, None
            self._queue.extendleft(reversed(batch.events))
            self._next_sequence = batch.first
            return
        self.status = RETRY
        due = now if batch.failures == 0 else now + RETRY_EVERY / self.manners.speed
        self._batch = replace(batch, due=due, failures=batch.failures + 1, failing_since=since)

    def _resume(self) -> None:
        now = self._world.now()
        if self._batch is not None:
            self._batch = replace(self._batch, due=now, failures=0, failing_since=None)
        self._queue = deque(event for event in self._queue if now - event.at <= KEEP)
        self._wake.notify_all()

    def _check_intent(self) -> str:
        order = [True, False, False, False]
        if self.manners.shuffle_intent:
            self._world.dice.shuffle(order)
        verdict = OK
        for right in order:
            sent = self._send(_Batch((), 0, self._world.now()), purpose="intent", right=right)
            if not sent.received and verdict == OK:
                verdict = sent.problem
        return verdict

    def _send(self, batch: _Batch, *, purpose: str = "events", right: bool = True) -> Delivery:
        with self._world.lock:
            last = batch.last if batch.events else 0
            content = payload.body(batch.events, batch.first, last, self._world.dice, self._world.switches)
            signed = payload.signature(self.key, content)
            if not right:
                signed = payload.spoiled(signed, self._world.dice)
            now, patience = self._world.now(), self.manners.patience
        status, seconds, problem = self._post(content, signed, patience, purpose=purpose, right=right)
        sent = Delivery(now, purpose, batch.events, batch.first, last, content, signed, right, status, seconds, problem)
        with self._world.lock:
            self._log.append(sent)
        return sent

    def _post(
        self, content: bytes, signed: str, patience: float, *, purpose: str, right: bool
    ) -> tuple[int | None, float, str]:
        if self._client is None:
            self._client = httpx.Client(trust_env=False)
        request = payload.request(self.url, content, signed)
        request.extensions["timeout"] = httpx.Timeout(patience).as_dict()
        try:
            answer = self._client.send(request)
        except (httpx.TransportError, httpx.UnsupportedProtocol) as error:
            return None, 0.0, "Response not 200" if purpose == "intent" else f"no answer ({type(error).__name__})"
        seconds = answer.elapsed.total_seconds()
        judge = _intent_problem if purpose == "intent" else _delivery_problem
        return answer.status_code, seconds, judge(answer, right, seconds > patience)


def _intent_problem(answer: httpx.Response, right: bool, slow: bool) -> str:
    """The portal's text for one answer to the check; empty if it is as it should be."""
    if right and (answer.status_code != 200 or slow):
        return "Response not 200"
    if not right and (answer.status_code != 401 or slow):
        return "Response to incorrectly signed payload not 401"
    if answer.content:
        return "Response contains a body"
    return "Response contains a cookie" if "set-cookie" in answer.headers else ""


def _delivery_problem(answer: httpx.Response, right: bool, slow: bool) -> str:
    del right
    if slow:
        return "too slow"
    return "" if answer.is_success else f"status {answer.status_code}"
