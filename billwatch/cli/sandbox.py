"""`billwatch sandbox`."""

import click

from billwatch.sandbox.known import MAIL_PORT, ORGANISATION, WEBHOOK_KEY, WEBHOOK_URL


@click.command(name="sandbox")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=9900, show_default=True)
@click.option("--organisation", "organisations", multiple=True, default=(ORGANISATION,), show_default=True)
@click.option(
    "--country",
    type=click.Choice(["NZ", "GB", "AU", "US"]),
    default="NZ",
    show_default=True,
    help="Whose tax rates and currency.",
)
@click.option("--webhook-url", default=WEBHOOK_URL, show_default=True, help="Where webhooks go; '' for nowhere.")
@click.option("--webhook-key", default=WEBHOOK_KEY, show_default=True, help="The key that signs them.")
@click.option(
    "--mail-port",
    type=click.IntRange(0, 65535),
    default=MAIL_PORT,
    show_default=True,
    help="Where mails are taken, to be shown here; 0 for nowhere.",
)
@click.option("--speed", default=1.0, show_default=True, help="How many times faster webhooks are retried.")
def command(
    host: str,
    port: int,
    organisations: tuple[str, ...],
    country: str,
    webhook_url: str,
    webhook_key: str,
    mail_port: int,
    speed: float,
) -> None:
    """Run a small Xero to try things on.

    It has a page on which a person can approve, pay, void and lock, and see the webhooks leave. Mails that
    are sent to it are shown here. Its ids and secrets are
    the same at every start and known to everybody; what it holds is gone when it ends.
    """
    from billwatch.sandbox.by_hand import run

    run(
        host,
        port,
        organisations=organisations,
        country=country,
        webhook_url=webhook_url,
        webhook_key=webhook_key,
        speed=speed,
        mail_port=mail_port,
    )
