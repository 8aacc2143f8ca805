"""One view per kind of mail: everything that its templates say, already in words; pure."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from notify import clean
from notify.items import Item, Row, items, sum_in_words, warned
from notify.subjects import ALERTS, DECIDED, LONGEST, MANY, STOPPED, STOPPED_ALL
from reconciler import reasons, words
from reconciler.model import ZERO, Books, Case, Choice, Decision, Flag, Mail, Milestone, Organisation, Verdict
from reconciler.reasons import Action, Choose, Reason

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
        return about(self.item, self.item.question)

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
            return about(self.items[0], self.items[0].question)
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


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that stops an organisation: what happened, since when, and what to do."""

    happened: str
    todo: str
    since: str


@dataclass(frozen=True)
class Alert(View):
    """An alert about an organisation as a whole."""

    @property
    def heading(self) -> str:
        """What is wrong."""
        return capital(ALERTS.get(self.mail.reason, reasons.words(self.mail.reason).headline))

    @property
    def subject(self) -> str:
        """Whose books, and what is wrong."""
        return fitted(self.name, "", ALERTS.get(self.mail.reason, reasons.words(self.mail.reason).headline))

    @property
    def troubles(self) -> list[Trouble]:
        """Every open trouble of the mail."""
        return [self._trouble(flag) for flag in self.mail.flags]

    @property
    def stopped(self) -> str:
        """What does not happen while it lasts."""
        return STOPPED.get(self.mail.reason, STOPPED_ALL).format(name=self.name)

    def _trouble(self, flag: Flag) -> Trouble:
        decision = clean.scrub(_of_nothing(flag))
        since = words.moment(flag.opened_at, self.books.zone)
        return Trouble(words.explain(decision, self.books), words.what_to_do(decision, self.books), since)


@dataclass(frozen=True)
class Result(View):
    """What was decided, by whom, and how each milestone stands now."""

    choice: Choice
    items: list[Item]

    @property
    def heading(self) -> str:
        """What was decided, in the past tense."""
        return capital(self._decided)

    @property
    def subject(self) -> str:
        """Of what, what was decided, and the money."""
        if not self.items:
            return fitted(self.name, "", self._decided)
        if len(self.items) == 1:
            return about(self.items[0], f"{self._decided} ({self._money(self.items[0])})")
        return clean.clip(f"{len(self.items)} milestones {self._decided} ({total(self.items)})", LONGEST)

    @property
    def by(self) -> str:
        """Who decided."""
        return clean.line(self.choice.by or self.choice.address or "Somebody", 60)

    @property
    def at(self) -> str:
        """When."""
        return words.moment(self.choice.at, self.books.zone)

    @property
    def label(self) -> str:
        """The choice as it stood on the page."""
        return words.choice_label(self.choice.kind)

    @property
    def details(self) -> list[Row]:
        """What was given with the choice."""
        given = [
            ("Date", words.day(self.choice.date) if self.choice.date else ""),
            ("Reason", clean.line(self.choice.reason)),
            ("Until", words.day(self.choice.until) if self.choice.until else ""),
        ]
        return [Row(name, value) for name, value in given if value]

    @property
    def about(self) -> str:
        """What had been warned of."""
        return reasons.words(self.mail.reason).headline

    @property
    def settled(self) -> bool:
        """Whether no milestone is flagged any more."""
        return all(item.decision.verdict.action is not Action.FLAG for item in self.items)

    @property
    def listed(self) -> list[Item]:
        """The milestones that the mail names."""
        return self.items[:LISTED]

    @property
    def unlisted(self) -> list[Item]:
        """Those that it does not."""
        return self.items[LISTED:]

    @property
    def _decided(self) -> str:
        return DECIDED[self.choice.kind].format(date=words.day(self.choice.date) if self.choice.date else "another day")

    def _money(self, item: Item) -> str:
        kept = self.choice.kind is Choose.KEEP and item.theirs is not None and item.bill is not None
        return words.money(item.theirs, item.bill.currency) if kept else item.amount  # type: ignore[arg-type, union-attr]


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


def result(
    mail: Mail,
    standing: Mapping[str, Decision],
    organisation: Organisation,
    books: Books,
    link: PageLink,
    now: dt.datetime,
) -> Result:
    """The view of a result; `mail.choice` must be set."""
    if mail.choice is None:
        raise ValueError(f"mail {mail.mail_id} reports a choice but holds none")
    pairs = [(flag, standing[flag.key]) for flag in mail.flags if flag.key in standing]
    return Result(mail, organisation, books, link, now, mail.choice, items(pairs, organisation, books))


def groups(found: Sequence[Item]) -> list[Group]:
    """The items by reason, the group with most money first."""
    by_reason: dict[Reason, list[Item]] = {}
    for item in found:
        by_reason.setdefault(item.reason, []).append(item)
    return [Group(reason, members) for reason, members in by_reason.items()]


def total(found: Iterable[Item]) -> str:
    """The money of these items, per currency."""
    return sum_in_words((item.stake, item.stake_currency) for item in found)


def about(item: Item, question: str) -> str:
    """A subject about one milestone."""
    return fitted(item.raw.case.milestone.payee, item.raw.case.milestone.key, question)


def fitted(name: str, key: str, question: str) -> str:
    """`Name key: question` in at most 90 characters; the name gives way first."""
    rest = f" {clean.line(key, 24)}: {question}" if key else f": {question}"
    return clean.clip(clean.line(name, max(12, LONGEST - len(rest))) + rest, LONGEST)


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def _shared(sentences: Iterable[str]) -> str:
    different = set(sentences)
    return different.pop() if len(different) == 1 else ""


def _of_nothing(flag: Flag) -> Decision:
    """A decision about no milestone: the words of an organisation's own flags ask for its verdict only."""
    verdict = flag.verdict or Verdict(Action.HOLD, flag.reason, Case(NOBODY).link)
    return Decision(Case(NOBODY), verdict)


NOBODY = Milestone(organisation="", key="", title="", payee="", amount=ZERO, date=dt.date.min)
