"""The command line. Only click is imported here, so that help comes at once; a command's module loads when it runs.

To add a command: its module beside this one, holding a click command named `command`, and one line in `COMMANDS`.
"""

import difflib
import importlib
from pathlib import Path
from typing import Any

import click

COMMANDS = {
    "demo": ("demo", "Watch the whole job happen, against a small Xero."),
    "init": ("init", "Write a configuration with fresh keys."),
    "connect": ("connect", "Connect to organisations in Xero."),
    "connections": ("connections", "List the organisations that billwatch can reach in Xero."),
    "doctor": ("doctor", "Check that everything is set up as it must be."),
    "backup": ("backup", "Copy the database into FILE while the daemon runs."),
    "migrate-storage": ("migrate_storage", "Copy the database to another place, and see that all of it arrived."),
    "export": ("export", "Write everything that is kept into open files."),
    "restore": ("restore", 'Put a copy made by "billwatch backup" in place of the database.'),
    "keys": ("keys", "List, make, revoke and exchange keys."),
    "hooks": ("hooks", "Look after endpoints that hear what became known."),
    "password": ("password", "Make the hash of a password for the dashboard."),
    "serve": ("serve", "Run the daemon."),
    "sandbox": ("sandbox", "Run a small Xero to try things on."),
    "import": ("import_", "Take milestones in from a CSV or JSON lines file."),
    "reconcile": ("reconcile", "Read Xero, decide, and sync what is to be synced."),
    "status": ("status", "Show how milestones and bills stand."),
    "explain": ("explain", "Say how one milestone stands, and why."),
    "forecast": ("forecast", "Say what a lock date would hold up."),
    "mail": ("mail", "Look at the mails of today, or send one to try it."),
    "resync": ("resync", "Sync a milestone once its cause is resolved."),
    "exempt": ("exempt", "Take a milestone out of syncing, or back in."),
    "adopt": ("adopt", "Tie milestones to bills that are in Xero already."),
    "link": ("link", "Tie a milestone to a bill that exists in Xero."),
    "pause": ("pause", "Stop writing to Xero at once."),
    "resume": ("resume", "Write to Xero again."),
    "completion": ("completion", "Print what completes commands in your shell."),
}


class Commands(click.Group):
    """Commands by the table above; whatever goes wrong becomes one sentence and an exit code."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, loaded now."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"billwatch.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names; a misspelt one is told with what was probably meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if not close:
                raise
            meant = f'There is no command "{args[0]}"; did you mean "{close[0]}"?'
            raise click.UsageError(meant, error.ctx) from None

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error that it does not handle is told as one sentence."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:
            if ctx.params["debug"]:
                raise
            from billwatch.cli.failures import told

            raise told(error) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default="billwatch.toml",
    envvar="BILLWATCH_CONFIG",
    show_default=True,
    show_envvar=True,
    help="The configuration file.",
)
@click.option("--debug", is_flag=True, help="Show where an unexpected error came from.")
@click.version_option(package_name="billwatch", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context, config: Path, debug: bool) -> None:  # noqa: ARG001 -- read where errors are told
    """Keep grant milestones and their bills in step."""
    if ctx.obj is None:
        from billwatch.cli.session import Session

        ctx.obj = Session(config)
