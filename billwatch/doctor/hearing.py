"""Whether Xero's webhooks come at all; a door that would let them in proves nothing about that."""

import datetime as dt

from billwatch.config import Config
from billwatch.doctor.findings import Finding, ok, warning
from reconciler.words import moment
from storage import Ledger


def last_webhook(config: Config, organisation: str, ledger: Ledger) -> Finding:
    """When the last webhook event about the organisation was read."""
    if not config.xero.webhook_keys:
        return ok("none are set up")
    heard = ledger.listing.heard_at(organisation)
    if heard is None:
        return warning(
            "none ever came, although a signing key is set",
            "At Xero, on the app's page for webhooks: see that the address is right and the status is OK, and have it "
            "send its intent to receive again. Then change a bill.",
        )
    return ok(f"the last one was read {_when(heard, ledger.mirror.books(organisation).zone)}")


def _when(instant: dt.datetime, zone: str) -> str:
    return moment(instant, zone) + ("" if zone == "UTC" else f" ({zone})")
