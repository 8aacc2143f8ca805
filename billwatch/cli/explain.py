"""`billwatch explain`."""

from typing import Any

import click
from msgspec import Struct

from billwatch.cli.failures import Cannot
from billwatch.cli.output import echo_json, echo_table, json_option, plain
from billwatch.cli.resync import CHOICES
from billwatch.cli.session import Session, pass_session
from reconciler.choices import fitting
from reconciler.errors import NoMilestone
from reconciler.kept import kept
from reconciler.model import Decision, Exemption, Write
from reconciler.organisation import Books, Organisation
from reconciler.outlook import if_nobody_acts, when_paid
from reconciler.reasons import Choose, words
from reconciler.records import Choice, Enclosed, Flag
from reconciler.words import (
    bill_link,
    bill_state,
    choice_label,
    currency_of,
    day,
    explain,
    moment,
    money,
    sides,
    what_to_do,
    who_and_when,
)
from reconciler.xero_port import Outcome
from storage.overview import Moment, Posted

COMMANDS = {
    Choose.RESYNC: "resync {}",
    Choose.DATE: "resync {} --date DAY",
    Choose.REMIND: "resync {} --remind DAY",
    Choose.LINK: "link {} BILL",
    Choose.REPLACED_BY: "link {} BILL",
    Choose.GO_AHEAD: "resume --go-ahead",
    Choose.EXEMPT: "exempt {} --reason WHY",
    **{kind: f"resync {{}} --choose {kind}" for kind in CHOICES},
}


UNDECIDED = '“{}” is not decided yet: "billwatch serve" does so while it runs, and "billwatch reconcile" at once.'


@click.command(name="explain")
@click.argument("key")
@click.option("--organisation", default="", metavar="KEY", help="Whose milestone; needed when there are several.")
@json_option
@pass_session
def command(session: Session, key: str, organisation: str, as_json: bool) -> None:
    """Say how one milestone stands, and why.

    With all that has happened to it.
    """
    settings = session.organisation(organisation)
    with session.view() as ledger:
        found = ledger.milestones.standing(settings.key, [key])
        if not found and ledger.milestones.versions(settings.key, [key]):
            raise Cannot(UNDECIDED.format(key))
        if not found:
            raise NoMilestone(settings.key, key)
        (decision,), books = found, ledger.mirror.books(settings.key)
        timeline = ledger.overview.timeline(settings.key, key)
    if as_json:
        echo_json(_plain(decision, books) | {"timeline": [_moment_plain(each) for each in timeline]})
        return
    known = settings.facts(0, web_url=session.config.xero.web)
    _tell(decision, known, books)
    for name, told in kept(decision, timeline, books):
        click.echo(plain(f"{name:<10} {told}"))
    offered = fitting(decision, known)
    for number, kind in enumerate(offered):
        click.echo(f"{'' if number else 'Choices':<10} {choice_label(kind)}: billwatch {COMMANDS[kind].format(key)}")
    _history(timeline, books)


def _plain(decision: Decision, books: Books) -> dict[str, Any]:
    verdict = decision.verdict
    return {
        "milestone": decision.case.milestone,
        "bill": decision.case.bill,
        "action": verdict.action,
        "reason": verdict.reason,
        "why": explain(decision, books),
        "when_paid": when_paid(decision, books),
        "deed": decision.case.deed,
        "todo": what_to_do(decision, books),
        "differences": [{"field": f, "milestone": ours, "bill": theirs} for f, ours, theirs in sides(decision, books)],
        "lock": verdict.lock,
        "proposed": verdict.proposed,
        "earlier_bills": decision.case.parts,
    }


def _tell(decision: Decision, organisation: Organisation, books: Books) -> None:
    case, verdict = decision.case, decision.verdict
    milestone, bill = case.milestone, case.bill
    amount = money(milestone.amount, currency_of(decision, books))
    click.echo(f"{milestone.payee} · {milestone.key} · {milestone.title} · {amount} · {day(milestone.date)}")
    click.echo(f"Verdict    {verdict.action} {verdict.reason} ({words(verdict.reason).headline})")
    click.echo(f"Why        {explain(decision, books)}")
    if case.deed:
        click.echo(plain(f"{case.deed.did.capitalize():<10} {who_and_when(case.deed, books)}"))
    click.echo(f"Paid when  {when_paid(decision, books)}")
    if bill:
        number = bill.number or bill.bill_id
        click.echo(f"Bill       {number} · {money(bill.total, bill.currency)} · {day(bill.date)} · {bill_state(bill)}")
        link = bill_link(organisation, books, bill.bill_id)
        if link:
            click.echo(f"In Xero    {link}")
    if verdict.fields and verdict.theirs:
        echo_table(("FIELD", "MILESTONE", "BILL"), sides(decision, books))
    todo = what_to_do(decision, books)
    if todo:
        click.echo(f"To do      {todo}")
        click.echo(f"           {if_nobody_acts(decision, books)}")


def _history(timeline: list[Moment], books: Books) -> None:
    if timeline:
        click.echo()
        rows = [(moment(m.at, books.zone), m.what, _said(m.what, m.value)) for m in timeline]
        echo_table((f"WHEN ({books.zone})", "WHAT", ""), rows)


def _said(what: str, value: Any) -> str:
    match value:
        case (action, reason):
            return f"{action} {reason}"
        case Choice():
            return f"{choice_label(value.kind)}, by {value.by}"
        case Exemption():
            return f"{value.reason}, by {value.by}" + (f", until {day(value.until)}" if value.until else "")
        case Flag():
            return value.reason.value if what == "flag" else f"{value.reason}: {value.closed_because}"
        case Posted():
            return f"{value.kind} to {value.recipient}"
        case Enclosed():
            return f"{value.headline}: {value.trouble}" if value.trouble else value.headline
        case Write():
            what = "update" if value.bill_id else "new bill"
            return f"{what} {value.number}, {money(value.terms.total, value.terms.currency)}"
        case Outcome():
            return " ".join(value.messages) or ("not carried out" if value.undone else "taken")
    return str(value)


def _moment_plain(each: Moment) -> dict[str, Any]:
    value = each.value
    return {
        "at": each.at,
        "what": each.what,
        "value": value if isinstance(value, Struct) else _said(each.what, value),
    }
