"""The views of what asks nothing of a milestone: alerts about an organisation, and results of choices; pure."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from notify import clean
from notify.items import Item, Row, items
from notify.subjects import ALERTS, DECIDED, LONGEST, STOPPED, STOPPED_ALL, capital, fitted
from notify.views import LISTED, PageLink, View, total
from reconciler import reasons, words
from reconciler.model import ZERO, Case, Decision, Milestone, Verdict
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Action, Choose
from reconciler.records import Choice, Flag, Mail

NOBODY = Milestone(organisation="", key="", title="", payee="", amount=ZERO, date=dt.date.min)


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
            return self.items[0].about(f"{self._decided} ({self._money(self.items[0])})")
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


def _of_nothing(flag: Flag) -> Decision:
    """A decision about no milestone: the words of an organisation's own flags ask for its verdict only."""
    verdict = flag.verdict or Verdict(Action.HOLD, flag.reason, Case(NOBODY).link)
    return Decision(Case(NOBODY), verdict)
