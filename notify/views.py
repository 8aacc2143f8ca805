"""One view per kind of mail: everything that its templates say, already in words; pure."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from notify import clean
from notify.items import Item, items, sum_in_words, warned
from notify.subjects import LONGEST, MANY, capital
from reconciler import reasons, words
from reconciler.model import Decision
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Reason
from reconciler.records import Mail

LISTED = 10


@dataclass(frozen=True, slots=True)
class PageLink:
    """The link of one mail; without a `url` the mail says how to act on the command line."""

    url: str = ""
    expires: dt.datetime | None = None


@dataclass(frozen=True)
class View:
    """What every mail says: from whose books it speaks, its link, who else got it and where replies go."""

    mail: Mail
    organisation: Organisation
    books: Books
    link: PageLink
    now: dt.datetime

    @property
    def name(self) -> str:
        """The organisation's name."""
        return clean.line(self.organisation.name or self.organisation.key, 60)

    @property
    def checked(self) -> str:
        """When Xero was last read."""
        return words.moment(self.books.read_at, self.books.zone) if self.books.read_at else ""

    @property
    def page(self) -> str:
        """The address of the page on which to decide."""
        return clean.web_address(self.link.url)

    @property
    def expires(self) -> str:
        """The last day of the link."""
        return words.moment(self.link.expires, self.books.zone) if self.link.expires else ""

    def brief(self, date: dt.date) -> str:
        """`3 Jul`, with the year only when it is not the running one."""
        return f"{date.day} {date:%b}" + ("" if date.year == self.now.year else f" {date.year}")

    @property
    def also(self) -> list[str]:
        """Who else is asked about this reason."""
        people = self.organisation.addresses(reasons.words(self.mail.reason).roles)
        return [clean.plain(address) for address in people if address != self.mail.recipient]

    @property
    def reply_to(self) -> str:
        """Where a reply goes."""
        return clean.plain(self.organisation.reply_to)


@dataclass(frozen=True)
class One(View):
    """A warning about one milestone."""

    item: Item

    @property
    def subject(self) -> str:
        """Payee, key and the question, with the money."""
        return self.item.about(self.item.question)

    @property
    def heading(self) -> str:
        """The question."""
        return capital(self.item.question)

    @property
    def checked(self) -> str:
        """When the bill, or else Xero as a whole, was last read."""
        instants = [at for at in (self.item.bill and self.item.bill.read_at, self.books.read_at) if at]
        return words.moment(max(instants), self.books.zone) if instants else ""


@dataclass(frozen=True)
class Group:
    """The milestones of one reason, most money first."""

    reason: Reason
    items: list[Item]

    @property
    def heading(self) -> str:
        """How many, and what happened to them."""
        if len(self.items) == 1:
            return self.items[0].about(self.items[0].question)
        lock = self.items[0].decision.verdict.lock
        form = MANY.get(self.reason, "{n} milestones: " + reasons.words(self.reason).headline)
        return form.format(n=len(self.items), lock=words.day(lock) if lock else "a day unknown")

    @property
    def happened(self) -> str:
        """What happened, if the same sentence is true of all."""
        return _shared(item.happened for item in self.items)

    @property
    def todo(self) -> str:
        """What to do, in the words that fit the largest."""
        return self.items[0].todo

    @property
    def listed(self) -> list[Item]:
        """Those that the mail names."""
        return self.items[:LISTED]

    @property
    def unlisted(self) -> list[Item]:
        """Those that it does not."""
        return self.items[LISTED:]

    @property
    def total(self) -> str:
        """The money of all."""
        return total(self.items)

    @property
    def earliest_due(self) -> str:
        """The first day on which one of them is to be paid."""
        days = [item.due for item in self.items if item.due]
        return words.day(min(days)) if days else ""


@dataclass(frozen=True)
class Several(View):
    """A warning about several milestones, by cause."""

    groups: list[Group]

    @property
    def count(self) -> int:
        """How many milestones."""
        return sum(len(group.items) for group in self.groups)

    @property
    def heading(self) -> str:
        """The one cause, or how many milestones need a decision."""
        return self.groups[0].heading if len(self.groups) == 1 else f"{self.count} milestones need a decision"

    @property
    def total(self) -> str:
        """The money of all groups."""
        return total(item for group in self.groups for item in group.items)

    @property
    def subject(self) -> str:
        """The heading and the money."""
        return clean.clip(f"{self.heading} ({self.total})", LONGEST)

    @property
    def commands(self) -> list[str]:
        """How to act without a page, for the milestone with the most money."""
        return self.groups[0].items[0].commands


def warning(
    mail: Mail,
    standing: Mapping[str, Decision],
    organisation: Organisation,
    books: Books,
    link: PageLink,
    now: dt.datetime,
) -> One | Several:
    """The view of a warning."""
    pairs = [(flag, warned(flag, standing[flag.key])) for flag in mail.flags if flag.key in standing]
    found = items(pairs, organisation, books)
    if not found:
        raise ValueError(f"mail {mail.mail_id} warns of milestones, and how none of them stands is known")
    if len(found) == 1:
        return One(mail, organisation, books, link, now, found[0])
    return Several(mail, organisation, books, link, now, groups(found))


def groups(found: Sequence[Item]) -> list[Group]:
    """The items by reason, the group with most money first."""
    by_reason: dict[Reason, list[Item]] = {}
    for item in found:
        by_reason.setdefault(item.reason, []).append(item)
    return [Group(reason, members) for reason, members in by_reason.items()]


def total(found: Iterable[Item]) -> str:
    """The money of these items, per currency."""
    return sum_in_words((item.stake, item.stake_currency) for item in found)


def _shared(sentences: Iterable[str]) -> str:
    different = set(sentences)
    return different.pop() if len(different) == 1 else ""
