"""`billwatch adopt`."""

from collections.abc import Sequence
from typing import Any

import click

from billwatch.cli.choosing import made, organisation_option
from billwatch.cli.failures import Cannot
from billwatch.cli.output import echo_json, json_option, plain
from billwatch.cli.session import Session, pass_session
from billwatch.wiring import House
from reconciler.matching import Match, matchable, matches, reason_in_words
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Choose
from reconciler.words import bill_state, day, explain, money


@click.command(name="adopt")
@organisation_option
@click.option("--yes", is_flag=True, help="Link those that are sure, without asking; leave the others.")
@json_option
@pass_session
def command(session: Session, organisation: str, yes: bool, as_json: bool) -> None:
    """Tie milestones to bills that are in Xero already.

    Xero is read, and for each milestone without a bill that is to be billed, the bills that may be its own are shown;
    each is linked once you say so. Nothing is written to Xero for it.
    """
    settings = session.organisation(organisation)
    with session.house() as house:
        found, books = _found(house, settings.key)
        ours = house.organisations[settings.key]
        if as_json or yes:
            chosen = {match.key: match.bill.bill_id for match in found if match.sure and yes}
        else:
            chosen = _asked(found, ours, books)
        linked, left = _link(session, house, settings.key, chosen)
        if as_json:
            told = [_plain(match, ours, books) for match in found]
            echo_json({"organisation": settings.key, "proposals": told, "linked": linked, "not_linked": left})
        else:
            _tell(found, linked, left)


def _found(house: House, key: str) -> tuple[list[Match], Books]:
    """The proposals on what Xero holds now. Raises `Cannot` when Xero cannot be read."""
    cycle = house.cycle(key)
    cycle.rehearse()
    books, trouble = house.ledger.mirror.books(key), cycle.reader.trouble
    if trouble or books.hold:
        raise Cannot(f"Xero could not be read: {trouble or books.hold_detail}")
    near = cycle.organisation.policy.near_days
    cases = (case for case in house.ledger.milestones.stream(key, near) if matchable(case, cycle.organisation))
    return matches(cases, house.ledger.overview.unfollowed(key), cycle.organisation, books), books


def _asked(found: Sequence[Match], organisation: Organisation, books: Books) -> dict[str, str]:
    """What a person confirms, one by one; a milestone or bill that is taken is not asked about again."""
    chosen: dict[str, str] = {}
    for match in found:
        if match.key in chosen or match.bill.bill_id in chosen.values():
            continue
        _show(match, organisation, books)
        answer = click.prompt("Link them?", type=click.Choice(["y", "n", "q"]), default="y" if match.sure else "n")
        if answer == "q":
            break
        if answer == "y":
            chosen[match.key] = match.bill.bill_id
    return chosen


def _link(session: Session, house: House, key: str, chosen: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """The reasons under which those now stand that were linked, and the keys of those that could not be."""
    if not chosen:
        return {}, []
    done, left = house.desk.adopt(key, chosen, made(session, Choose.LINK))
    books = house.cycle(key).books()
    return {d.case.milestone.key: f"{d.verdict.reason}. {explain(d, books)}" for d in done.items}, left


def _show(match: Match, organisation: Organisation, books: Books) -> None:
    milestone, bill = match.case.milestone, match.bill
    amount = money(milestone.amount, milestone.currency or organisation.currency or books.currency)
    number = bill.number or bill.bill_id
    click.echo()
    click.echo(plain(f"Milestone  {milestone.key} · {milestone.payee} · {amount} · {day(milestone.date)}"))
    click.echo(
        plain(
            f"Bill       {number} · {bill.contact_name} · {money(bill.total, bill.currency)} · {day(bill.date)} · "
            f"{bill_state(bill)}"
        )
    )
    click.echo(plain(f"{_how_sure(match):<10} {reason_in_words(match, organisation, books)}"))


def _how_sure(match: Match) -> str:
    return "Sure" if match.sure else "Perhaps"


def _tell(found: Sequence[Match], linked: dict[str, str], left: Sequence[str]) -> None:
    for key, stands in linked.items():
        click.echo(f"{key}: {stands}")
    for key in left:
        click.echo(f"{key} was left as it is: it, or that bill, is linked already.", err=True)
    if not found:
        click.echo("No bill in Xero that nobody follows fits a milestone without one.")
        return
    unsure = sum(not match.sure for match in found)
    click.echo(f"{len(linked)} linked; {len(found)} proposed, {unsure} of them not sure.")


def _plain(match: Match, organisation: Organisation, books: Books) -> dict[str, Any]:
    bill = match.bill
    return {
        "key": match.key,
        "bill_id": bill.bill_id,
        "bill_number": bill.number,
        "bill_status": bill.status,
        "sure": match.sure,
        "same": sorted(match.grounds),
        "why": reason_in_words(match, organisation, books),
    }
