"""`billwatch demo`."""

import threading

import click


@click.command(name="demo")
@click.option("--exit", "leave", is_flag=True, help="Leave at the end; exit code 0 only if every step held.")
def command(leave: bool) -> None:
    """Watch the whole job happen, against a small Xero.

    Sandbox, mail server and daemon run on this machine, over real sockets; each step is checked as it goes.
    """
    from billwatch.demo.stage import Stage
    from billwatch.demo.story import play
    from billwatch.demo.telling import Teller
    from billwatch.logs import quiet
    from reconciler.words import number_of

    quiet()
    tell = Teller()
    click.echo("A small Xero, a mail server and the billwatch daemon start on this machine.")
    with Stage() as stage:
        play(stage, tell)
        tell.ends(stage, leaving=leave)
        if not leave:
            click.echo("Ctrl-C ends the demo.")
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                click.echo()
    if tell.failed:
        raise click.ClickException(f"{number_of(tell.failed, 'step')} did not hold.")
