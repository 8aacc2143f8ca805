"""The tables of the configuration file. The names of fields are the names of options, units included."""

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec
from msgspec import Meta, Struct

from billwatch.complaints import Unfit
from billwatch.secret import Secret
from billwatch.values import (
    Address,
    AddressOrNone,
    Currency,
    DayOfMonth,
    Days,
    DocumentHost,
    HashOrNone,
    HeaderOrNone,
    Hours,
    IpAddress,
    Keys,
    ListeningPort,
    Minutes,
    Name,
    NameOrNone,
    Port,
    Prefix,
    PublicUrl,
    Seconds,
    ServiceUrl,
    ServiceUrlOrNone,
    Slug,
    StorageUrl,
    Tenant,
    Text,
    TimeOrNone,
    Tracking,
    WeeklyOrNone,
)
from reconciler import model
from reconciler.compare import PLACEHOLDERS
from reconciler.due import FORTNIGHT, due
from reconciler.hours import WEEKDAYS, Weekly
from reconciler.organisation import WEB_URL, Mode
from reconciler.organisation import Organisation as KnownOrganisation
from reconciler.organisation import Policy as KnownPolicy
from reconciler.people import Away as KnownAway
from reconciler.people import Person as KnownPerson
from reconciler.people import Quiet
from reconciler.progress import What
from reconciler.reasons import Role
from reconciler.xero.settings import SCOPES

REDIRECT_PORT = 8914
API_URL = "https://api.xero.com"
SETTINGS_SCOPE = "accounting.settings"
ATTACHMENTS_SCOPE = "accounting.attachments"
DUE_FORMS = '"14 days", "end of month", "end of following month" or "20th of following month"'


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


class People(Section, frozen=True):
    """Who is told, by role. Without addresses of their own, grants and operator are the accounting people."""

    accounting: tuple[Address, ...] = ()
    grants: tuple[Address, ...] = ()
    operator: tuple[Address, ...] = ()


class Away(Section, frozen=True):
    """Up to and including which day somebody is away, and who gets their mail."""

    until: dt.date
    to: Address


class Person(Section, frozen=True):
    """How one address wants its mail, in every organisation that names it."""

    address: Address
    name: NameOrNone = ""
    second: AddressOrNone = ""
    quiet: Hours = ""
    weekends: bool = True
    digest: TimeOrNone = ""
    away: Away | None = None

    def __post_init__(self) -> None:
        if self.second == self.address:
            raise Unfit("second", "is the address itself, but must be somebody else's")
        if self.away and self.away.to == self.address:
            raise Unfit("away.to", "is the address itself, but must be somebody else's")
        if self.quiet and len(set(self.quiet.split("-"))) == 1:
            raise Unfit("quiet", f'is "{self.quiet}", but must end at another time than it begins')

    def facts(self) -> KnownPerson:
        """The person as the reconciler knows them."""
        start, _, end = self.quiet.partition("-")
        return KnownPerson(
            address=self.address,
            name=self.name,
            second=self.second,
            away=KnownAway(self.away.until, self.away.to) if self.away else None,
            quiet=Quiet(dt.time.fromisoformat(start), dt.time.fromisoformat(end)) if self.quiet else None,
            weekends=self.weekends,
            digest=dt.time.fromisoformat(self.digest) if self.digest else None,
        )


class Policy(Section, frozen=True):
    """What the organisation has decided in advance."""

    xero_edits: Literal["flag", "accept"] = "flag"
    warn_when_equal: bool = False
    paid_bill_edits: Literal["flag", "where-xero-allows"] = "flag"
    approved_bills: Literal["flag", "update"] = "flag"
    locked_dates: Literal["flag", "move"] = "flag"
    locked_drafts: Literal["flag", "push"] = "flag"
    on_unlock: Literal["ask", "sync"] = "ask"
    adviser_may_post: bool = False
    new_bills_per_hour: Annotated[int, Meta(ge=1, le=100_000)] = 500
    new_money_per_hour: Decimal | None = None
    fresh_minutes: Minutes | None = None
    near_days: Annotated[int, Meta(ge=0, le=366)] = 31
    missing_at_once: Annotated[int, Meta(ge=1, le=100_000)] = 10

    def __post_init__(self) -> None:
        money = self.new_money_per_hour
        if money is not None and not (money.is_finite() and money > 0 and money == round(money, 2)):
            raise Unfit("new_money_per_hour", f"is {money}, but must be an amount above 0 with at most two decimals")


class Documents(Section, frozen=True):
    """Whether milestones' documents are attached to their bills, and which hosts links to them may lead to."""

    attach: bool = False
    hosts: tuple[DocumentHost, ...] = ()


class Organisation(Section, frozen=True):
    """One Xero organisation: how to reach it, how its bills look, whom to tell, what is decided in advance."""

    key: Slug
    name: Name
    client_id: Text
    client_secret: Secret | None = None
    tenant_id: Tenant = ""
    grant: Literal["client_credentials", "refresh_token"] = "client_credentials"
    scopes: Annotated[tuple[Text, ...], Meta(min_length=1)] = SCOPES
    mode: Literal["watch", "sync"] = "watch"
    account: Annotated[str, Meta(max_length=10)] = ""
    amounts: Literal["inclusive", "exclusive", "no-tax"] = "inclusive"
    tax: Annotated[str, Meta(max_length=50)] = ""
    currency: Currency = ""
    bill_status: Literal["draft", "submitted", "authorised"] = "submitted"
    number_prefix: Prefix = ""
    due: Annotated[str, Meta(max_length=40)] = "14 days"
    description: Annotated[str, Meta(min_length=1, max_length=1_000)] = "{description}"
    tracking: Tracking = {}
    create_tracking_options: bool = False
    history_notes: bool = False
    history_reads: Annotated[int, Meta(ge=0, le=100)] = 10
    sync_points: Annotated[tuple[Slug, ...], Meta(min_length=1)] = ("approved",)
    lock_day: DayOfMonth = 0
    reply_to: AddressOrNone = ""
    people: People = People()
    policy: Policy = Policy()
    documents: Documents = Documents()

    def __post_init__(self) -> None:
        if due(self.due) is None:
            raise Unfit("due", f'is "{self.due}", but must be {DUE_FORMS}')
        if fault := _template_fault(self.description):
            raise Unfit("description", fault)
        if self.create_tracking_options and SETTINGS_SCOPE not in self.scopes:
            raise Unfit("scopes", f'needs "{SETTINGS_SCOPE}" in place of its ".read", to make tracking options')

    @property
    def app(self) -> tuple[str, str]:
        """Which app of Xero's it is reached by."""
        return self.grant, self.client_id

    def needs(self) -> tuple[str, ...]:
        """The scopes to ask for."""
        return (*self.scopes, *([ATTACHMENTS_SCOPE] if self.documents.attach else []))

    def leads_to(self) -> Iterator[str]:
        """What tells its Xero organisation apart: the tenant, and the client where that has only one tenant."""
        if self.tenant_id:
            yield self.tenant_id.lower()
        if self.grant == "client_credentials":
            yield self.client_id

    def facts(self, fresh_minutes: int, persons: Iterable[Person] = (), web_url: str = WEB_URL) -> KnownOrganisation:
        """The organisation as the reconciler knows it."""
        return KnownOrganisation(
            key=self.key,
            name=self.name,
            tenant_id=self.tenant_id.lower(),
            mode=Mode(self.mode),
            account=self.account,
            sense=SENSES[self.amounts],
            tax=self.tax,
            currency=self.currency,
            status=model.Status(self.bill_status.upper()),
            number_prefix=self.number_prefix,
            due=due(self.due) or FORTNIGHT,
            description=self.description,
            tracking=tuple(sorted(self.tracking.items())),
            create_tracking_options=self.create_tracking_options,
            history_notes=self.history_notes,
            history_reads=self.history_reads,
            attach_documents=self.documents.attach,
            sync_points=frozenset(self.sync_points),
            people=_by_role(self.people),
            persons=tuple(person.facts() for person in persons),
            lock_day=self.lock_day,
            reply_to=self.reply_to,
            web_url=web_url,
            policy=_policy(self.policy, fresh_minutes),
        )


def _template_fault(template: str) -> str:
    """What is wrong with the template of a description; empty when nothing is."""
    try:
        parts = [part for part in Formatter().parse(template) if part[1] is not None]
    except ValueError:
        return "has a brace too many or too few; a brace to be printed is written twice"
    for _, name, form, conversion in parts:
        if name not in PLACEHOLDERS or form or conversion:
            return f"has {{{name}}}, but may name only {', '.join(f'{{{each}}}' for each in PLACEHOLDERS)}"
    return ""


SENSES = {
    "inclusive": model.Sense.INCLUSIVE,
    "exclusive": model.Sense.EXCLUSIVE,
    "no-tax": model.Sense.NO_TAX,
}


def _by_role(people: People) -> dict[Role, tuple[str, ...]]:
    return {
        Role.ACCOUNTING: people.accounting,
        Role.GRANTS: people.grants or people.accounting,
        Role.OPERATOR: people.operator or people.accounting,
    }


def _policy(policy: Policy, fresh_minutes: int) -> KnownPolicy:
    stated = msgspec.structs.asdict(policy)
    stated["fresh_minutes"] = policy.fresh_minutes or fresh_minutes
    return KnownPolicy(**stated)
