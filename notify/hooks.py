"""Events out: what became known, signed and sent to endpoints of others, again and again until they take it.

The form is that of Standard Webhooks 1.0.0 (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md):
its headers, its signature, its schedule of retries. An event keeps its id and its bytes, however often it is sent.
"""

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import httpx
import structlog

from reconciler.callers import hook_key
from reconciler.ports import Clock
from reconciler.progress import Change, EndpointState, Outgoing, What
from reconciler.unreached import why

log = structlog.get_logger(__name__)

SECONDS = 15.0
LEASE = dt.timedelta(minutes=2)
AT_ONCE = 50
DEAD = dt.timedelta(days=5)
GONE = 410
UNASKED = frozenset({What.VERDICT})
# After the first try; with the time that each takes, a little over three days.
WAITS = tuple(dt.timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events go: of these kinds and organisations, signed with each of the secrets (`whsec_…`), newest first."""

    name: str
    url: str
    organisations: Collection[str]
    whats: Collection[What]
    secrets: Sequence[str] = field(repr=False)


class Hooks(Protocol):
    """Events owed to endpoints."""

    def spread(self, endpoint: str, organisations: Collection[str], whats: Collection[What], now: dt.datetime) -> int:
        """Owe the endpoint the events of what became known since the last time."""
        ...

    def claim(self, endpoint: str, now: dt.datetime, lease: dt.timedelta) -> Outgoing | None:
        """The event that is due for longest, claimed for the length of the lease."""
        ...

    def delivered(self, event: Outgoing, said: str, now: dt.datetime) -> None:
        """The endpoint has taken it."""
        ...

    def failed(self, event: Outgoing, said: str, again_at: dt.datetime | None, now: dt.datetime) -> None:
        """It has not; try again then, or (`None`) not again by itself."""
        ...

    def state(self, endpoint: str) -> EndpointState | None:
        """How the endpoint does."""
        ...

    def switch_off(self, endpoint: str, because: str, now: dt.datetime) -> None:
        """Send it nothing more."""
        ...


class Refused(Exception):
    """The endpoint did not take an event: what it said, and the status of its answer, if there was one."""

    def __init__(self, said: str, status: int | None = None) -> None:
        super().__init__(said)
        self.status = status

    @property
    def gone(self) -> bool:
        """Whether it never will."""
        return self.status == GONE


@dataclass(frozen=True, slots=True)
class Courier:
    """Takes events to one endpoint. `jitter`: a random number from 0 to 1; `counted` hears what became of each."""

    endpoint: Endpoint
    hooks: Hooks
    clock: Clock
    jitter: Callable[[], float]
    counted: Callable[[str, str], None] = lambda _endpoint, _result: None
    halted: Callable[[], bool] = lambda: False

    def deliver(self) -> int:
        """Owe what became known, and send what is due, until something fails; returns how many were taken."""
        mine = self.endpoint
        self.hooks.spread(mine.name, mine.organisations, mine.whats, self.clock())
        taken = 0
        with httpx.Client(timeout=SECONDS, follow_redirects=False) as client:
            while taken < AT_ONCE and not self.halted():
                event = self.hooks.claim(mine.name, self.clock(), LEASE)
                if event is None or not self._one(client, event):
                    break
                taken += 1
        return taken

    def _one(self, client: httpx.Client, event: Outgoing) -> bool:
        try:
            said = send(client, self.endpoint, event_id(event.change), payload(event.change), self.clock())
        except Refused as refused:
            self._failed(event, refused)
            return False
        self.hooks.delivered(event, said, self.clock())
        self.counted(self.endpoint.name, "delivered")
        return True

    def _failed(self, event: Outgoing, refused: Refused) -> None:
        now = self.clock()
        again = now + spaced(event.tries, self.jitter()) if event.tries < len(WAITS) else None
        self.hooks.failed(event, str(refused), again, now)
        self.counted(self.endpoint.name, "failed")
        log.warning("event.put_off", endpoint=self.endpoint.name, event_id=event_id(event.change), error=str(refused))
        state = self.hooks.state(self.endpoint.name)
        dead = state is not None and state.failing_since is not None and now - state.failing_since >= DEAD
        if refused.gone or dead:
            because = "it answered 410 Gone" if refused.gone else f"it has taken nothing for {DEAD.days} days"
            self.hooks.switch_off(self.endpoint.name, because, now)
            log.error("endpoint.off", endpoint=self.endpoint.name, because=because)


def send(client: httpx.Client, endpoint: Endpoint, message_id: str, body: bytes, now: dt.datetime) -> str:
    """Post an event; what the endpoint said when it took it. Raises `Refused`."""
    headers = {"Content-Type": "application/json", "User-Agent": "billwatch"}
    headers |= signed(endpoint.secrets, message_id, now, body)
    try:
        with client.stream("POST", endpoint.url, content=body, headers=headers) as response:
            said = f"{response.status_code} {response.reason_phrase}".strip()
            if not response.is_success:
                raise Refused(said, response.status_code)
            return said
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Refused(f"It could not be reached: {why(error)}.") from None


def probe(endpoint: Endpoint, now: dt.datetime) -> str:
    """Send an event that means nothing; what the endpoint said when it took it. Raises `Refused`."""
    told = {"type": "billwatch.test", "timestamp": now.isoformat().replace("+00:00", "Z"), "data": {}}
    with httpx.Client(timeout=SECONDS, follow_redirects=False) as client:
        return send(client, endpoint, f"evt_test_{int(now.timestamp())}", json.dumps(told).encode(), now)


def signed(secrets: Sequence[str], message_id: str, now: dt.datetime, body: bytes) -> dict[str, str]:
    """The headers of an event: its id, when it is sent, and a signature with each of the secrets."""
    at = str(int(now.timestamp()))
    told = f"{message_id}.{at}.".encode() + body
    digests = [hmac.digest(hook_key(secret), told, hashlib.sha256) for secret in secrets]
    signatures = " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
    return {"webhook-id": message_id, "webhook-timestamp": at, "webhook-signature": signatures}


def event_id(change: Change) -> str:
    """The id of an event: that of its change, and its time, since a restored database counts from an older one on."""
    return f"evt_{change.change_id}_{int(change.at.timestamp() * 1_000_000):x}"


def payload(change: Change) -> bytes:
    """The event itself; `data` has the fields of the feed of changes."""
    told = {
        "type": change.what.value,
        "timestamp": change.at.isoformat().replace("+00:00", "Z"),
        "data": {
            "cursor": str(change.change_id),
            "type": change.what.value,
            "at": change.at.isoformat().replace("+00:00", "Z"),
            "organisation": change.organisation,
            "key": change.key,
            "action": change.action,
            "reason": change.reason,
            "flag_id": change.flag_id,
            "choice": change.choice,
            "by": change.by,
            "because": change.because,
            "bill_id": change.bill_id,
            "bill_number": change.bill_number,
            "bill_status": change.bill_status,
            "currency": change.currency,
            "total": None if change.total is None else str(change.total),
            "settled": None if change.settled is None else str(change.settled),
        },
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def spaced(tries: int, jitter: float) -> dt.timedelta:
    """How long to wait after so many earlier tries: as long as the schedule says, and up to a fifth longer."""
    return WAITS[tries] * (1 + jitter / 5)
