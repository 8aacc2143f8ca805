"""How often one may call (Xero, guide "OAuth 2.0 API limits"), and how often one did.

Windows are fixed, not sliding, and begin at another moment for every tenant. A call refused with 429 is not counted.
"""

import math
import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

DAY_SECONDS = 86_400
MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Breach:
    """A refused call; `retry_after` in seconds, None for `concurrent`, which carries no such header."""

    problem: str  # minute, day, concurrent, appminute
    retry_after: int | None


@dataclass(slots=True)
class Limits:
    on: bool = True
    minute: int = 60
    day: int = 1_000  # Starter tier; 5,000 on the others
    app_minute: int = 10_000
    concurrent: int = 5
    breaches: Counter[str] = field(default_factory=Counter)
    _used: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    _flying: Counter[str] = field(default_factory=Counter)

    def set(self, **values: int | bool) -> None:
        """Change figures by name: on, minute, day, app_minute, concurrent. Used-up calls are forgotten."""
        for name, value in values.items():
            if name not in ("on", "minute", "day", "app_minute", "concurrent"):
                raise ValueError(f"there is no limit called {name!r}")
            setattr(self, name, value)
        self._used.clear()

    def enter(self, tenant_id: str, now: datetime) -> Breach | None:
        """Begin one call: counted and in flight until `leave`, unless a Breach is given back."""
        breach = self._breach(tenant_id, now) if self.on else None
        if breach is not None:
            self.breaches[breach.problem] += 1
        else:
            self._flying[tenant_id] += 1
            for scope, window in _windows(tenant_id, now):
                self._used[scope, *window] += 1
        return breach

    def leave(self, tenant_id: str) -> None:
        self._flying[tenant_id] = max(0, self._flying[tenant_id] - 1)

    def headers(self, tenant_id: str, now: datetime) -> dict[str, str]:
        names = ("X-DayLimit-Remaining", "X-MinLimit-Remaining", "X-AppMinLimit-Remaining")
        figures = (self.day, self.minute, self.app_minute)
        used = [self._used[scope, *window] for scope, window in _windows(tenant_id, now)]
        return {name: str(max(0, figure - count)) for name, figure, count in zip(names, figures, used, strict=True)}

    def _breach(self, tenant_id: str, now: datetime) -> Breach | None:
        if self._flying[tenant_id] >= self.concurrent:
            return Breach("concurrent", None)
        figures = (("day", self.day), ("minute", self.minute), ("appminute", self.app_minute))
        for (problem, figure), (scope, window) in zip(figures, _windows(tenant_id, now), strict=True):
            if self._used[scope, *window] >= figure:
                return Breach(
                    problem, _left(scope, tenant_id, now, DAY_SECONDS if problem == "day" else MINUTE_SECONDS)
                )
        return None


@dataclass(slots=True)
class Meter:
    """Calls and bytes of answers per tenant, method and endpoint (the path with its IDs taken out)."""

    calls: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    bytes: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def count(self, tenant_id: str, method: str, endpoint: str, size: int) -> None:
        self.calls[tenant_id, method, endpoint] += 1
        self.bytes[tenant_id, method, endpoint] += size

    def reset(self) -> None:
        self.calls.clear()
        self.bytes.clear()


def _windows(tenant_id: str, now: datetime) -> tuple[tuple[str, tuple[str, int]], ...]:
    return (
        ("day", (tenant_id, _index("day", tenant_id, now, DAY_SECONDS))),
        ("minute", (tenant_id, _index("minute", tenant_id, now, MINUTE_SECONDS))),
        ("app", ("", _index("app", "", now, MINUTE_SECONDS))),
    )


def _place(scope: str, tenant_id: str, now: datetime, length: int) -> float:
    return now.timestamp() + zlib.crc32(f"{scope}{tenant_id}".encode()) % length


def _index(scope: str, tenant_id: str, now: datetime, length: int) -> int:
    return int(_place(scope, tenant_id, now, length) // length)


def _left(scope: str, tenant_id: str, now: datetime, length: int) -> int:
    tenant = "" if scope == "app" else tenant_id
    return math.ceil(length - _place(scope, tenant, now, length) % length)
