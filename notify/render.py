"""From a mail that is owed to its subject, text and HTML; pure."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from notify import layout
from notify.digests import Ahead, Outlook, Week, Weekly
from notify.reports import Alert, Result, result
from notify.views import One, PageLink, Several, View, warning
from notify.watching import Watch, Watched
from reconciler.model import Decision
from reconciler.organisation import Books, Organisation
from reconciler.records import Mail, MailKind

__all__ = ["PageLink", "Rendered", "render", "render_digest"]

NAMES: dict[type[View], str] = {
    One: "one",
    Several: "several",
    Alert: "alert",
    Result: "result",
    Weekly: "weekly",
    Ahead: "ahead",
    Watch: "alert",
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail in words: the same in text and in HTML."""

    subject: str
    text: str
    html: str


def render(
    mail: Mail,
    decisions: Sequence[Decision],
    organisation: Organisation,
    books: Books,
    links: PageLink,
    now: dt.datetime,
) -> Rendered:
    """Put a mail into words. `decisions` say how the milestones of its flags stand now.

    A flag without a decision is left out; raises ValueError for a warning none of whose flags has one.
    """
    return _rendered(_view(mail, decisions, organisation, books, links, now))


def render_digest(
    mail: Mail, told: Week | Outlook | Watched, organisation: Organisation, books: Books, now: dt.datetime
) -> Rendered:
    """Put into words what comes round by itself."""
    if isinstance(told, Week):
        return _rendered(Weekly(mail, organisation, books, PageLink(), now, told))
    if isinstance(told, Watched):
        return _rendered(Watch(mail, organisation, books, PageLink(), now, told))
    return _rendered(Ahead(mail, organisation, books, PageLink(), now, told))


def _rendered(view: One | Several | Alert | Result | Weekly | Ahead | Watch) -> Rendered:
    name = NAMES[type(view)]
    text = layout.tidy(TEMPLATES.get_template(f"{name}.txt").render(v=view))
    return Rendered(view.subject, text, TEMPLATES.get_template(f"{name}.html").render(v=view))


def _view(
    mail: Mail,
    decisions: Sequence[Decision],
    organisation: Organisation,
    books: Books,
    links: PageLink,
    now: dt.datetime,
) -> One | Several | Alert | Result:
    standing = {decision.case.milestone.key: decision for decision in decisions}
    if mail.kind is MailKind.ALERT:
        return Alert(mail, organisation, books, links, now)
    make = result if mail.kind is MailKind.RESULT else warning
    return make(mail, standing, organisation, books, links, now)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("notify"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    tools = (
        layout.wrap,
        layout.glue,
        layout.figures,
        layout.sides,
        layout.listing,
        layout.candidates,
        layout.anchors,
    )
    environment.filters.update({tool.__name__: tool for tool in tools})
    return environment


TEMPLATES = _environment()
