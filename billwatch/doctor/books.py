"""What can be seen of one organisation in Xero: the connection, its rights, and whether what bills need is there.

To add a check: a function from Visit to Finding, and its line in `CHECKS`.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from billwatch.doctor.findings import Finding, failed, ok, warning
from billwatch.organisation import Organisation
from reconciler.organisation import Books
from reconciler.xero.connections import Connection, Look

CLOCK_DOUBTFUL = dt.timedelta(seconds=30)
# Attempts are looked up with as much tolerance for the difference of clocks (reconciler/recovery.py).
CLOCK_WRONG = dt.timedelta(minutes=5)
MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Visit:
    """What was read of an organisation just now; `before` is what was known. Of the `day_left` calls that Xero still
    grants, `day_reserve` are kept for people.
    """

    settings: Organisation
    connection: Connection
    look: Look
    before: Books
    books: Books
    day_left: int | None
    day_reserve: int


def clock(visit: Visit) -> Finding:
    """Our clock goes with Xero's."""
    ahead = visit.look.ahead
    if ahead is None:
        return ok("Xero told no time")
    side = "ahead of" if ahead > dt.timedelta(0) else "behind"
    told = f"this machine's clock is {abs(ahead).total_seconds():.0f} s {side} Xero's"
    if abs(ahead) >= CLOCK_WRONG:
        return failed(told, "Set the clock, and keep it with NTP.")
    if abs(ahead) >= CLOCK_DOUBTFUL:
        return warning(told, "Keep the clock with NTP.")
    return ok("this machine's clock goes with Xero's")


def organisation(visit: Visit) -> Finding:
    """The connection leads where it led before, and where the configuration says."""
    before, books, wanted = visit.before, visit.books, visit.settings.tenant_id.lower()
    if before.organisation_id and before.organisation_id != books.organisation_id:
        return failed(f"leads to “{books.name}” instead of “{before.name}”", f"Connect “{before.name}” again.")
    if wanted and wanted not in {one.tenant_id for one in visit.look.tenants}:
        return failed(f"tenant {wanted} is not among those connected", _again(visit))
    return ok(f"“{books.name}”, {books.currency}, {books.zone}")


def scopes(visit: Visit) -> Finding:
    """The token allows all that billwatch asks for."""
    granted = visit.look.scopes
    if granted is None:
        return warning("the token does not say what it allows", "Nothing, unless Xero refuses calls.")
    missing = [scope for scope in visit.connection.scopes if not {scope, scope.removesuffix(".read")} & granted]
    if not missing:
        return ok(", ".join(visit.connection.scopes))
    if visit.connection.grant == "client_credentials":
        mend = "Tick them for the custom connection on Xero's developer pages, and have it authorised again."
        return failed(f"not granted: {', '.join(missing)}", mend)
    return failed(f"not granted: {', '.join(missing)}", _again(visit))


def rights(visit: Visit) -> Finding:
    """The connection may do what the settings ask of it."""
    settings, books = visit.settings, visit.books
    if settings.bill_status == "authorised" and not books.may_approve:
        return failed(
            "bills are to be made approved, but whoever connected may not approve them",
            'Let somebody who may approve bills connect, or set bill_status = "submitted".',
        )
    if settings.policy.adviser_may_post and not books.adviser:
        return warning(
            "adviser_may_post is set, but whoever connected is no adviser",
            "Let an adviser connect, or take the policy out.",
        )
    may = ["may approve bills"] * books.may_approve + ["passes the period lock as an adviser"] * books.adviser
    return ok("the connection " + (" and ".join(may) or "may make drafts"))


def account(visit: Visit) -> Finding:
    """The account code can be used on a bill."""
    code = visit.settings.account
    if not code:
        return warning("no account is set, so milestones must name their own", "Set account to a code of the chart.")
    return _usable("account", code, visit.books.accounts, "Choose an active account that is no bank account.")


def tax(visit: Visit) -> Finding:
    """The tax type is in use."""
    if not visit.settings.tax:
        return ok("the account's own")
    return _usable("tax", visit.settings.tax, visit.books.taxes, "Use a tax type that Xero knows, such as NONE.")


def currency(visit: Visit) -> Finding:
    """The currency is set up."""
    code = visit.settings.currency or visit.books.currency
    return _usable("currency", code, visit.books.currencies, "Add the currency in Xero, or choose another.")


def tracking(visit: Visit) -> Finding:
    """Tracking categories and their options exist and are active."""
    known = visit.books.tracking or frozenset()
    missing = [f"{name}: {option}" for name, option in visit.settings.tracking.items() if (name, option) not in known]
    if missing and visit.settings.create_tracking_options:
        return warning(f"not in Xero: {', '.join(missing)}", "Nothing: it is made with the first bill that names it.")
    if missing:
        mend = "Make it under tracking categories in Xero, or correct tracking; capitals count."
        return failed(f"not in Xero: {', '.join(missing)}", mend)
    return ok(", ".join(f"{name}: {option}" for name, option in visit.settings.tracking.items()) or "none is set")


def budget(visit: Visit) -> Finding:
    """There are calls left for today."""
    left = visit.day_left
    if left is None:
        return ok("Xero told no number")
    if left <= visit.day_reserve:
        told = f"{left} calls are left today, so only what a person asks for is done"
        return warning(told, "Wait: Xero gives out new ones every 24 hours.")
    return ok(f"{left} calls are left today")


CHECKS: dict[str, Callable[[Visit], Finding]] = {
    "organisation": organisation,
    "scopes": scopes,
    "clock": clock,
    "rights": rights,
    "account": account,
    "tax": tax,
    "currency": currency,
    "tracking": tracking,
    "calls left": budget,
}


def examine(visit: Visit) -> Iterable[tuple[str, Finding]]:
    """Every check by name, in the order of the table."""
    return ((name, check(visit)) for name, check in CHECKS.items())


def _usable(option: str, value: str, known: Collection[str] | None, mend: str) -> Finding:
    if known is not None and value not in known:
        some = ", ".join([*sorted(known)[:MOST_NAMED], *(["…"] if len(known) > MOST_NAMED else [])])
        return failed(f'{option} "{value}" cannot be used', f"{mend} Xero has: {some or 'none'}")
    return ok(value)


def _again(visit: Visit) -> str:
    return f"Run billwatch connect --organisation {visit.settings.key}."
