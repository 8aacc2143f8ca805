"""Whether a person's consent is used often enough to stay; looked at before the doctor himself uses it."""

import datetime as dt

from billwatch.config import Config
from billwatch.doctor.findings import Finding, ok, warning
from billwatch.organisation import Organisation
from reconciler.errors import BillwatchError
from reconciler.words import moment
from reconciler.xero.connections import Connections
from reconciler.xero.tokens import UNUSED


def consent(config: Config, settings: Organisation, connections: Connections, now: dt.datetime) -> Finding:
    """When the consent was used last, and whether it is about to end."""
    if settings.grant == "client_credentials":
        return ok("a custom connection has none that could end")
    try:
        lapses = connections.tokens(config.connection(settings.key)).lapses_at()
    except BillwatchError:
        lapses = None
    if lapses is None:
        return ok("none was given yet")
    used = f"was used last on {moment(lapses - UNUSED)}"
    if now < lapses - dt.timedelta(days=config.watch.consent_days or 1):
        return ok(f"{used}; it ends where nothing uses it for {UNUSED.days} days")
    return warning(
        f"{used}, and ends on {moment(lapses)} unless something uses it before",
        "Keep billwatch serve running. If Xero still accepts it, this look has just used it; if not: "
        f"billwatch connect --organisation {settings.key}.",
    )
