"""The keys of programs that call billwatch: made, listed and revoked by `billwatch keys`."""

from collections.abc import Sequence

import click

from billwatch.cli.failures import Cannot
from billwatch.cli.output import echo_table
from billwatch.cli.session import Session
from reconciler.callers import ApiKey, Scope, new_key, scopes_in_words
from reconciler.tickets import token_hash
from reconciler.words import moment

LONGEST_NAME = 100


def make(session: Session, name: str, organisations: Sequence[str], scopes: Sequence[str]) -> None:
    """Make a key, and print it: this once, since only its hash is kept."""
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise click.UsageError(f"Say whose key it is, with --name and 1 to {LONGEST_NAME} characters.")
    reached = [session.organisation(key).key for key in organisations]
    chosen = {Scope(each) for each in scopes} or {Scope.READ, Scope.WRITE}
    key = new_key()
    with session.ledger() as ledger:
        if not ledger.apikeys.make(name, chosen, reached or None, token_hash(key), session.now()):
            raise Cannot(f'There is a key of the name "{name}"; revoke it first, or choose another name.')
    click.echo(key)
    reach = ", ".join(reached) or "every organisation"
    click.echo(f"“{name}” may {scopes_in_words(chosen)}: {reach}. Keep the key, it is not shown again.", err=True)


def revoke(session: Session, name: str) -> None:
    """End a key at once."""
    if not name:
        raise click.UsageError('Say whose key it is, with --name; "billwatch keys list" names those there are.')
    with session.ledger() as ledger:
        if not ledger.apikeys.revoke(name, session.now()):
            raise Cannot(f'There is no key of the name "{name}"; "billwatch keys list" names those there are.')
    click.echo(f"“{name}” is revoked; whoever uses it is refused from now on.")


def show(keys: Sequence[ApiKey]) -> None:
    """List the keys, revoked ones included."""
    if keys:
        click.echo()
        echo_table(("KEY OF", "MAY", "ORGANISATIONS", "MADE", "LAST USED", "REVOKED"), [_row(key) for key in keys])


def _row(key: ApiKey) -> tuple[str, ...]:
    return (
        key.name,
        scopes_in_words(key.scopes),
        "all" if key.organisations is None else ", ".join(key.organisations),
        moment(key.made_at),
        moment(key.used_at) if key.used_at else "never",
        moment(key.revoked_at) if key.revoked_at else "",
    )
