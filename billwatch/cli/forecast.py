"""`billwatch forecast`."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import click

from billwatch.cli.choosing import Day
from billwatch.cli.output import echo_json, echo_table, json_option
from billwatch.cli.session import Session, pass_session
from billwatch.foresight import LATE_DAYS, if_locked, unapproved
from reconciler.forecast import Forecast, held_up
from reconciler.model import Case
from reconciler.organisation import Books
from reconciler.words import day, explain, money


@click.command(name="forecast")
@click.option("--lock", type=Day(), required=True, help="The lock date supposed.")
@click.option("--organisation", default="", metavar="KEY", help="Only this one; all by default.")
@click.option(
    "--days",
    type=click.IntRange(0, 365),
    default=LATE_DAYS,
    show_default=True,
    help="List drafts that fall due within so many days.",
)
@json_option
@pass_session
def command(session: Session, lock: dt.date, organisation: str, days: int, as_json: bool) -> None:
    """Say what a lock date would hold up.

    Nothing is read from Xero and nothing is written: it goes by the facts read last.
    """
    now = session.now()
    with session.view() as ledger:
        for key in session.keys(organisation):
            known = session.organisation(key).facts(session.config.reconciler.fresh_minutes)
            books = ledger.mirror.books(key)
            seen = if_locked(ledger, known, lock, now)
            late = unapproved(ledger, known, now.astimezone(ZoneInfo(books.zone)).date(), days)
            if as_json:
                echo_json({"organisation": key, **_plain(seen, late, books)})
            else:
                _tell(key, seen, late, books, days)


def _plain(seen: Forecast, late: Sequence[Case], books: Books) -> dict[str, Any]:
    return {
        "lock": seen.lock,
        "unbilled": [_milestone(d.case) | {"why": explain(d, books)} for d in seen.unbilled],
        "stuck": [_milestone(d.case) | {"why": explain(d, books)} for d in seen.stuck],
        "later": [_milestone(d.case) for d in seen.later],
        "unapproved": [_milestone(case) for case in late],
    }


def _milestone(case: Case) -> dict[str, Any]:
    milestone, bill = case.milestone, case.bill
    return {
        "key": milestone.key,
        "payee": milestone.payee,
        "amount": milestone.amount,
        "date": milestone.date,
        "bill_total": bill.total if bill else None,
        "bill_number": bill.number if bill else None,
        "bill_date": bill.date if bill else None,
        "due_date": bill.due_date if bill else None,
    }


def _tell(key: str, seen: Forecast, late: Sequence[Case], books: Books, days: int) -> None:
    click.echo(f"{key} · if the books are locked to {day(seen.lock)}")
    _list("could not be billed", [d.case for d in seen.unbilled], books)
    _list("have a bill that nobody could approve any more", [d.case for d in seen.stuck], books)
    _list("are not due yet, and could not be billed once they are", [d.case for d in seen.later], books)
    if not seen.number:
        click.echo("  It would hold up no milestone that is not held up already.")
    _list(f"have a bill that nobody has approved, due within {days} days or overdue", late, books, due=True)


def _list(what: str, cases: Sequence[Case], books: Books, *, due: bool = False) -> None:
    if not cases:
        return
    click.echo(f"\n  {len(cases)} {what}")
    last = "DUE" if due else "DATE"
    echo_table(("  MILESTONE", "PAYEE", "AMOUNT", "BILL", last), [_row(c, books, due) for c in cases], right={2})


def _row(case: Case, books: Books, due: bool) -> tuple[str, ...]:
    milestone, bill = case.milestone, case.bill
    date = (bill.due_date if due and bill else None) or (bill.date if bill else milestone.date)
    return (
        f"  {milestone.key}",
        milestone.payee,
        money(*held_up(case, books)),
        (bill.number if bill else "none"),
        day(date),
    )
