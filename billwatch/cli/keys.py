"""`billwatch keys`."""

from typing import TYPE_CHECKING

import click

from billwatch.cli.session import Session, pass_session
from reconciler.callers import Scope
from reconciler.words import number_of

if TYPE_CHECKING:
    from billwatch.secret import Secret

ACTIONS = ("list", "new", "revoke", "rotate", "reseal", "retire")
KINDS = ("encryption", "links", "webhooks")


@click.command(name="keys")
@click.argument("action", type=click.Choice(ACTIONS), default="list")
@click.option("--kind", type=click.Choice(KINDS), default="encryption", show_default=True, help="Which keys.")
@click.option("--name", default="", metavar="NAME", help="new, revoke: whose key it is, such as Platform.")
@click.option("--organisation", multiple=True, metavar="KEY", help="new: what the key reaches; all by default.")
@click.option(
    "--scope",
    multiple=True,
    type=click.Choice([each.value for each in Scope]),
    help="new: what it allows; read and write by default.",
)
@pass_session
def command(
    session: Session, action: str, kind: str, name: str, organisation: tuple[str, ...], scope: tuple[str, ...]
) -> None:
    """List, make, revoke and exchange keys.

    \b
    list    where our keys are and how many (never the keys themselves), and whose keys programs have
    new     make a key for a program that calls us, and print it
    revoke  end such a key
    rotate  put a fresh key in front; Xero's tokens are encrypted anew with it
    reseal  encrypt Xero's tokens anew with the newest key
    retire  let go of all keys but the newest

    A webhook's key comes from Xero: rotate asks for it, and both are accepted until retire.
    """
    from billwatch.cli.programs import make, revoke

    if action == "new":
        make(session, name, organisation, scope)
    elif action == "revoke":
        revoke(session, name)
    else:
        {"list": _list, "rotate": _rotate, "reseal": _reseal, "retire": _retire}[action](session, kind)


def _list(session: Session, _kind: str) -> None:
    from billwatch.cli.programs import show
    from billwatch.secret import KeyRing

    config = session.complete()
    for kind, secrets in _places(session).items():
        places = ", ".join(secret.reference for secret in secrets) or "none"
        click.echo(f"{kind:<11} {len(KeyRing(secrets))} in {places}")
    with session.ledger() as ledger:
        click.echo(
            f"Xero's tokens of {number_of(len(ledger.tokens.names()), 'connection')} are kept in {config.storage.url}."
        )
        show(ledger.apikeys.listed())


def _rotate(session: Session, kind: str) -> None:
    from billwatch.cli.asking import secret
    from billwatch.initialise import fresh_key
    from billwatch.rotation import put_first

    secrets = _places(session)[kind]
    fresh = secret("The new signing key, as Xero shows it") if kind == "webhooks" else fresh_key()
    path = put_first(kind, secrets, fresh.strip())
    click.echo(f"A new key stands first in {path}; the old one still opens what is old.")
    if kind == "encryption":
        _reseal(session, kind)
    click.echo(_AFTER[kind])


def _reseal(session: Session, _kind: str) -> None:
    from billwatch.cli.failures import Cannot
    from billwatch.rotation import reseal
    from billwatch.secret import KeyRing
    from reconciler.xero.tokens import Seal

    with session.ledger() as ledger:
        done, closed = reseal(ledger.tokens, Seal(KeyRing(_places(session)["encryption"])))
    click.echo(f"Xero's tokens of {number_of(done, 'connection')} {'was' if done == 1 else 'were'} encrypted anew.")
    if closed:
        raise Cannot(f"None of the keys opens the tokens of {', '.join(closed)}: connect again with billwatch connect.")


def _retire(session: Session, kind: str) -> None:
    from billwatch.rotation import keep_first

    if kind == "encryption":
        _reseal(session, kind)
    path, gone = keep_first(kind, _places(session)[kind])
    taken = f"{number_of(gone, 'old key')} {'was' if gone == 1 else 'were'} taken out of {path}."
    click.echo(taken if gone else f"There is only one key in {path}.")
    if gone and kind == "encryption":
        click.echo("A backup made before is of no use without the old key: keep that key with it, away from here.")


def _places(session: Session) -> "dict[str, tuple[Secret, ...]]":
    config = session.complete()
    return {
        "encryption": config.keys.encryption,
        "links": config.keys.links,
        "webhooks": config.xero.webhook_keys,
    }


_AFTER = {
    "encryption": 'A running daemon has taken it up. "billwatch keys retire" lets go of the old one.',
    "links": "Links that were mailed still work. Restart the daemon, so that logins are signed with it, too.",
    "webhooks": 'Both keys are accepted from now on. Once Xero signs with the new one: "billwatch keys retire'
    ' --kind webhooks".',
}
