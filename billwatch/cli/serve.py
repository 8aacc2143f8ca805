"""`billwatch serve`."""

import click

from billwatch.cli.session import Session, pass_session


@click.command(name="serve")
@click.option("--log", "form", type=click.Choice(["pretty", "json"]), help="Default: pretty on a terminal, else json.")
@click.option("--verbose", is_flag=True, help="Log every call to Xero too.")
@click.option(
    "--role",
    type=click.Choice(["all", "receiver", "reconciler"]),
    default="all",
    help="What this process does of the work, where several share a database. Default: all.",
)
@pass_session
def command(session: Session, form: str | None, verbose: bool, role: str) -> None:
    """Run the daemon.

    It receives webhooks, keeps milestones and bills in step, and sends mails.
    """
    from billwatch.daemon import Daemon, Role
    from billwatch.logs import configure
    from reconciler.words import number_of

    config = session.complete()
    configure(form, verbose=verbose)
    with session.house() as house:
        daemon = Daemon(house, Role(role))
        click.echo(
            f"billwatch at {daemon.url} · {number_of(len(config.organisation), 'organisation')} · Ctrl-C stops it",
            err=True,
        )
        daemon.run()
