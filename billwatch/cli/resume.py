"""`billwatch resume`."""

import click

from billwatch.cli.session import Session, pass_session
from reconciler.cycle import paused


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
    with session.house() as house:
        for key in session.keys(organisation):
            was = house.ledger.state.get(paused(key))
            house.ledger.state.put(paused(key), None)
            house.ledger.milestones.touch(key)
            if confirmed:
                house.cycles[key].confirm()
            held = "; what was held goes ahead" if confirmed else ""
            click.echo(f"{key} is resumed{held}." if was else f"{key} was not paused{held}.")
