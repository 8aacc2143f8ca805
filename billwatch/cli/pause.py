"""`billwatch pause`."""

import click

from billwatch.cli.choosing import person
from billwatch.cli.session import Session, pass_session
from reconciler.cycle import paused
from reconciler.words import moment


@click.command(name="pause")
@click.argument("organisation", default="")
@pass_session
def command(session: Session, organisation: str) -> None:
    """Stop writing to Xero at once.

    For one organisation or for all; reading goes on.
    """
    with session.ledger() as ledger:
        for key in session.keys(organisation):
            zone = ledger.mirror.books(key).zone
            named = "" if zone == "UTC" else f" in {zone}"
            ledger.state.put(paused(key), f"since {moment(session.now(), zone)}{named} by {person()}")
            ledger.milestones.touch(key)
            click.echo(f'{key} is paused; "billwatch resume {key}" ends it.')
