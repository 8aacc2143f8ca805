"""`billwatch password`."""

import click

from billwatch.cli.asking import secret
from billwatch.cli.failures import Cannot
from receiver.dashboard.passwords import LONGEST, hashed

SHORTEST = 12


@click.command(name="password")
def command() -> None:
    """Make the hash of a password for the dashboard.

    Asks for the password twice and prints the hash; put it into the configuration as password_hash. Nothing is kept.
    """
    password = secret("Password", again="Once more")
    if not SHORTEST <= len(password) <= LONGEST:
        raise Cannot(f"A password needs at least {SHORTEST} characters. A few unusual words do well.")
    click.echo(hashed(password))
