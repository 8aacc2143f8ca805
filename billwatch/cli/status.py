"""`billwatch status`."""

import dataclasses
import datetime as dt
from difflib import get_close_matches
from typing import Any

import click
import msgspec

from billwatch.cli.output import echo_json, echo_table, json_option, plain
from billwatch.cli.session import Session, pass_session
from reconciler.cycle import paused
from reconciler.numbering import missing
from reconciler.organisation import Books
from reconciler.reasons import Action, Reason, words
from reconciler.words import moment, money, number_of
from storage import Ledger
from storage.overview import Listed


def _reason(_ctx: click.Context, _parameter: click.Parameter, stated: str | None) -> Reason | None:
    """The reason of that name, in any case of letters."""
    if stated is None:
        return None
    try:
        return Reason(stated.upper())
    except ValueError:
        near = get_close_matches(stated.upper(), [reason.value for reason in Reason], 3, 0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else '"billwatch status" lists those that occur.'
        raise click.BadParameter(f'"{stated}" is no reason; {hint}') from None


MOST_NAMED = 5
QUEUES = {
    "undrained": "webhooks to read",
    "dirty": "milestones to decide",
    "open_flags": "open flags",
    "open_attempts": "writes to verify",
    "mails_owed": "mails to send",
    "mails_refused": "mails refused",
}


@click.command(name="status")
@click.option("--organisation", default="", metavar="KEY", help="Only this one; all by default.")
@click.option("--milestones", is_flag=True, help="List every milestone, not only those that wait for somebody.")
@click.option("--reason", metavar="REASON", callback=_reason, help="List those of a reason, such as LOCKED_DRAFT.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many to list at the most.")
@json_option
@pass_session
def command(
    session: Session, organisation: str, milestones: bool, reason: Reason | None, limit: int, as_json: bool
) -> None:
    """Show how milestones and bills stand.

    Those that wait for somebody are listed; --milestones lists all.
    """
    with session.view() as ledger:
        for each in map(session.organisation, session.keys(organisation)):
            books = ledger.mirror.books(each.key)
            listed = _listed(ledger, each.key, milestones, reason, limit)
            summary = _summary(ledger, each.key, each.mode, books) | {
                "xero": _spending(ledger, each.key, session.now()),
                "webhooks": bool(session.config.xero.webhook_keys),
                "webhook_gap": _gap(ledger, session.now()),
                "mail_server": session.config.mail.host,
            }
            if as_json:
                echo_json(summary | {"milestones": [_plain(one) for one in listed]})
            else:
                _tell(summary, listed, books)


def _listed(ledger: Ledger, key: str, milestones: bool, reason: Reason | None, limit: int) -> list[Listed]:
    if reason or milestones:
        return ledger.overview.listing(key, limit, reason=reason)
    waiting = ledger.overview.listing(key, limit, action=Action.FLAG)
    return waiting + ledger.overview.listing(key, limit, action=Action.HOLD)


def _summary(ledger: Ledger, key: str, mode: str, books: Books) -> dict[str, Any]:
    counts = ledger.census.counts([key])[key]
    return {
        "organisation": key,
        "name": books.name,
        "mode": mode,
        "paused": ledger.state.get(paused(key)),
        "hold": books.hold,
        "hold_detail": books.hold_detail,
        "period_lock": books.period_lock,
        "year_lock": books.year_lock,
        "counts": {(reason.value if reason else "UNDECIDED"): count for reason, count in counts.items()},
        "heard_at": ledger.census.heard_at([key]).get(key),
        "owed": [dataclasses.asdict(one) for one in ledger.census.owed([key])[key]],
        "documents_missing": ledger.enclosures.troubled(key),
        "mail_error": ledger.census.mail_error([key]).get(key, ""),
        "refused_addresses": [msgspec.structs.asdict(one) for one in ledger.outbox.bounced()],
        **dataclasses.asdict(ledger.overview.health(key)),
    }


def _gap(ledger: Ledger, now: dt.datetime) -> dict[str, Any] | None:
    """What is missing of the webhooks of all organisations, by the numbers that Xero gives their events."""
    gap = missing(ledger.numberings.all().values(), now)
    return dataclasses.asdict(gap) if gap else None


def _spending(ledger: Ledger, key: str, now: dt.datetime) -> dict[str, Any]:
    """What is left of Xero's limits, and what was spent today and this month; Xero counts both in UTC."""
    budget, days = ledger.budgets.budget(key), ledger.budgets.spent(key, now.date().replace(day=1))
    spent = [one for day in days.values() for one in day.values()]
    return {
        "left": {kind: {"calls": one.left, "seen": one.seen} for kind, one in sorted(budget.windows.items())},
        "refused_until": {kind: until for kind, until in sorted(budget.shut.items()) if until > now},
        "today": {name: dataclasses.asdict(one) for name, one in days.get(now.date(), {}).items()},
        "month": {"calls": sum(one.calls for one in spent), "bytes": sum(one.bytes for one in spent)},
    }


def _plain(one: Listed) -> dict[str, Any]:
    verdict, bill = one.verdict, one.bill
    return {
        "key": one.milestone.key,
        "payee": one.milestone.payee,
        "amount": one.milestone.amount,
        "bill_id": one.link.bill_id,
        "bill_number": bill.number if bill else None,
        "bill_status": bill.status if bill else None,
        "paid": one.paid,
        "paid_on": one.paid_on,
        "planned_on": one.planned_on,
        "action": verdict.action if verdict else None,
        "reason": verdict.reason if verdict else None,
    }


def _tell(summary: dict[str, Any], listed: list[Listed], books: Books) -> None:
    swept = moment(books.swept_at, books.zone) if books.swept_at else "never"
    click.echo(
        f"{summary['organisation']} · {books.name or 'not read yet'} · mode {summary['mode']} · last sweep {swept} · "
        f"times in {books.zone}"
    )
    if summary["paused"] is not None:
        click.echo(f"  PAUSED {summary['paused']}; billwatch resume ends it")
    if books.hold:
        click.echo(f"  {books.hold}: {books.hold_detail}")
    click.echo("  " + " · ".join(f"{name} {summary[queue]}" for queue, name in QUEUES.items()))
    if keys := summary["documents_missing"]:
        more = f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
        click.echo(f"  Documents not attached: {', '.join(keys[:MOST_NAMED])}{more}; billwatch explain KEY says why")
    _tell_webhooks(summary, books.zone)
    _tell_mails(summary, books.zone)
    _tell_spending(summary["xero"], books.zone)
    for reason, count in sorted(summary["counts"].items()):
        headline = words(Reason(reason)).headline if reason != "UNDECIDED" else "not decided yet"
        click.echo(f"  {count:>6}  {reason:<20} {headline}")
    if listed:
        click.echo()
        echo_table(
            ("MILESTONE", "PAYEE", "AMOUNT", "BILL", "VERDICT", "REASON"),
            [_row(one, books) for one in listed],
            right={2},
        )


def _tell_webhooks(summary: dict[str, Any], zone: str) -> None:
    heard = summary["heard_at"]
    if heard:
        click.echo(f"  Webhooks: the last one about this organisation was read {moment(heard, zone)}")
    elif summary["webhooks"]:
        click.echo("  Webhooks: none ever came, although a signing key is set; billwatch doctor says what to look at")
    else:
        click.echo("  Webhooks: not set up; the sweep finds what changed")
    if summary["webhooks"] and (gap := summary["webhook_gap"]):
        many, since = number_of(gap["number"], "event"), moment(gap["since"], zone)
        click.echo(f"    {many} did not come, although later ones have since {since}; sweeps read what they told of")


def _tell_mails(summary: dict[str, Any], zone: str) -> None:
    """What is owed, since when, and what stands in the way; nothing when nothing is owed."""
    for one in summary["owed"]:
        if one["what"].startswith("mails"):
            since = f", the oldest since {moment(one['since'], zone)}" if one["since"] else ""
            tried = f"; tried next {moment(one['next_try'], zone)}" if one["next_try"] else ""
            kept = "" if summary["mail_server"] else "; they are kept until [mail] names a server"
            click.echo(f"  Mails: {one['number']} {one['what'].removeprefix('mails ')}{since}{kept or tried}")
    if summary["mail_error"]:
        click.echo(f"    The mail server said last: {plain(summary['mail_error'])}")
    for bounce in summary["refused_addresses"]:
        who, said = bounce["address"], plain(bounce["said"])
        click.echo(f"  Mails to {who} are refused since {moment(bounce['at'], zone)}, and passed on: {said}")


def _tell_spending(xero: dict[str, Any], zone: str) -> None:
    today, month, day = xero["today"], xero["month"], xero["left"].get("day")
    calls, received = (sum(one[what] for one in today.values()) for what in ("calls", "bytes"))
    left = f", {day['calls']} left when last asked" if day else ""
    click.echo(
        f"  Xero: {calls} calls today ({received / 1000:,.0f} kB){left} · "
        f"{month['calls']} this month ({month['bytes'] / 1_000_000:,.1f} MB)"
    )
    by_calls = sorted(today.items(), key=lambda item: -item[1]["calls"])
    if by_calls:
        told = (f"{name} {one['calls']} ({one['bytes'] / 1000:,.0f} kB)" for name, one in by_calls)
        click.echo(f"    {' · '.join(told)}")
    for kind, until in xero["refused_until"].items():
        click.echo(f"    Xero's {kind} limit is used up until {moment(until, zone)}")


def _row(one: Listed, books: Books) -> tuple[str, ...]:
    milestone, bill, verdict = one.milestone, one.bill, one.verdict
    amount = money(milestone.amount, milestone.currency or books.currency)
    state = f"{bill.number} {bill.status}" if bill else "none"
    action, reason = (verdict.action.value, verdict.reason.value) if verdict else ("", "UNDECIDED")
    return milestone.key, milestone.payee, amount, state, action, reason
