"""The views of warnings: everything that their templates say, already in words; pure."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from notify import clean
from notify.items import Item, items, total, warned
from notify.subjects import LONGEST, MANY, capital
from reconciler import reasons, words
from reconciler.model import Decision
from reconciler.organisation import Books, Organisation
from reconciler.people import Person
from reconciler.reasons import Reason
from reconciler.records import Mail, MailKind

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
    def today(self) -> dt.date:
        """The organisation's day."""
        return self.now.astimezone(ZoneInfo(self.books.zone)).date()

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
        return f"{date.day} {date:%b}" + ("" if date.year == self.today.year else f" {date.year}")

    @property
    def also(self) -> list[str]:
        """Who else is told."""
        return [clean.plain(address) for address in self.mail.also]

    @property
    def reply_to(self) -> str:
        """Where a reply goes."""
        answer = reply_to(self.organisation, self.mail.recipient)
        if answer is None:
            return ""
        address = clean.plain(answer.address)
        return f"{clean.line(answer.name, 60)} ({address})" if answer.name else address


@dataclass(frozen=True)
class Warned(View):
    """What warnings share: whether they remind, and why they come to somebody who was not told before."""

    @property
    def since(self) -> str:
        """The day on which the oldest of the flags was opened."""
        opened = min(flag.opened_at for flag in self.mail.flags)
        return words.day(opened.astimezone(ZoneInfo(self.books.zone)).date())

    @property
    def reminds(self) -> bool:
        """Whether the recipient was told of everything before."""
        return all(flag.flag_id in self.mail.told for flag in self.mail.flags)

    @property
    def lead(self) -> str:
        """Why this comes, where it is not the first time."""
        if self.mail.kind is MailKind.ESCALATION:
            asked = f" {', '.join(self.also)} was asked." if self.also else ""
            return f"Open since {self.since}, and nobody has decided.{asked} Now it comes to you."
        return f"Open since {self.since}, and nobody has decided." if self.reminds and self.mail.flags else ""

    def called(self, subject: str) -> str:
        """The subject, marked when it is not the first mail about it."""
        if self.mail.kind is MailKind.ESCALATION:
            return clean.clip(f"Undecided: {subject}", LONGEST)
        return clean.clip(f"Reminder: {subject}" if self.reminds and self.mail.flags else subject, LONGEST)


@dataclass(frozen=True)
class One(Warned):
    """A warning about one milestone."""

    item: Item

    @property
    def subject(self) -> str:
        """Payee, key and the question, with the money."""
        return self.called(self.item.about(self.item.question))

    @property
    def heading(self) -> str:
        """The question."""
        return capital(self.item.question)

    @property
    def checked(self) -> str:
        """When the bill, or else Xero as a whole, was last read."""
        instants = [at for at in (self.item.bill and self.item.bill.read_at, self.books.read_at) if at]
        return words.moment(max(instants), self.books.zone) if instants else ""

    @property
    def overdue(self) -> bool:
        """Whether the money should have been paid by now."""
        return self.item.due is not None and self.item.due < self.today

    @property
    def otherwise(self) -> str:
        """What follows if nobody acts, or what has followed already."""
        if not self.overdue or self.item.due is None:
            return self.item.otherwise
        said = self.item.otherwise.replace(" falls due on ", " stays unpaid, overdue since ")
        late = f"The payment is overdue since {words.day(self.item.due)}."
        return said if said != self.item.otherwise else f"{said} {late}".strip()


@dataclass(frozen=True)
class Group:
    """The milestones of one cause, most money first. `again`: the recipient was told of all of them before."""

    reason: Reason
    items: list[Item]
    again: bool
    today: dt.date

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
        """What to do, if the same sentence fits all."""
        return _shared(item.todo for item in self.items) or "What can be done differs, and is said for each of them."

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
    def payment(self) -> str:
        """When the first of them is to be paid, or since when it should have been."""
        days = [item.due for item in self.items if item.due]
        late = [day for day in days if day < self.today]
        if late:
            whose = "Payment" if len(self.items) == 1 else f"Payment of {len(late)} of {len(self.items)}"
            return (
                f"{whose} is overdue, the first since {words.day(min(late))}."
                if len(late) > 1
                else (f"{whose} is overdue since {words.day(min(late))}.")
            )
        return f"Earliest payment due: {words.day(min(days))}." if days else ""


@dataclass(frozen=True)
class Several(Warned):
    """A warning about several milestones, a section for each cause, and word of those that were resolved."""

    groups: list[Group]
    resolved: list[Item]

    @property
    def count(self) -> int:
        """How many milestones."""
        return sum(len(group.items) for group in self.groups)

    @property
    def heading(self) -> str:
        """The one cause, or how many milestones need a decision, or what was resolved."""
        if not self.groups:
            return capital(self._over)
        return self.groups[0].heading if len(self.groups) == 1 else f"{self.count} milestones need a decision"

    @property
    def total(self) -> str:
        """The money of all groups."""
        return total(item for group in self.groups for item in group.items)

    @property
    def subject(self) -> str:
        """The heading and the money."""
        if not self.groups:
            return clean.clip(capital(self._over), LONGEST)
        return self.called(f"{self.heading} ({self.total})")

    @property
    def commands(self) -> list[str]:
        """How to act without a page, for the milestone with the most money."""
        return self.groups[0].items[0].commands

    @property
    def done(self) -> str:
        """What a closing note says first."""
        if len(self.resolved) == 1:
            return "You were told of this, and there is nothing left to do about it."
        return "You were told of these, and there is nothing left to do about them."

    @property
    def closed(self) -> str:
        """What heads the list of those resolved."""
        return f"Resolved since you were told: {len(self.resolved)}"

    @property
    def listed(self) -> list[Item]:
        """Those resolved that the mail names."""
        return self.resolved[: 2 * LISTED]

    @property
    def unlisted(self) -> list[Item]:
        """Those that it does not."""
        return self.resolved[2 * LISTED :]

    @property
    def _over(self) -> str:
        if len(self.resolved) == 1:
            item = self.resolved[0]
            return item.about(f"resolved ({reasons.words(item.reason).headline})")
        heads = dict.fromkeys(reasons.words(item.reason).headline for item in self.resolved)
        return f"resolved: {len(self.resolved)} milestones" + (f" ({next(iter(heads))})" if len(heads) == 1 else "")


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
    over = [(flag, standing[flag.key]) for flag in mail.resolved if flag.key in standing]
    found, resolved = items(pairs, organisation, books), items(over, organisation, books)
    if not found and not resolved:
        raise ValueError(f"mail {mail.mail_id} warns of milestones, and how none of them stands is known")
    if len(found) == 1 and not resolved:
        return One(mail, organisation, books, link, now, found[0])
    made = Several(mail, organisation, books, link, now, [], resolved)
    return Several(mail, organisation, books, link, now, groups(found, mail.told, made.today), resolved)


def groups(found: Sequence[Item], told: frozenset[int], today: dt.date) -> list[Group]:
    """The items by cause, new ones before those still open, within each the group with most money first."""
    by_cause: dict[tuple[bool, Reason, str], list[Item]] = {}
    for item in found:
        by_cause.setdefault((item.flag.flag_id in told, item.reason, item.flag.cause), []).append(item)
    made = [Group(reason, members, again, today) for (again, reason, _), members in by_cause.items()]
    return sorted(made, key=lambda group: group.again)


def reply_to(organisation: Organisation, recipient: str) -> Person | None:
    """The person to whom a reply goes: as configured, or else the first of the other team."""
    team = organisation.team
    return team.person(organisation.reply_to) if organisation.reply_to else team.reply_to(recipient)


def _shared(sentences: Iterable[str]) -> str:
    different = set(sentences)
    return different.pop() if len(different) == 1 else ""
