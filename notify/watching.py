"""The view of what will stop billwatch if nobody looks; pure."""

import datetime as dt
from dataclasses import dataclass

from notify import clean
from notify.reports import Trouble
from notify.subjects import LONGEST
from notify.views import View
from reconciler import words


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing to look at: a name that stays the same while it lasts, what it is, what to do, and since when."""

    name: str
    headline: str
    happened: str
    todo: str
    since: dt.datetime


@dataclass(frozen=True, slots=True)
class Watched:
    """All that there is to look at."""

    signs: tuple[Sign, ...]


@dataclass(frozen=True)
class Watch(View):
    """Signs that something is about to stop, for whoever runs the machine."""

    watched: Watched

    @property
    def heading(self) -> str:
        """The first of them, and how many more."""
        first, more = self.watched.signs[0].headline, len(self.watched.signs) - 1
        return first + (f" (and {more} more)" if more else "")

    @property
    def subject(self) -> str:
        """The heading."""
        return clean.clip(f"billwatch: {self.heading}", LONGEST)

    @property
    def troubles(self) -> list[Trouble]:
        """Each of them."""
        return [
            Trouble(sign.happened, sign.todo, words.moment(sign.since, self.books.zone)) for sign in self.watched.signs
        ]

    @property
    def stopped(self) -> str:
        """How bad it is."""
        return "Nothing is lost so far. You are mailed again only if something else turns up."
