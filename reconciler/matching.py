"""Which bills in Xero may be those of milestones that follow none. Pure; what it proposes, a person confirms.

1. pairs that share a number, a link, or contact and amount; 2. those that fit each other better than anything else
are settled, the strongest first; 3. what fits neither of them is left over, and proposed as unsure.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from itertools import islice

from reconciler.compare import sense_of
from reconciler.model import Bill, Case, Sense, bill_number
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Reason
from reconciler.words import day, money

SAME_DAYS = 3
FAR_DAYS = 183
NAMED, SAME_DAY, NEAR, FAR = 4, 3, 2, 1


class Ground(StrEnum):
    """What a milestone and a bill have in common, in words."""

    NUMBER = "number"
    URL = "link to the milestone"
    CONTACT = "contact"
    TOTAL = "amount"
    DATE = "date"


SURE = frozenset({Ground.CONTACT, Ground.TOTAL})
NAMES = frozenset({Ground.NUMBER, Ground.URL})


@dataclass(frozen=True, slots=True)
class Match:
    """A milestone and a bill that may be its own.

    `sure`: contact and amount are the same, the number too or nearly the date, and `rivals` is 0: nothing else that
    is as good fits either of them.
    """

    case: Case
    bill: Bill
    grounds: frozenset[Ground]
    strength: int
    rivals: int = 0

    @property
    def key(self) -> str:
        """The milestone's key."""
        return self.case.milestone.key

    @property
    def sure(self) -> bool:
        """Whether it may be linked together with others, without looking at each."""
        return not self.rivals and self.grounds >= SURE and bool(self.grounds & {Ground.NUMBER, Ground.DATE})

    @property
    def ends(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """Milestone and bill, each under a name of its own."""
        return ("milestone", self.key), ("bill", self.bill.bill_id)


def matchable(case: Case, organisation: Organisation) -> bool:
    """Whether the milestone is to be billed, and neither has a bill nor is being given one."""
    milestone, link = case.milestone, case.link
    wanted = milestone.stages & organisation.sync_points and milestone.amount and not milestone.cancelled
    return bool(wanted) and not link.bill_id and link.pending_attempt is None and case.exemption is None


def matches(cases: Iterable[Case], bills: Iterable[Bill], organisation: Organisation, books: Books) -> list[Match]:
    """The proposals for these milestones among live bills that nobody follows: sure ones first, then by key."""
    known = _Bills(bills)
    found = [match for case in cases for match in _of(case, known, organisation, books)]
    settled = _settled(found)
    taken = {end for match in settled for end in match.ends}
    left = [match for match in found if not taken.intersection(match.ends)]
    sharing: dict[tuple[str, str], list[Match]] = defaultdict(list)
    for match in found:
        for end in match.ends:
            sharing[end].append(match)
    told = [replace(match, rivals=_rivals(match, sharing, taken)) for match in (*settled, *left)]
    return sorted(told, key=lambda match: (not match.sure, match.key, -len(match.grounds), match.bill.bill_id))


def reason_in_words(match: Match, organisation: Organisation, books: Books) -> str:
    """Why they may belong together, what differs, and what else fits: one sentence."""
    milestone, bill = match.case.milestone, match.bill
    same = [ground.value for ground in Ground if ground in match.grounds and ground is not Ground.DATE]
    said = [f"Same {' and '.join(filter(None, [', '.join(same[:-1]), same[-1]]))}"]
    currency = milestone.currency or organisation.currency or books.currency
    if Ground.TOTAL not in match.grounds:
        ours = money(milestone.amount, currency)
        said.append(f"but {money(_total(match.case, bill, organisation), bill.currency)} instead of {ours}")
    if Ground.CONTACT not in match.grounds:
        said.append(f"but for {bill.contact_name or 'nobody'}")
    if bill.date != milestone.date:
        said.append(f"dated {day(bill.date)} instead of {day(milestone.date)}")
    if match.rivals:
        said.append("others fit too" if match.rivals > 1 else "another one fits too")
    return f"{', '.join(said)}."


class _Bills:
    """The bills by what a milestone may find them under."""

    def __init__(self, bills: Iterable[Bill]) -> None:
        self._by_name: dict[str, list[Bill]] = defaultdict(list)
        self._by_money: dict[tuple[str, Decimal], list[Bill]] = defaultdict(list)
        for bill in bills:
            for name in {bill.url, *_written(bill.number)} - {""}:
                self._by_name[name].append(bill)
            for amount in {bill.total, bill.subtotal}:
                self._by_money[bill.contact_id, amount].append(bill)

    def near(self, names: Iterable[str], contacts: Iterable[str], amount: Decimal) -> list[Bill]:
        """Bills with one of the names, or of one of the contacts and that amount, each once."""
        found = [bill for name in names if name for bill in self._by_name.get(name, ())]
        found += [bill for contact in contacts if contact for bill in self._by_money.get((contact, amount), ())]
        return list({bill.bill_id: bill for bill in found}.values())


def _of(case: Case, known: _Bills, organisation: Organisation, books: Books) -> Iterator[Match]:
    milestone = case.milestone
    numbers = {milestone.key, bill_number(organisation.number_prefix, milestone.key, case.link.generation)}
    names = {_plain(number) for number in numbers} - {""}
    contacts = {i for c in case.contacts for i in (c.contact_id, c.merged_to)} | {milestone.contact_id}
    for bill in known.near([milestone.links.milestone, *names], contacts, milestone.amount):
        shared = {
            Ground.NUMBER: bool(names & _written(bill.number)),
            Ground.URL: bool(bill.url) and bill.url == milestone.links.milestone,
            Ground.CONTACT: bill.contact_id in contacts - {""},
            Ground.TOTAL: _same_total(case, bill, organisation, books),
            Ground.DATE: abs((bill.date - milestone.date).days) <= organisation.policy.near_days,
        }
        match = _graded(case, bill, frozenset(ground for ground, holds in shared.items() if holds))
        if match and (Reason.POSSIBLE_DUPLICATE, bill.bill_id) not in case.link.accepted:
            yield match


def _graded(case: Case, bill: Bill, grounds: frozenset[Ground]) -> Match | None:
    """The pair with its strength; `None` when too little speaks for it."""
    apart = abs((bill.date - case.milestone.date).days)
    if grounds & NAMES:
        return Match(case, bill, grounds, NAMED if grounds & SURE else FAR)
    if not grounds >= SURE or apart > FAR_DAYS:
        return None
    return Match(case, bill, grounds, SAME_DAY if apart <= SAME_DAYS else NEAR if Ground.DATE in grounds else FAR)


def _settled(found: Sequence[Match]) -> list[Match]:
    """Pairs of which neither end fits anything else as well, the strongest first."""
    settled: list[Match] = []
    taken: set[tuple[str, str]] = set()
    for strength in (NAMED, SAME_DAY, NEAR, FAR):
        group = [match for match in found if match.strength == strength and not taken.intersection(match.ends)]
        times = Counter(end for match in group for end in match.ends)
        settled += (alone := [match for match in group if all(times[end] == 1 for end in match.ends)])
        taken.update(end for match in alone for end in match.ends)
    return settled


def _rivals(match: Match, sharing: dict[tuple[str, str], list[Match]], taken: set[tuple[str, str]]) -> int:
    """How many others (2: or more) fit one end of the pair, and are neither settled elsewhere nor much weaker."""
    mine, least = set(match.ends), min(NEAR, match.strength)
    others = (other for end in match.ends for other in sharing[end] if other.ends != match.ends)
    fitting = (o for o in others if o.strength >= least and not any(end in taken for end in o.ends if end not in mine))
    return sum(1 for _ in islice(fitting, 2))


def _same_total(case: Case, bill: Bill, organisation: Organisation, books: Books) -> bool:
    currency = case.milestone.currency or organisation.currency or books.currency
    return bill.currency == currency and _total(case, bill, organisation) == case.milestone.amount


def _total(case: Case, bill: Bill, organisation: Organisation) -> Decimal:
    return bill.subtotal if sense_of(case, organisation) is Sense.EXCLUSIVE else bill.total


def _written(number: str) -> set[str]:
    """What a number may mean: the whole of it, and each word of it that has a digit."""
    words = {_plain(word) for word in number.split() if any(sign.isdigit() for sign in word)}
    return {_plain(number), *words} - {""}


def _plain(number: str) -> str:
    """The number without regard to case and to signs between its parts; the order of digits and signs counts."""
    return "-".join(re.findall(r"[a-z]+|[0-9]+", number.casefold()))
