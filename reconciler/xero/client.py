"""Xero as the cycle sees it: one organisation's books, bills and contacts (the Protocol `reconciler.ports.Xero`)."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from itertools import islice
from typing import TypeVar

from msgspec.structs import replace

from reconciler.errors import BadRequest
from reconciler.model import Bill, Contact, Tracking, Write
from reconciler.organisation import Books, Organisation
from reconciler.ports import Clock
from reconciler.records import Attempt
from reconciler.xero import dates, lists, paging, parsing, requests, shapes
from reconciler.xero.limits import Remaining, for_person
from reconciler.xero.outcomes import outcomes
from reconciler.xero.purse import Purse
from reconciler.xero.wire import Wire
from reconciler.xero_port import Outcome, Paper, Record, Spent

Page = TypeVar("Page", shapes.Invoices, shapes.Contacts)
Shape = TypeVar("Shape")
PAGE_SIZE = 1_000
IDS_AT_ONCE = 40
TO_SPARE = 250
_DECIMALS = {"unitdp": "4"}
_BILLS = 'Type=="ACCPAY"'


class Client:
    """One organisation. Every method may raise `reconciler.errors.XeroError`; see the Protocol for what each does."""

    def __init__(self, organisation: Organisation, wire: Wire, purse: Purse, clock: Clock) -> None:
        self._organisation, self._wire, self._purse, self._clock = organisation, wire, purse, clock
        self._told_at: dt.datetime | None = None

    @property
    def told_at(self) -> dt.datetime | None:
        """Xero's own time when it began to answer the last list of changes; `None` when it did not say."""
        return self._told_at

    def for_person(self) -> AbstractContextManager[None]:
        """While it lasts, this thread's calls may use what background work leaves of the limits for people."""
        return for_person()

    def check_limits(self) -> None:
        """Raise `RateLimited` when no write would be let through now."""
        self._purse.limits.check()

    def recall(self) -> None:
        """Take over what another process has kept of the limits. Raises `StorageError`."""
        self._purse.recall()

    def settle(self) -> None:
        """Keep what was learnt of the limits and what the calls have cost. Raises `StorageError`."""
        self._purse.settle()

    def read_organisation(self, books: Books) -> Books:
        """Identity, zone and lock dates, in 1 call; `read_at` is our time before it."""
        read_at = self._clock()
        found = self._get("organisation", "/Organisation", shapes.Organisations)
        return parsing.organisation(books, found, read_at)

    def read_rights(self, books: Books) -> Books:
        """What the connection may do, in 1 call; `rights_at` is our time before it."""
        rights_at = self._clock()
        found = self._get("actions", "/Organisation/Actions", shapes.Actions)
        return parsing.rights(books, found.actions, rights_at)

    def read_lists(self, books: Books) -> Books:
        """Accounts, tax types, currencies and tracking options, in 4 calls."""
        listed_at = self._clock()
        found = self._get("currencies", "/Currencies", shapes.Currencies)
        marks = self._get("tracking", "/TrackingCategories", shapes.TrackingCategories)
        return replace(
            books,
            accounts=lists.accounts(self._get("accounts", "/Accounts", shapes.Accounts).accounts),
            taxes=lists.taxes(self._get("tax_rates", "/TaxRates", shapes.TaxRates).tax_rates),
            currencies=lists.currencies(found.currencies, books.currency),
            tracking=lists.tracking(marks.tracking_categories),
            listed_at=listed_at,
        )

    def bills(self, bill_ids: Sequence[str]) -> list[Bill]:
        """Those that a list shows, 40 a call; paged, because only then does a list hold the lines."""
        rest = iter(dict.fromkeys(bill_ids))
        found: list[Bill] = []
        while group := list(islice(rest, IDS_AT_ONCE)):
            params = {"IDs": ",".join(group), "page": "1", "pageSize": str(IDS_AT_ONCE), **_DECIMALS}
            read_at = self._clock()
            page = self._get("bills", "/Invoices", shapes.Invoices, params)
            found += self._read(page.invoices, read_at)
        return found

    def bill(self, bill_id: str) -> Bill | None:
        """One bill; `None` when Xero says that there is none, or that this is a sales invoice."""
        read_at = self._clock()
        answer = self._wire.read("bill", f"/Invoices/{bill_id}", _DECIMALS)
        if answer.status == 404:
            return None
        found = self._read(parsing.decode(answer.body, shapes.Invoices).invoices, read_at)
        return found[0] if found else None

    def changed_bills(self, since: dt.datetime | None) -> Iterator[list[Bill]]:
        """Oldest change first, up to 1,000 a page and never an empty one; a bill may come twice."""
        self._told_at = None
        params = {"where": _BILLS, **_DECIMALS}
        for page, read_at in self._pages("changed_bills", "/Invoices", shapes.Invoices, params, since):
            self._told_at = self._told_at or _served(page)
            if found := self._read(page.invoices, read_at):
                yield found

    def open_bills(self) -> Iterator[list[Bill]]:
        """Those that are neither paid nor voided nor deleted, without lines, up to 1,000 a page."""
        params = {"where": _BILLS, "Statuses": "DRAFT,SUBMITTED,AUTHORISED", "summaryOnly": "true"}
        for page, read_at in self._pages("open_bills", "/Invoices", shapes.Invoices, params, None):
            if found := self._read(page.invoices, read_at):
                yield found

    def changed_contacts(self, since: dt.datetime | None) -> Iterator[list[Contact]]:
        """Archived ones included, up to 1,000 a page and never an empty one; a contact may come twice."""
        self._told_at = None
        params = {"includeArchived": "true"}
        for page, _ in self._pages("changed_contacts", "/Contacts", shapes.Contacts, params, since):
            self._told_at = self._told_at or _served(page)
            if page.contacts:
                yield [parsing.contact(item) for item in page.contacts]

    def create_request(self, writes: Sequence[Write]) -> tuple[str, str, bytes]:
        """Method, path and body of up to 50 new bills."""
        return requests.create(writes)

    def update_request(self, writes: Sequence[tuple[Write, Bill]]) -> tuple[str, str, bytes]:
        """Method, path and body of changes to up to 50 bills."""
        return requests.update(writes)

    def to_spare(self) -> bool:
        """Whether Xero, as far as it has told, has calls to spare today for what nobody waits for."""
        day = self.remaining().day
        return day is None or day > TO_SPARE

    def history(self, bill_id: str) -> list[Record]:
        """What happened to a bill, in 1 call; none for a bill that Xero does not have."""
        answer = self._wire.read("history", f"/Invoices/{bill_id}/History")
        return [] if answer.status == 404 else parsing.records(parsing.decode(answer.body, shapes.History))

    def annotate(self, bill_id: str, text: str, idempotency_key: str) -> None:
        """Add a note to the history of a bill."""
        method, path, body = requests.note(bill_id, text)
        self._wire.write("note", method, path, body, idempotency_key)

    def attached(self, bill_id: str) -> frozenset[str]:
        """The names of the files on a bill, in 1 call; none for a bill that Xero does not have."""
        answer = self._wire.read("attachments", requests.attachments(bill_id))
        found = () if answer.status == 404 else parsing.decode(answer.body, shapes.Attachments).attachments
        return frozenset(one.file_name for one in found if one.file_name)

    def attach(self, bill_id: str, paper: Paper, idempotency_key: str) -> None:
        """Put a file on a bill; PUT replaces one of that name."""
        path = requests.attachment(bill_id, paper.name)
        self._wire.write("attach", "PUT", path, paper.content, idempotency_key, paper.media)

    def make_options(self, pairs: Tracking, idempotency_key: str) -> None:
        """Make these options of tracking categories, as far as Xero takes them."""
        found = self._get("tracking", "/TrackingCategories", shapes.TrackingCategories).tracking_categories
        ids = {each.name: each.tracking_category_id for each in found}
        for number, (category, option) in enumerate(pairs):
            if category_id := ids.get(category):
                request = requests.option(category_id, option)
                with suppress(BadRequest):
                    self._wire.write("tracking_option", *request, f"{idempotency_key}-{number}")

    def send(self, attempt: Attempt) -> list[Outcome]:
        """One outcome per element; raises OutcomeUnknown when Xero may have done it and we cannot tell."""
        operation = "create" if attempt.method == "PUT" else "update"
        answer = self._wire.write(operation, attempt.method, attempt.path, attempt.body, attempt.idempotency_key)
        return outcomes(answer, attempt.elements)

    def usage(self) -> dict[str, Spent]:
        """Calls and bytes so far, by operation."""
        return self._purse.usage.snapshot()

    def remaining(self) -> Remaining:
        """What Xero last said is left of its limits."""
        return self._purse.limits.remaining()

    def _pages(
        self, operation: str, path: str, shape: type[Page], params: dict[str, str], since: dt.datetime | None
    ) -> Iterator[tuple[Page, dt.datetime]]:
        """Pages with our time before each was asked for."""
        place: paging.Place | None = paging.Place(since)
        while place is not None:
            read_at = self._clock()
            asked = {**params, "order": "UpdatedDateUTC ASC", "page": str(place.page), "pageSize": str(PAGE_SIZE)}
            page = self._get(operation, path, shape, asked, place.since)
            yield page, read_at
            items = page.invoices if isinstance(page, shapes.Invoices) else page.contacts
            place = paging.following(place, [parsing.changed_at(item) for item in items], page.pagination)

    def _get(
        self,
        operation: str,
        path: str,
        shape: type[Shape],
        params: dict[str, str] | None = None,
        since: dt.datetime | None = None,
    ) -> Shape:
        headers = {"If-Modified-Since": dates.since(since)} if since else None
        answer = self._wire.read(operation, path, params, headers)
        return parsing.decode(answer.body, shape)

    def _read(self, invoices: Sequence[shapes.Invoice], read_at: dt.datetime) -> list[Bill]:
        found = (parsing.bill(invoice, self._organisation.key, read_at) for invoice in invoices)
        return [bill for bill in found if bill is not None]


def _served(page: shapes.Invoices | shapes.Contacts) -> dt.datetime | None:
    with suppress(ValueError):
        return dates.instant(page.date_time_utc)
    return None
