"""`billwatch exempt`."""

import datetime as dt

import click

from billwatch.cli.choosing import Day, choose, made, organisation_option, person
from billwatch.cli.failures import Cannot
from billwatch.cli.session import Session, pass_session
from reconciler.reasons import Choose


@click.command(name="exempt")
@click.argument("key")
@click.option("--reason", default="", help="Why; others will read it. Needed unless --end.")
@click.option("--until", type=Day(), help="The last exempt day; for good by default.")
@click.option("--end", is_flag=True, help="End the exemption.")
@organisation_option
@pass_session
def command(session: Session, key: str, reason: str, until: dt.date | None, end: bool, organisation: str) -> None:
    """Take a milestone out of syncing, or back in."""
    if end:
        _end(session, organisation, key)
        return
    choose(session, organisation, key, made(session, Choose.EXEMPT, reason=reason, until=until))


def _end(session: Session, organisation: str, key: str) -> None:
    settings = session.organisation(organisation)
    with session.house() as house:
        if not house.ledger.milestones.end_exemption(settings.key, key, person(), session.now()):
            raise Cannot(f"“{key}” is not exempt.")
        house.cycles[settings.key].turn()
    click.echo(f"{key} is synced again.")
