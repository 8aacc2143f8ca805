"""`billwatch link`."""

import click

from billwatch.cli.choosing import made, organisation_option
from billwatch.cli.session import Session, pass_session
from reconciler.reasons import Choose
from reconciler.words import explain


@click.command(name="link")
@click.argument("key")
@click.argument("bill")
@organisation_option
@pass_session
def command(session: Session, key: str, bill: str, organisation: str) -> None:
    """Tie a milestone to a bill that exists in Xero.

    The bill is named by its number or id; linking writes nothing to Xero.
    """
    settings = session.organisation(organisation)
    with session.house() as house:
        done = house.desk.link(settings.key, key, bill, made(session, Choose.LINK))
        books = house.cycles[settings.key].books()
        for decision in done.items:
            click.echo(f"{key}: {decision.verdict.action} {decision.verdict.reason}. {explain(decision, books)}")
