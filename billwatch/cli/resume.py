"""`billwatch resume`."""

import datetime as dt

import click

from billwatch.cli.session import Session, pass_session
from reconciler.cycle import go_ahead, paused
from reconciler.reading import missing_accepted


@click.command(name="resume")
@click.argument("organisation", default="")
@click.option(
    "--go-ahead", "confirmed", is_flag=True, help="Also confirm what was held: caps for an hour, missing bills."
)
@pass_session
def command(session: Session, organisation: str, confirmed: bool) -> None:
    """Write to Xero again.

    For one organisation or for all.
    """
    with session.ledger() as ledger:
        for key in session.keys(organisation):
            ledger.state.put(paused(key), None)
            if confirmed:
                ledger.state.put(go_ahead(key), (session.now() + dt.timedelta(hours=1)).isoformat())
                ledger.state.put(missing_accepted(key), str(ledger.mirror.missing_count(key)))
            ledger.milestones.touch(key)
            click.echo(f"{key} is not paused.")
