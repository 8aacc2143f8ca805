"""Whether Xero's webhooks come, and all of them; a door that would let them in proves nothing about that."""

import datetime as dt

from billwatch.config import Config
from billwatch.doctor.findings import Finding, ok, warning
from reconciler.numbering import missing
from reconciler.words import moment, number_of
from storage import Ledger


def last_webhook(config: Config, organisation: str, ledger: Ledger) -> Finding:
    """When the last webhook event about the organisation was read."""
    if not config.xero.webhook_keys:
        return ok("none are set up")
    heard = ledger.census.heard_at([organisation]).get(organisation)
    if heard is None:
        return warning(
            "none ever came, although a signing key is set",
            "At Xero, on the app's page for webhooks: see that the address is right and the status is OK, and have it "
            "send its intent to receive again. Then change a bill.",
        )
    return ok(f"the last one was read {_when(heard, ledger.mirror.books(organisation).zone)}")


def gaps(config: Config, ledger: Ledger, now: dt.datetime) -> Finding:
    """Whether events are missing, by the numbers that Xero gives them."""
    held = ledger.numberings.all().values()
    if not config.xero.webhook_keys or not held:
        return ok("no webhook was counted yet")
    gap = missing(held, now)
    if gap is None:
        return ok(f"none among {number_of(sum(one.requests for one in held), 'request')}")
    return warning(
        f"{number_of(gap.number, 'event')} did not come, although later ones have since {moment(gap.since)}",
        "Nothing is lost, for sweeps read what they told of. If it lasts for hours: look in your web server's log for "
        "requests to /webhooks/xero that were turned away.",
    )


def _when(instant: dt.datetime, zone: str) -> str:
    return moment(instant, zone) + ("" if zone == "UTC" else f" ({zone})")
