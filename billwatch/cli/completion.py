"""`billwatch completion`."""

import click
from click.shell_completion import get_completion_class

NAME, VARIABLE = "billwatch", "_BILLWATCH_COMPLETE"


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what completes commands in your shell.

    Put it where your shell looks for completions, such as ~/.local/share/bash-completion/completions/billwatch.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    click.echo(kind(ctx.find_root().command, {}, NAME, VARIABLE).source())
