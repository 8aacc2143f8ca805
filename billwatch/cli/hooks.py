"""`billwatch hooks`."""

import click

from billwatch.cli.failures import Cannot
from billwatch.cli.output import echo_table, plain
from billwatch.cli.session import Session, pass_session
from reconciler.callers import new_hook_secret
from reconciler.words import moment, number_of

ACTIONS = ("list", "secret", "test", "replay", "on")


@click.command(name="hooks")
@click.argument("action", type=click.Choice(ACTIONS), default="list")
@click.option("--name", default="", metavar="NAME", help="Which endpoint; needed when there are several.")
@click.option(
    "--after", type=click.IntRange(min=0), default=0, help="replay: events after this cursor; all by default."
)
@pass_session
def command(session: Session, action: str, name: str, after: int) -> None:
    """Look after endpoints that hear what became known.

    \b
    list    how each endpoint does, and what is owed to it
    secret  print a new secret to sign events with
    test    send an endpoint an event that means nothing, and say what it answers
    replay  send events again, also those that were given up
    on      send again to an endpoint that was switched off
    """
    if action == "secret":
        click.echo(new_hook_secret())
    elif action == "list":
        _list(session)
    else:
        {"test": _test, "replay": _replay, "on": _on}[action](session, _named(session, name), after)


def _named(session: Session, name: str) -> str:
    names = [hook.name for hook in session.config.hook]
    if name in names:
        return name
    if name or len(names) != 1:
        told = f"there is no endpoint “{name}”" if name else "say which endpoint with --name"
        raise click.UsageError(f"{told}; the configuration has {', '.join(names) or 'none'}.".capitalize())
    return names[0]


def _list(session: Session) -> None:
    with session.view() as ledger:
        states = {hook.name: ledger.hooks.state(hook.name) for hook in session.config.hook}
    rows = []
    for name, state in states.items():
        if state is None:
            rows.append((name, "not looked at yet", "0", "0", ""))
        else:
            how = f"off since {moment(state.off_at)}: {state.off_because}" if state.off_at else "on"
            if state.failing_since and not state.off_at:
                how = f"failing since {moment(state.failing_since)}"
            rows.append((name, how, str(state.owed), str(state.given_up), plain(state.said)))
    if rows:
        echo_table(("ENDPOINT", "STATE", "OWED", "GIVEN UP", "SAID LAST"), rows, right={2, 3})
    else:
        click.echo("There are no endpoints; [[hook]] of the configuration names them.")


def _test(session: Session, name: str, _after: int) -> None:
    from billwatch.wiring import endpoint_of
    from notify.hooks import Refused, probe

    (hook,) = [hook for hook in session.complete().hook if hook.name == name]
    try:
        said = probe(endpoint_of(hook, []), session.now())
    except Refused as refused:
        raise Cannot(f"{hook.url} did not take it: {refused}") from None
    click.echo(f"{hook.url} took it: {said}")


def _replay(session: Session, name: str, after: int) -> None:
    with session.ledger() as ledger:
        number = ledger.hooks.replay(name, after, session.now())
    owed = f"{number_of(number, 'event')} {'is' if number == 1 else 'are'} owed to {name} again"
    click.echo(f"{owed}; a running daemon sends {'it' if number == 1 else 'them'} now.")


def _on(session: Session, name: str, _after: int) -> None:
    with session.ledger() as ledger:
        if not ledger.hooks.switch_on(name):
            raise Cannot(f"{name} was not switched off.")
    click.echo(f"{name} is on again; what was kept for it is sent now.")
