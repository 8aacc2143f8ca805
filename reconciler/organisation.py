"""An organisation: its settings as the configuration states them, and its books as Xero tells of them.

Units as in `reconciler.model`.
"""

import datetime as dt
from decimal import Decimal
from enum import StrEnum

from msgspec import field
from msgspec.structs import asdict, replace

from reconciler.due import FORTNIGHT, Due
from reconciler.model import Defaults, Sense, Status, Tracking
from reconciler.people import Person, Team
from reconciler.reasons import Reason, Role
from reconciler.value import Value

WEB_URL = "https://go.xero.com"


class Mode(StrEnum):
    """Whether billwatch may write to an organisation's books."""

    WATCH = "watch"
    SYNC = "sync"


class Policy(Value, frozen=True):
    """What the organisation has decided in advance; the defaults ask a person. See `config.example.toml` for each."""

    xero_edits: str = "flag"
    warn_when_equal: bool = False
    paid_bill_edits: str = "flag"
    approved_bills: str = "flag"
    locked_dates: str = "flag"
    locked_drafts: str = "flag"
    on_unlock: str = "ask"
    adviser_may_post: bool = False
    new_bills_per_hour: int = 500
    new_money_per_hour: Decimal | None = None
    fresh_minutes: int = 60
    near_days: int = 31
    missing_at_once: int = 10


class Organisation(Value, frozen=True):
    """One connected Xero tenant with its settings, as the configuration states them.

    `tenant_id` may be empty for a custom connection. `status` is the state in which new bills are made. A
    milestone is due for billing once it has reached any of `sync_points`. `description` is the template of a bill's
    line. `people` maps each role to mail addresses, and `persons` says how some of them want their mail. `tracking` is
    in the order of its categories. `lock_day` is the day of the month on which the books are usually locked to the end
    of the month before; 0 for none. `web_url` is where people open the books in a browser.
    """

    key: str
    name: str
    tenant_id: str = ""
    mode: Mode = Mode.WATCH
    account: str = ""
    sense: Sense = Sense.INCLUSIVE
    tax: str = ""
    currency: str = ""
    status: Status = Status.SUBMITTED
    number_prefix: str = ""
    due: Due = FORTNIGHT
    description: str = "{description}"
    tracking: Tracking = ()
    create_tracking_options: bool = False
    history_notes: bool = False
    history_reads: int = 10
    attach_documents: bool = False
    sync_points: frozenset[str] = frozenset({"approved"})
    people: dict[Role, tuple[str, ...]] = field(default_factory=dict)
    persons: tuple[Person, ...] = ()
    lock_day: int = 0
    reply_to: str = ""
    web_url: str = WEB_URL
    policy: Policy = Policy()

    @property
    def defaults(self) -> Defaults:
        """The settings that bills are made of."""
        return Defaults(self.account, self.sense, self.tax, self.currency, self.due, self.description, self.tracking)

    def under(self, defaults: Defaults) -> "Organisation":
        """The organisation with these settings instead of its own."""
        return replace(self, **asdict(defaults))

    @property
    def team(self) -> Team:
        """Its people."""
        return Team(self.people, self.persons)

    def addresses(self, roles: tuple[Role, ...]) -> tuple[str, ...]:
        """The mail addresses of the given roles, each once, in the order of the roles."""
        return tuple(dict.fromkeys(address for role in roles for address in self.people.get(role, ())))


class Books(Value, frozen=True):
    """What Xero and our own records say of an organisation as a whole, at one moment.

    The two lock dates are inclusive. `accounts`, `taxes`, `currencies` and `tracking` hold what a bill may use,
    `None` while unknown. `read_at`, `rights_at`, `listed_at` and `compared_at` are our times of the last reading of
    identity, rights and lists, and of the last comparison with all open bills; `swept_at` is that of the last complete
    sweep. `contacts_at`, `watermark` and `swept_to` say up to when, by Xero's clock, changes of contacts were read,
    changes of bills, and changes of bills by the last sweep. `hold` is set while nothing may be decided for the whole
    organisation. `room` is how many new bills, and how much money, the caps still allow in the running hour (`None`:
    no cap). `version` grows when something changes that bears on very many decisions, here or in the settings.
    """

    organisation_id: str = ""
    name: str = ""
    short_code: str = ""
    currency: str = ""
    zone: str = "UTC"
    period_lock: dt.date | None = None
    year_lock: dt.date | None = None
    adviser: bool = False
    may_approve: bool = True
    accounts: frozenset[str] | None = None
    taxes: frozenset[str] | None = None
    currencies: frozenset[str] | None = None
    tracking: frozenset[tuple[str, str]] | None = None
    read_at: dt.datetime | None = None
    listed_at: dt.datetime | None = None
    swept_at: dt.datetime | None = None
    watermark: dt.datetime | None = None
    swept_to: dt.datetime | None = None
    rights_at: dt.datetime | None = None
    contacts_at: dt.datetime | None = None
    compared_at: dt.datetime | None = None
    hold: Reason | None = None
    hold_detail: str = ""
    room: int | None = None
    room_money: Decimal | None = None
    version: int = 0
