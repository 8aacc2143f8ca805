"""An organisation of the configuration: the tables of `[[organisation]]`."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from string import Formatter
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from billwatch.complaints import Unfit
from billwatch.people import People, Person
from billwatch.secret import Secret
from billwatch.sections import Section
from billwatch.values import (
    AddressOrNone,
    Currency,
    DayOfMonth,
    DocumentHost,
    Minutes,
    Name,
    Prefix,
    Slug,
    Tenant,
    Text,
    Tracking,
)
from reconciler import model
from reconciler.compare import PLACEHOLDERS
from reconciler.due import FORTNIGHT, due
from reconciler.organisation import WEB_URL, Mode
from reconciler.organisation import Organisation as KnownOrganisation
from reconciler.organisation import Policy as KnownPolicy
from reconciler.xero.settings import SCOPES

SETTINGS_SCOPE = "accounting.settings"
ATTACHMENTS_SCOPE = "accounting.attachments"
DUE_FORMS = '"14 days", "end of month", "end of following month" or "20th of following month"'

SENSES = {
    "inclusive": model.Sense.INCLUSIVE,
    "exclusive": model.Sense.EXCLUSIVE,
    "no-tax": model.Sense.NO_TAX,
}


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
    tracking: Tracking = msgspec.field(default_factory=dict)
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
            people=self.people.by_role(),
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


def _policy(policy: Policy, fresh_minutes: int) -> KnownPolicy:
    stated = msgspec.structs.asdict(policy)
    stated["fresh_minutes"] = policy.fresh_minutes or fresh_minutes
    return KnownPolicy(**stated)
