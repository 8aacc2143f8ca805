"""Programs that call billwatch: their keys, and what each key is for."""

import datetime as dt
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "bw_"


class Scope(StrEnum):
    """What a key allows: to look, to put milestones and act on them, or to scrape the metrics."""

    READ = "read"
    WRITE = "write"
    METRICS = "metrics"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: never its text, only whose it is and what it allows.

    `organisations` are those it is for; `None` stands for all there are.
    """

    key_id: int
    name: str
    scopes: frozenset[Scope]
    organisations: tuple[str, ...] | None
    made_at: dt.datetime
    used_at: dt.datetime | None = None
    revoked_at: dt.datetime | None = None

    def reaches(self, organisation: str) -> bool:
        """Whether it is for that organisation."""
        return self.organisations is None or organisation in self.organisations

    def allows(self, scope: Scope) -> bool:
        """Whether it may be used so; whoever may write may look."""
        return scope in self.scopes or (scope is Scope.READ and Scope.WRITE in self.scopes)


def new_key() -> str:
    """The text of a new key: 256 bits of chance behind a prefix by which leaks can be searched for."""
    return PREFIX + secrets.token_urlsafe(32)


def scopes_in_words(scopes: Collection[Scope]) -> str:
    """`read, write`, in the order of `Scope`."""
    return ", ".join(scope.value for scope in Scope if scope in scopes)
