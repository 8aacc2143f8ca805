"""What has changed between a page that was shown and how things stand now, said of each milestone."""

from collections.abc import Sequence

from receiver.ports import Sheet

CHANGED = "The facts changed since this page was shown. Nothing was done; please look again."
NAMED_AT_MOST = 5


def since_shown(shown: Sequence[str], sheet: Sheet) -> str:
    """The sentences for a page that is out of date; `shown` are (print, key) as its form carried them."""
    before = {key: mark for mark, _, key in (each.partition(" ") for each in shown)}
    here = {decision.case.milestone.key for decision in sheet.items}
    closed = {flag.key: flag.closed_because for flag in sheet.closed}
    gone = [f"{key} ({closed[key]})" if closed.get(key) else key for key in before if key not in here]
    moved = [key for key, mark in before.items() if key in here and sheet.prints.get(key, mark) != mark]
    new = sorted(here - set(before)) if before else []
    told = [("Not open any more", gone), ("Changed", moved), ("New", new)]
    return " ".join([CHANGED, *(f"{what}: {_listed(keys)}." for what, keys in told if keys)])


def _listed(keys: Sequence[str]) -> str:
    rest = len(keys) - NAMED_AT_MOST
    return ", ".join(keys[:NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")
