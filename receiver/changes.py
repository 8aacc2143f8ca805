"""What has changed between a page that was shown and how things stand now, said of each milestone."""

from collections.abc import Sequence

from receiver.ports import Sheet

CHANGED = "The facts changed since this page was shown. Nothing was done; please look again."
NAMED_AT_MOST = 5


def since_shown(shown: Sequence[str], sheet: Sheet, alone: str | None = None) -> str:
    """The sentences for a page that is out of date; `shown` are (print, key) as its form carried them.

    What is beside the one milestone that it was `alone` about is not new.
    """
    before = {key: mark for mark, _, key in (each.partition(" ") for each in shown)}
    here = {decision.case.milestone.key for decision in sheet.items}
    gone = [_gone(key, sheet) for key in before if key not in here]
    moved = [key for key, mark in before.items() if key in here and sheet.prints.get(key, mark) != mark]
    new = sorted(here - set(before)) if before and alone is None else []
    told = [("Not open any more", gone), ("Changed", moved), ("New", new)]
    return " ".join([CHANGED, *(f"{what}: {_listed(keys)}." for what, keys in told if keys)])


def not_here(key: str | None, sheet: Sheet) -> str:
    """Why the page is not about the milestone that its address names; empty when it is, or the address names none."""
    if key is None or key in {decision.case.milestone.key for decision in sheet.items}:
        return ""
    if key in {flag.key for flag in sheet.closed}:
        return f"Not open any more: {_gone(key, sheet)}. Here is what is still open of the mail."
    return "The mail was not about the milestone that this address names. Here is what it was about."


def _gone(key: str, sheet: Sheet) -> str:
    because = next((flag.closed_because for flag in sheet.closed if flag.key == key and flag.closed_because), "")
    return f"{key} ({because})" if because else key


def _listed(keys: Sequence[str]) -> str:
    rest = len(keys) - NAMED_AT_MOST
    return ", ".join(keys[:NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")
