"""The tables of the configuration that are about the whole installation; `organisation` and `people` have the others.

The names of fields are the names of options, units included.
"""

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from msgspec import Meta, Struct

from billwatch.complaints import Unfit
from billwatch.secret import Secret
from billwatch.values import (
    AddressOrNone,
    Days,
    HashOrNone,
    HeaderOrNone,
    IpAddress,
    Keys,
    ListeningPort,
    Minutes,
    Name,
    Port,
    PublicUrl,
    Seconds,
    ServiceUrl,
    ServiceUrlOrNone,
    Slug,
    StorageUrl,
    Text,
    WeeklyOrNone,
)
from reconciler.hours import WEEKDAYS, Weekly
from reconciler.organisation import WEB_URL
from reconciler.progress import What

REDIRECT_PORT = 8914
API_URL = "https://api.xero.com"


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file."""


class Server(Section, frozen=True):
    """Where the receiver listens, and under which address people and Xero reach it."""

    host: Text = "127.0.0.1"
    port: Port = 8080
    public_url: PublicUrl = ""
    user_header: HeaderOrNone = ""
    proxies: tuple[IpAddress, ...] = ()
    metrics: Literal["key", "open", "off"] = "key"

    def __post_init__(self) -> None:
        if self.user_header and not self.proxies:
            raise Unfit("proxies", "names no address, but user_header is only believed when one of them sends it")


class User(Section, frozen=True):
    """Somebody who may use the dashboard. Without a hash, only through `user_header`."""

    name: Name
    password_hash: HashOrNone = ""
    role: Literal["view", "act"] = "view"

    def __repr__(self) -> str:
        return f"User(name={self.name!r}, role={self.role!r})"


class Api(Section, frozen=True):
    """The interface for the grants platform."""

    requests_per_minute: Annotated[int, Meta(ge=1, le=100_000)] = 600
    require_if_match: bool = False


EventName = Annotated[What, Meta(description="the name of an event such as milestone.paid; docs/platform.md has all")]


class Hook(Section, frozen=True):
    """An endpoint that hears of what became known; without events or organisations named, of all of them."""

    name: Slug
    url: ServiceUrl
    secrets: Keys
    events: tuple[EventName, ...] = ()
    organisations: tuple[Slug, ...] = ()


class Watch(Section, frozen=True):
    """What is looked at before it stops something; 0 for never."""

    heartbeat_url: ServiceUrlOrNone = ""
    silence_hours: Annotated[int, Meta(ge=0, le=168)] = 3
    gap_hours: Annotated[int, Meta(ge=0, le=47)] = 2
    consent_days: Annotated[int, Meta(ge=0, le=59)] = 14
    owed_minutes: Annotated[int, Meta(ge=0, le=10080)] = 120
    day_calls: Annotated[int, Meta(ge=0, le=4000)] = 200


class Storage(Section, frozen=True):
    """The database. Once loaded, the path in `url` is absolute."""

    url: StorageUrl = "sqlite:///billwatch.db"
    password: Secret | None = None
    lease_seconds: Annotated[int, Meta(ge=2, le=300)] = 15

    @property
    def file(self) -> Path | None:
        """The file that is the database; `None` when it is on a server."""
        return Path(self.url.removeprefix("sqlite:///")) if self.url.startswith("sqlite:") else None

    def place(self) -> str:
        """Where the database is, with the password; not to be shown. Raises ConfigurationError."""
        if self.file or not self.password:
            return self.url
        return f"{self.url}{'&' if '?' in self.url else '?'}password={quote(self.password.reveal(), safe='')}"


class Xero(Section, frozen=True):
    """Xero's addresses, and the signing keys of its webhooks (any of them is accepted)."""

    api_url: ServiceUrl = API_URL
    identity_url: ServiceUrl = "https://identity.xero.com"
    login_url: ServiceUrl = "https://login.xero.com"
    web_url: ServiceUrlOrNone = ""
    redirect_port: ListeningPort = REDIRECT_PORT
    webhook_keys: tuple[Secret, ...] = ()

    @property
    def web(self) -> str:
        """Where people open bills: on Xero's own pages, or, where api_url is a sandbox's, on those of that."""
        return self.web_url or (WEB_URL if self.api_url == API_URL else self.api_url)


class KeyRing(Section, frozen=True):
    """Our own keys, newest first: the first is used for what is new, the others still open what is old."""

    encryption: Keys
    links: Keys


class Reconciler(Section, frozen=True):
    """When the reconciler looks."""

    sweep_minutes: Minutes = 15
    quiet_seconds: Annotated[int, Meta(ge=0, le=3600)] = 5
    longest_wait_seconds: Seconds = 30
    tick_seconds: Annotated[int, Meta(ge=1, le=60)] = 1
    fresh_minutes: Minutes = 60
    day_reserve_calls: Annotated[int, Meta(ge=0, le=4000)] = 100

    def __post_init__(self) -> None:
        if self.longest_wait_seconds < self.quiet_seconds:
            raise Unfit("longest_wait_seconds", f"must be at least quiet_seconds, which is {self.quiet_seconds}")
        if self.fresh_minutes < self.sweep_minutes:
            raise Unfit("fresh_minutes", f"must be at least sweep_minutes, which is {self.sweep_minutes}")


class Mail(Section, frozen=True):
    """The mail server. With an empty `host` mails stay owed and are not sent."""

    host: Annotated[str, Meta(pattern=r"^\S*\Z", max_length=255, description="the name of a mail server")] = ""
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: Annotated[str, Meta(max_length=255)] = ""
    password: Secret | None = None
    sender: AddressOrNone = ""
    collect_seconds: Annotated[int, Meta(ge=0, le=3600)] = 30
    more_minutes: Annotated[int, Meta(ge=0, le=10080)] = 60
    resolved_minutes: Annotated[int, Meta(ge=0, le=10080)] = 15
    remind_days: Annotated[int, Meta(ge=0, le=365)] = 3
    escalate_days: Annotated[int, Meta(ge=0, le=365)] = 7
    weekly: WeeklyOrNone = "monday 08:00"
    forecast_days: Annotated[int, Meta(ge=0, le=28)] = 3
    draft_days: Annotated[int, Meta(ge=0, le=365)] = 7
    link_days: Days = 30
    timeout_seconds: Annotated[int, Meta(ge=1, le=300)] = 20

    def __post_init__(self) -> None:
        if self.host and not self.sender:
            raise Unfit("sender", "is missing; with a host, it must be the address that mails come from")
        if bool(self.username) != bool(self.password):
            raise Unfit("password" if self.username else "username", "is missing; it goes with the other one")

    def round(self) -> Weekly | None:
        """When the week's report goes out; `None` for never."""
        day, _, time = self.weekly.partition(" ")
        return Weekly(WEEKDAYS.index(day), dt.time.fromisoformat(time)) if day else None
