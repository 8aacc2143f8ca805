"""What the doctor finds of an organisation, when all is well and when it is not."""

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from billwatch.config import Config
from billwatch.doctor import books
from billwatch.doctor.books import Visit
from billwatch.doctor.findings import Level
from billwatch.doctor.hearing import gaps, last_webhook
from reconciler.organisation import Books
from reconciler.records import Delivery, Event
from reconciler.xero.connections import Look
from reconciler.xero.settings import SCOPES
from reconciler.xero.shapes import Tenant
from storage.ledger import Ledger

TENANT = "45e4708e-d862-4111-ab3a-dd8cd03913e1"
NOW = dt.datetime(2026, 7, 9, 10, 0, tzinfo=dt.UTC)
BOOKS = Books(
    organisation_id="o-1",
    name="Acme",
    currency="NZD",
    accounts=frozenset({"450", "480"}),
    taxes=frozenset({"NONE", "INPUT2"}),
    currencies=frozenset({"NZD", "EUR"}),
    tracking=frozenset({("Region", "North")}),
)
Change = Callable[[Visit], Visit]


@pytest.fixture
def visit(config: Config) -> Visit:
    """A visit on which nothing is wrong."""
    look = Look((Tenant("c-1", TENANT, "ORGANISATION", "Acme"),), frozenset(SCOPES), dt.timedelta(seconds=1))
    return Visit(config.organisation[0], config.connection("acme"), look, Books(), BOOKS, 4_000, 100)


def settings(**changes: Any) -> Change:
    return lambda visit: replace(visit, settings=msgspec.structs.replace(visit.settings, **changes))


def policy(**changes: Any) -> Change:
    def change(visit: Visit) -> Visit:
        return settings(policy=msgspec.structs.replace(visit.settings.policy, **changes))(visit)

    return change


def look(**changes: Any) -> Change:
    return lambda visit: replace(visit, look=replace(visit.look, **changes))


def found(**changes: Any) -> Change:
    return lambda visit: replace(visit, books=msgspec.structs.replace(visit.books, **changes))


def both(*changes: Change) -> Change:
    def change(visit: Visit) -> Visit:
        for each in changes:
            visit = each(visit)
        return visit

    return change


def by_consent(visit: Visit) -> Visit:
    return replace(visit, connection=replace(visit.connection, grant="refresh_token"))


FAULTS: list[tuple[str, Change, str, str, str]] = [
    (
        "organisation",
        lambda v: replace(v, before=Books(organisation_id="o-0", name="Acme 2")),
        "failed",
        "leads to “Acme” instead of “Acme 2”",
        "Connect “Acme 2” again.",
    ),
    (
        "organisation",
        settings(tenant_id=TENANT.replace("4", "5")),
        "failed",
        "is not among those connected",
        "Run billwatch connect --organisation acme.",
    ),
    (
        "scopes",
        look(scopes=frozenset(SCOPES[1:])),
        "failed",
        "not granted: accounting.invoices",
        "Tick them for the custom connection",
    ),
    (
        "scopes",
        both(by_consent, look(scopes=frozenset(SCOPES[:1]))),
        "failed",
        "not granted: accounting.settings.read, accounting.contacts.read",
        "Run billwatch connect --organisation acme.",
    ),
    ("scopes", look(scopes=None), "warning", "does not say what it allows", "Nothing, unless"),
    ("clock", look(ahead=dt.timedelta(minutes=6)), "failed", "is 360 s ahead of Xero's", "Set the clock"),
    ("clock", look(ahead=dt.timedelta(seconds=-40)), "warning", "is 40 s behind Xero's", "NTP"),
    (
        "rights",
        both(settings(bill_status="authorised"), found(may_approve=False)),
        "failed",
        "may not approve them",
        'bill_status = "submitted"',
    ),
    ("rights", policy(adviser_may_post=True), "warning", "whoever connected is no adviser", "Let an adviser connect"),
    ("account", settings(account="999"), "failed", 'account "999" cannot be used', "Xero has: 450, 480"),
    ("account", settings(account=""), "warning", "no account is set", "Set account"),
    ("tax", settings(tax="OUTPUT9"), "failed", 'tax "OUTPUT9" cannot be used', "Xero has: INPUT2, NONE"),
    ("currency", settings(currency="JPY"), "failed", 'currency "JPY" cannot be used', "Xero has: EUR, NZD"),
    ("tracking", settings(tracking={"Region": "Nroth"}), "failed", "not in Xero: Region: Nroth", "Make it under"),
    (
        "calls left",
        lambda v: replace(v, day_left=100),
        "warning",
        "100 calls are left today, so only",
        "every 24 hours",
    ),
]


@pytest.mark.parametrize(("check", "change", "level", "said", "mend"), FAULTS)
def test_a_fault_of_an_organisation_is_found_and_its_mend_stands_beside_it(
    visit: Visit, check: str, change: Change, level: str, said: str, mend: str
) -> None:
    finding = books.CHECKS[check](change(visit))
    assert finding.level == level
    assert said in finding.words
    assert mend in finding.mend


@pytest.mark.parametrize(("check", "change", "level", "said", "mend"), FAULTS)
def test_a_fault_of_an_organisation_is_found_by_its_own_check_alone(
    visit: Visit, check: str, change: Change, level: str, said: str, mend: str
) -> None:
    assert [name for name, finding in books.examine(change(visit)) if finding.level is not Level.OK] == [check]


def test_every_check_of_an_organisation_can_find_something() -> None:
    assert {fault[0] for fault in FAULTS} == set(books.CHECKS)


@pytest.mark.parametrize(
    "change",
    [
        look(ahead=None),
        look(scopes=frozenset({"accounting.invoices", "accounting.settings", "accounting.contacts"})),
        settings(tracking={"Region": "North"}, tax="NONE", currency="EUR"),
        both(policy(adviser_may_post=True), found(adviser=True)),
        lambda v: replace(v, day_left=None),
        lambda v: replace(v, before=BOOKS),
    ],
)
def test_what_is_well_is_not_complained_about(visit: Visit, change: Change) -> None:
    assert {finding.level for _, finding in books.examine(change(visit))} == {Level.OK}


def test_a_long_list_of_what_xero_has_is_cut(visit: Visit) -> None:
    many = found(accounts=frozenset(str(code) for code in range(500, 600)))
    finding = books.account(many(visit))
    assert finding.mend.endswith("518, 519, …")


@pytest.mark.parametrize(
    ("keys", "heard", "level", "said"),
    [
        (False, False, "ok", "none are set up"),
        (True, False, "warning", "none ever came, although a signing key is set"),
        (True, True, "ok", "the last one was read 9 July 2026, 22:00 (Pacific/Auckland)"),
    ],
)
def test_when_the_last_webhook_came_is_told_and_that_none_ever_did(
    config: Config, ledger: Ledger, keys: bool, heard: bool, level: str, said: str
) -> None:
    ledger.mirror.store_books("acme", msgspec.structs.replace(BOOKS, zone="Pacific/Auckland"))
    if heard:
        event = Event(TENANT, "INVOICE", "b-1", "UPDATE", NOW)
        inbox = ledger.group_inbox()
        inbox.start()
        asyncio.run(inbox.keep(b"{}", "file:secrets/webhook-key", NOW))
        inbox.stop()
        ledger.inbox.drain(lambda _: Delivery([event]), {TENANT: "acme"}, NOW)
    known = msgspec.structs.replace(config.xero, webhook_keys=config.keys.links if keys else ())
    finding = last_webhook(msgspec.structs.replace(config, xero=known), "acme", ledger)
    assert (finding.level, finding.words) == (level, said)
    assert bool(finding.mend) == (level == "warning")


def test_what_is_missing_by_xeros_numbers_is_told_where_webhooks_are_set_up(config: Config, ledger: Ledger) -> None:
    hearing = msgspec.structs.replace(config.xero, webhook_keys=config.keys.links)
    heard = msgspec.structs.replace(config, xero=hearing)
    assert gaps(heard, ledger, NOW).words == "no webhook was counted yet"
    for number in (*range(1, 21), 25):
        _come(ledger, number)
        if number == 20:
            assert gaps(heard, ledger, NOW).words == "none among 20 requests"
    found = gaps(heard, ledger, NOW)
    assert (found.level, found.words) == (
        Level.WARNING,
        "4 events did not come, although later ones have since 9 July 2026, 10:00 UTC",
    )
    assert gaps(config, ledger, NOW).level is Level.OK


def _come(ledger: Ledger, number: int) -> None:
    inbox = ledger.group_inbox()
    inbox.start()
    asyncio.run(inbox.keep(b"{}", "file:secrets/webhook-key", NOW))
    inbox.stop()
    event = Event(TENANT, "INVOICE", f"b-{number}", "UPDATE", NOW)
    ledger.inbox.drain(lambda _: Delivery([event], number, number), {TENANT: "acme"}, NOW)
