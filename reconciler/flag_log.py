"""A line in the log for each flag that opens or closes; lines about its mails name the same flag."""

import structlog

from reconciler.milestone_port import Applied
from reconciler.records import Flag

log = structlog.get_logger(__name__)


def tell(applied: Applied) -> None:
    """Log what came of applying decisions."""
    for flag in applied.opened:
        log.info("flag opened", **_of(flag))
    for flag in applied.closed:
        log.info("flag closed", **_of(flag), why=flag.closed_because)


def _of(flag: Flag) -> dict[str, str | int]:
    return {
        "organisation": flag.organisation,
        "milestone": flag.key,
        "reason": flag.reason.value,
        "flag": flag.flag_id,
    }
