"""Faults that a test or a person orders: the next calls fail, are slow, or lose their connection.

Texts are those of Xero's page of response codes and of answers seen at the live API (tests of pyxero).
"""

import random
from dataclasses import dataclass, field, replace

from billwatch.sandbox.wire import NOT_FOUND_TEXT

TEXTS = {
    "error": (500, "An unhandled error with the Xero API occurred. Contact the Xero API team if problems persist."),
    "unimplemented": (501, "The Api Method called is not implemented"),
    "maintenance": (503, "The Xero API is currently offline for maintenance"),
    "unavailable": (503, "The Xero API is temporarily unavailable"),
    "offline": (503, "The organisation is offline and temporarily cannot be connected to"),
    "missing": (404, NOT_FOUND_TEXT),
}
DETAILS = {401: "AuthenticationUnsuccessful", 403: "AuthenticationUnsuccessful"}
DEFAULT_KIND = {500: "error", 501: "unimplemented", 503: "unavailable", 404: "missing", 429: "minute"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the next `times` calls of `method` whose path contains `path` (empty: any).

    - status: 401, 403, 404, 429, 500, 501 or 503, with `kind` naming the text (`error`, `maintenance`, `unavailable`,
      `offline`, `missing`) or, for 429, the limit (`minute`, `day`, `concurrent`, `appminute`); 401 `expired`
    - retry_after: seconds, for 429
    - delay: seconds (real time) before the answer leaves, after the work is done
    - cut: `before` or `after` the work; the connection ends without a byte of an answer
    - hang: `before` or `after` the work; nothing is said until the caller hangs up
    - skip: that many matching calls pass first
    """

    status: int | None = None
    kind: str | None = None
    method: str = ""
    path: str = ""
    times: int = 1
    skip: int = 0
    delay: float = 0.0
    cut: str | None = None
    hang: str | None = None
    retry_after: int | None = 22

    def matches(self, method: str, path: str) -> bool:
        return self.method.upper() in ("", method) and self.path.lower() in path.lower()


BAD_WEATHER = (
    Fault(429, "minute"),
    Fault(429, "day", retry_after=3_600),
    Fault(429, "concurrent"),
    Fault(500),
    Fault(503, "maintenance"),
    Fault(503, "unavailable"),
    Fault(503, "offline"),
    Fault(401, "expired"),
    Fault(cut="before"),
    Fault(cut="after"),
    Fault(hang="before"),
    Fault(hang="after"),
)


@dataclass(slots=True)
class Weather:
    """A share of the calls to the books fails in one of the ways of `BAD_WEATHER`, by the dice.

    `reads` and `writes` lie between 0 and 1.
    """

    reads: float = 0.0
    writes: float = 0.0
    dice: random.Random = field(default_factory=random.Random)

    def take(self, method: str, path: str) -> Fault | None:
        share = self.reads if method == "GET" else self.writes
        if not path.startswith("/api.xro/") or self.dice.random() >= share:
            return None
        return self.dice.choice(BAD_WEATHER)


@dataclass(slots=True)
class Faults:
    ordered: list[Fault] = field(default_factory=list)
    weather: Weather = field(default_factory=Weather)

    def add(self, fault: Fault) -> None:
        if fault.status is not None and fault.status not in (401, 403, *DEFAULT_KIND):
            raise ValueError(f"no fault has status {fault.status}")
        if not {fault.cut, fault.hang} <= {None, "before", "after"}:
            raise ValueError("a connection is cut or hangs 'before' or 'after' the work")
        self.ordered.append(fault)

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this call, if any; an ordered one is used up by one, else the weather has its say."""
        for place, fault in enumerate(self.ordered):
            if not fault.matches(method, path):
                continue
            if fault.skip > 0:
                self.ordered[place] = replace(fault, skip=fault.skip - 1)
                return None
            self.ordered[place] = replace(fault, times=fault.times - 1)
            self.ordered = [one for one in self.ordered if one.times > 0]
            return fault
        return self.weather.take(method, path)
