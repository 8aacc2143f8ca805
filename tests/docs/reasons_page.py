"""Writes `docs/reasons.md` from the code: `.venv/bin/python tests/docs/reasons_page.py`; a test says when to."""

import re
from collections.abc import Iterator
from pathlib import Path

from reconciler.cycle import ALERTS
from reconciler.reasons import WORDS, Action, Choose, Reason, Role, Words
from reconciler.words import CHOICE_LABELS, EFFECTS

PAGE = Path(__file__).parents[2] / "docs" / "reasons.md"
HEAD = """\
<!-- Written by tests/docs/reasons_page.py from reconciler/reasons.py. Change it there. -->
# Every reason

A verdict is an action and a reason. The words below are those of mails, pages and commands. Square brackets stand for
what is filled in: [lock date] becomes 31 October 2026. [How billwatch decides](deciding.md) says in which order the
reasons are asked.
"""
ACTIONS = {
    Action.FLAG: "A person is asked. A flag opens, and a mail goes to those named. Nothing is written. "
    "The flag closes by itself once its cause is gone.",
    Action.HOLD: "billwatch cannot know, or may not act now. It waits and tries again. Open flags stay open.",
    Action.SKIP: "Nothing needs doing. Nobody is mailed.",
    Action.SYNC: "The bill is written to Xero, read back and compared.",
}
CHOICES = """\
## The choices

A page, and `billwatch explain`, offer only the choices that lead somewhere: no other date for a bill that is approved;
no overwriting of it unless the policy `approved_bills` is `"update"`, and never once money was applied to it. A choice
writes nothing to Xero itself. It is recorded, and the milestone is decided again.
"""
SHOWN = {
    "change": "[Where the milestone is more now: bill the difference with a second bill, or keep the bill as it is. "
    "Where it is less: enter a credit note in Xero, if money is to come back, and keep the bill. Else keep the bill as "
    "it is, or change it by hand in Xero.]",
    "until": " [until its last day]",
    "message": " ([details])",
    "bill_total": "[bill's total]",
    "lock": "[lock date]",
    "number": "[bill number]",
    "proposed": "[first open day]",
    "settled": "[amount paid or credited]",
    "fields": "[what differs]",
    "unwanted": "[The milestone was cancelled, is no longer to be billed, or its amount is 0 now]",
    "tax": "[tax type]",
    "why": "[reason given]",
}
ROLES = {Role.ACCOUNTING: "accounting", Role.GRANTS: "grants team", Role.OPERATOR: "operator"}


def page() -> str:
    """The whole page as it must stand in the file."""
    parts = [HEAD]
    for action, meaning in ACTIONS.items():
        reasons = [reason for reason in Reason if WORDS[reason].action is action]
        parts += [f"## {action}\n\n{meaning}\n", _index(reasons), *map(_section, reasons)]
    parts += [CHOICES, _choices()]
    return "\n".join(parts)


def _index(reasons: list[Reason]) -> str:
    links = (f"[{reason}](#{reason.lower()})" for reason in reasons)
    return " · ".join(links) + "\n"


def _section(reason: Reason) -> str:
    return "\n".join([f"### {reason}\n", *_lines(reason, WORDS[reason])])


def _lines(reason: Reason, words: Words) -> Iterator[str]:
    yield f"**{words.headline[:1].upper()}{words.headline[1:]}.** {_filled(reason, words.happened)}\n"
    if words.todo:
        yield f"- What to do: {_filled(reason, words.todo)}"
        yield f"- Who is told: {_told(reason, words)}"
        if words.choices:
            yield f"- Choices: {' · '.join(CHOICE_LABELS[kind] for kind in words.choices)}"
        yield ""


def _filled(reason: Reason, sentence: str) -> str:
    shown = SHOWN | {"message": "[Xero's own words]"} if reason is Reason.REFUSED else SHOWN
    names = re.findall(r"{(\w+)}", sentence)
    return sentence.format_map({name: shown.get(name, f"[{name}]") for name in names})


def _told(reason: Reason, words: Words) -> str:
    if words.action is Action.HOLD and reason not in ALERTS:
        return "nobody is mailed; `billwatch status` shows it"
    once = ", once for the whole organisation" if words.action is Action.HOLD else ""
    return " and ".join(ROLES[role] for role in words.roles) + once


def _choices() -> str:
    rows = "\n".join(f"| {CHOICE_LABELS[kind]} | {EFFECTS[kind]} |" for kind in Choose)
    return f"| choice | what it does |\n|---|---|\n{rows}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
