"""The views of what asks nothing of a milestone: alerts about an organisation, and results of choices; pure."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from notify import clean
from notify.items import Item, Row, items, sum_in_words
from notify.subjects import ALERTS, LONGEST, OVER, OWN_MONEY, STOPPED, STOPPED_ALL, capital, decided, fitted
from notify.views import LISTED, PageLink, View
from reconciler import reasons, words
from reconciler.model import ZERO, Case, Decision, Milestone, Verdict
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Action, Reason
from reconciler.records import Choice, Flag, Mail

NOBODY = Milestone(organisation="", key="", title="", payee="", amount=ZERO, date=dt.date.min)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that stops an organisation: what happened, what to do, since when, and until when if it is over."""

    happened: str
    todo: str
    since: str
    until: str = ""


@dataclass(frozen=True)
class Alert(View):
    """An alert about an organisation as a whole, or word that it is over."""

    @property
    def heading(self) -> str:
        """What is wrong, or what is right again."""
        return capital(self._headline)

    @property
    def subject(self) -> str:
        """Whose books, and what is wrong or right again."""
        reminds = bool(self.mail.flags) and all(flag.flag_id in self.mail.told for flag in self.mail.flags)
        return fitted(f"Reminder: {self.name}" if reminds else self.name, "", self._headline)

    @property
    def over(self) -> bool:
        """Whether nothing of it lasts."""
        return not self.mail.flags

    @property
    def troubles(self) -> list[Trouble]:
        """Every open trouble of the mail, or those that are over."""
        return [self._trouble(flag) for flag in self.mail.flags or self.mail.resolved]

    @property
    def stopped(self) -> str:
        """What does not happen while it lasts."""
        if self.over:
            return "What came in meanwhile was kept, and is caught up with. There is nothing to do."
        return STOPPED.get(self._reason, STOPPED_ALL).format(name=self.name)

    @property
    def _reason(self) -> Reason:
        return (self.mail.flags or self.mail.resolved)[0].reason

    @property
    def _headline(self) -> str:
        happened = ALERTS.get(self._reason, reasons.words(self._reason).headline)
        return OVER.get(self._reason, f"over: {happened}") if self.over else happened

    def _trouble(self, flag: Flag) -> Trouble:
        decision = clean.scrub(_of_nothing(flag))
        since = words.moment(flag.opened_at, self.books.zone)
        until = words.moment(flag.closed_at, self.books.zone) if flag.closed_at else ""
        todo = "" if until else words.what_to_do(decision, self.books)
        return Trouble(words.explain(decision, self.books), todo, since, until)


@dataclass(frozen=True)
class Result(View):
    """What was decided, by whom, and how each milestone stands now."""

    choice: Choice
    items: list[Item]

    @property
    def heading(self) -> str:
        """Who decided what."""
        return f"{self.by} decided: {decided(self.choice)}"

    @property
    def subject(self) -> str:
        """Of what, who decided what, and the money where it makes sense."""
        said = f"{clean.line(self.by, 30)} decided: {decided(self.choice)}"
        money = f" ({self.money})" if self.money else ""
        if len(self.items) == 1:
            return self.items[0].about(said + money)
        what = f"{len(self.items)} milestones" if self.items else self.name
        return clean.clip(f"{what}: {said}{money}", LONGEST)

    @property
    def money(self) -> str:
        """What the decision is worth, where that can be said: what is to be billed in whole, or stays billed."""
        if self.choice.kind in OWN_MONEY:
            return sum_in_words((item.ours, item.currency) for item in self.items)
        if self.choice.kind == "keep":
            kept = [(item.theirs, item.bill.currency) for item in self.items if item.bill and item.theirs is not None]
            return sum_in_words(kept) if len(kept) == len(self.items) else ""
        return ""

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
        """What had been warned of, each cause once."""
        heads = dict.fromkeys(reasons.words(flag.reason).headline for flag in self.mail.flags)
        return ", ".join(heads)

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
