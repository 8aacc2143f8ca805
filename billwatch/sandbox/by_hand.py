"""The sandbox that a person starts: it says how to use it, and tries the webhook check until it passes."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence

import click

from billwatch.sandbox.app import create_app, create_desk
from billwatch.sandbox.desk import Desk
from billwatch.sandbox.handle import Org
from billwatch.sandbox.mailbox import Mailbox
from billwatch.sandbox.server import listener, real_clock, server_of
from billwatch.sandbox.webhooks import OK, REQUIRED, Webhooks

CHECK_AGAIN_SECONDS = 5.0


def run(
    host: str,
    port: int,
    *,
    webhook_url: str,
    webhook_key: str,
    organisations: Sequence[str],
    country: str,
    speed: float,
    mail_port: int,
) -> None:
    """Serve until interrupted; with a webhook URL the check of intent to receive runs until it has passed once.

    `speed` makes webhook retries come that many times sooner. With a `mail_port`, mails are taken there and shown.
    """
    sockets = [_listening(host, port)]
    desk = create_desk(real_clock, known=True)
    made = [desk.organisation(name, country=country) for name in dict.fromkeys(organisations)]
    desk.webhooks.set(speed=speed)
    desk.webhooks.configure(webhook_url, webhook_key)
    click.echo(greeting(desk, f"http://{host}:{sockets[0].getsockname()[1]}", made, webhook_key))
    checking = Checking(desk.webhooks, click.echo)
    desk.webhooks.start()
    checking.start()
    with contextlib.suppress(KeyboardInterrupt), taking_mails(host, mail_port, click.echo):
        server_of(create_app(desk)).run(sockets=sockets)
    checking.stop()
    desk.webhooks.stop()


@contextlib.contextmanager
def taking_mails(host: str, port: int, say: Callable[[str], None]) -> Iterator[None]:
    """Show mails meanwhile; a port that is taken leaves the rest of the sandbox as it is."""
    mailbox = Mailbox(host, port, say)
    try:
        if port:
            mailbox.start()
            say(f"mails: what comes to {host}:{mailbox.port} is shown here")
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        say(f"mails: none are taken, since {host}:{port} is not to be had ({why}); choose another --mail-port")
    try:
        yield
    finally:
        mailbox.stop()


class Checking:
    """Sends the intent to receive, as a person would on Xero's page, again and again until it was answered rightly.

    `say` hears each new outcome, not each try.
    """

    def __init__(self, webhooks: Webhooks, say: Callable[[str], None], every: float = CHECK_AGAIN_SECONDS) -> None:
        self._webhooks, self._say, self._every = webhooks, say, every
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sandbox-intent", daemon=True)

    def start(self) -> None:
        """Begin, unless there is nowhere to send webhooks to."""
        if self._webhooks.url:
            self._thread.start()

    def stop(self) -> None:
        """Send no more; waits for a check under way."""
        self._halt.set()
        if self._thread.is_alive():
            self._thread.join(4 * self._webhooks.manners.patience)

    def _work(self) -> None:
        said = ""
        # A person may have had it checked on the page meanwhile.
        while self._webhooks.status == REQUIRED and not self._halt.is_set():
            outcome = self._webhooks.enable()
            if outcome != said:
                self._say(self._told(outcome))
            said = outcome
            if outcome != OK:
                self._halt.wait(self._every)

    def _told(self, outcome: str) -> str:
        if outcome == OK:
            return f"webhooks: {self._webhooks.url} passed the check; events go there from now on"
        return (
            f"webhooks: {self._webhooks.url} did not pass the check ({outcome}); "
            f"it is sent again every {self._every:g} seconds until it passes"
        )


def greeting(desk: Desk, url: str, made: Sequence[Org], webhook_key: str) -> str:
    """How to use this sandbox, with what to paste into billwatch.toml."""
    parts = [
        f"sandbox at {url}: a small Xero to try things on. Open it in a browser to approve, pay, void and lock.",
        "Its keys are known to everybody: use them for trying only. What it holds is gone when it ends.",
        'For a first try, "billwatch init --sandbox" writes all this. By hand, into billwatch.toml:',
        _addresses(url),
        *map(_organisation, made),
        f"secrets/client-secret holds  {made[0].client_secret}",
        *([f"secrets/webhook-key holds    {webhook_key}"] if webhook_key else []),
        f'An app for consent, grant = "refresh_token": client id {desk.client_id}, and the same client secret.',
    ]
    return "\n".join(parts)


def _addresses(url: str) -> str:
    names = ("api_url", "identity_url", "login_url")
    lines = ["", "[xero]", *(f'{name} = "{url}"' for name in names), 'webhook_keys = ["file:secrets/webhook-key"]']
    return "\n".join(lines)


def _organisation(org: Org) -> str:
    return f"""
[[organisation]]    # {org.books.name}
client_id = "{org.client_id}"
client_secret = "file:secrets/client-secret"
tenant_id = "{org.tenant_id}"
"""


def _listening(host: str, port: int) -> socket.socket:
    try:
        return listener(host, port)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise click.ClickException(
            f"Cannot listen on {host}:{port}: {reason}. Choose another --port or --host."
        ) from None
