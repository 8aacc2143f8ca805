"""The desk: where a person's choice meets the cycle; it serves the pages (`receiver.ports.Desk`) and the commands."""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from receiver.ports import Changed, Done, LinkRefused, Sheet
from reconciler.choices import choose, fitting
from reconciler.cycle import Cycle
from reconciler.errors import InputError, RateLimited
from reconciler.model import Decision, Link
from reconciler.ports import Clock, Notice
from reconciler.reasons import Choose, Role
from reconciler.records import Choice, Flag, Ticket
from reconciler.tickets import token_hash
from reconciler.words import bill_state
from storage import Ledger

READ_AGAIN = dt.timedelta(minutes=1)
SHOWN_AT_MOST = 200


class Desk:
    """Acts on links and commands, under the organisation's turn, on facts read just now."""

    def __init__(self, ledger: Ledger, cycles: Mapping[str, Cycle], clock: Clock) -> None:
        self._ledger, self._cycles, self._clock = ledger, cycles, clock
        self._read_at: dict[int, dt.datetime] = {}

    def show(self, token: str) -> Sheet:
        """The sheet of a link, from facts at most a minute old; nothing is changed by looking."""
        ticket = self._ticket(token)
        cycle = self._cycle(ticket)
        with cycle.in_person():
            last = self._read_at.get(ticket.ticket_id)
            if last is None or self._clock() - last >= READ_AGAIN:
                # What is stored can still be shown, with its time, when Xero's limits are used up.
                with suppress(RateLimited):
                    self._look_again(cycle, ticket)
            return self._sheet(cycle, self._ticket(token))

    def act(self, token: str, fingerprint: str, choice: Choice, keys: Sequence[str]) -> Done:
        """Read Xero anew, check that nothing shown has changed, make the choice, and run the cycle.

        Raises `LinkRefused`, `Changed` or `Temporary` (nothing was done), or `InputError` when the choice does not fit.
        """
        ticket = self._ticket(token)
        cycle, choice = self._cycle(ticket), replace(choice, address=ticket.address)
        with cycle.in_person():
            self._look_again(cycle, ticket)
            sheet = self._sheet(cycle, self._ticket(token))
            if sheet.fingerprint != fingerprint:
                raise Changed
            chosen = [d for d in sheet.items if d.case.milestone.key in keys]
            acted = [f for f in ticket.flags if not f.key or f.key in {d.case.milestone.key for d in chosen}]
            self._record(cycle, chosen, choice, acted)
            done = self._done(cycle, choice, chosen)
            left = self._ledger.tickets.find(token_hash(token))
            if left and not any(flag.closed_at is None for flag in left.flags):
                self._ledger.tickets.use(ticket.ticket_id, self._clock())
            return done

    def renew(self, token: str) -> bool:
        """Owe a fresh mail to the address of an expired link; `False` when nothing of it is open any more."""
        ticket = self._ledger.tickets.find(token_hash(token))
        if ticket is None or ticket.used_at:
            return False
        open_flags = [flag for flag in ticket.flags if flag.closed_at is None]
        if open_flags:
            notice = self._cycle(ticket).notice()
            self._ledger.outbox.owe_again(ticket.organisation, ticket.address, open_flags, notice)
        return bool(open_flags)

    def command(self, organisation: str, key: str, choice: Choice) -> Done:
        """Make a choice from the command line: on facts read just now, without a link."""
        return self.decide(organisation, [key], choice)

    def stored(self, organisation: str, keys: Sequence[str]) -> Sheet | None:
        """These milestones by the facts read last, without a link; `None` when none of them is decided."""
        cycle = self._cycles[organisation]
        items = tuple(self._ledger.milestones.standing(organisation, keys))
        books = cycle.books()
        sheet = Sheet(cycle.organisation, books, items, _fingerprint(items, cycle), "", books.read_at)
        return sheet if items else None

    def decide(self, organisation: str, keys: Sequence[str], choice: Choice, fingerprint: str = "") -> Done:
        """Make a choice of all these milestones, or of none: on facts read just now, without a link.

        Raises `Changed` when these are not the facts of the fingerprint, or what `act` raises.
        """
        cycle = self._cycles[organisation]
        with cycle.in_person():
            cycle.look(keys)
            decisions = [decision for key in keys for decision in self._one(organisation, key)]
            if fingerprint and _fingerprint(_in_order(decisions), cycle) != fingerprint:
                raise Changed
            self._record(cycle, decisions, choice, self._ledger.milestones.open_flags(organisation, keys))
            return self._done(cycle, choice, decisions)

    def link(self, organisation: str, key: str, bill: str, choice: Choice) -> Done:
        """Tie a milestone to a bill named by its number or id, on facts read just now."""
        cycle = self._cycles[organisation]
        with cycle.in_person():
            cycle.look([key])
            (decision,) = self._one(organisation, key)
            bill_id = self._bill_id(organisation, bill)
            held = decision.case.bill
            if held and held.status.live and held.bill_id != bill_id:
                raise InputError(
                    f"“{key}” follows the bill {held.number or held.bill_id}, which is {bill_state(held)}:"
                    " void or delete that one in Xero first, or both may be paid."
                )
            self._check_target(cycle, key, bill_id)
            link = Link(bill_id=bill_id, generation=decision.case.link.generation, version=decision.case.link.version)
            choice = replace(choice, bill_id=bill_id)
            if not self._ledger.milestones.choose(organisation, key, link, choice, None, decision.verdict.reason):
                raise InputError(f"“{key}” is being written right now; please try again in a moment.")
            return self._done(cycle, choice, [decision])

    def adopt(self, organisation: str, pairs: Mapping[str, str], choice: Choice) -> tuple[Done, list[str]]:
        """Tie milestones without a bill to bills (key to id), on facts read just now, all in one turn.

        The keys of those that have a bill by now, or whose bill another milestone follows, come second, untouched.
        """
        cycle, milestones = self._cycles[organisation], self._ledger.milestones
        with cycle.in_person():
            cycle.look(list(pairs))
            linked = []
            for decision in milestones.standing(organisation, pairs):
                key, before = decision.case.milestone.key, decision.case.link
                link = Link(bill_id=pairs[key], generation=before.generation, version=before.version)
                chosen = replace(choice, bill_id=link.bill_id)
                free = not before.bill_id and self._is_live(organisation, link.bill_id)
                if free and milestones.choose(organisation, key, link, chosen, None, decision.verdict.reason):
                    linked.append(decision)
            done = self._done(cycle, choice, linked)
        return done, sorted(set(pairs) - {decision.case.milestone.key for decision in linked})

    def _is_live(self, organisation: str, bill_id: str) -> bool:
        bill = self._ledger.mirror.bill(organisation, bill_id)
        return bill is not None and bill.status.live

    def _one(self, organisation: str, key: str) -> list[Decision]:
        decisions = self._ledger.milestones.standing(organisation, [key])
        if not decisions:
            raise InputError(f"There is no milestone “{key}” in {organisation}, or it is not decided yet.")
        return decisions

    def _check_target(self, cycle: Cycle, key: str, bill_id: str) -> None:
        """Raise `InputError` unless the bill exists, asks for or has received money, and belongs to nobody else."""
        organisation = cycle.organisation.key
        self._check_free(organisation, key, bill_id)
        cycle.reader.read([bill_id])
        bill = self._ledger.mirror.bill(organisation, bill_id)
        if bill is None:
            raise InputError(f"Xero has no bill “{bill_id}”. Name another one.")
        if not bill.status.live:
            raise InputError(f"The bill {bill.number or bill_id} is {bill_state(bill)}. Name another one.")

    def _check_free(self, organisation: str, key: str, bill_id: str) -> None:
        """Raise `InputError` when another milestone follows the bill: it would be paid for both."""
        others = set(self._ledger.milestones.followers(organisation, bill_id)) - {key}
        if others:
            raise InputError(f"That bill belongs to milestone “{min(others)}” already. Choose another one.")

    def _bill_id(self, organisation: str, bill: str) -> str:
        """The id of the bill that a person means."""
        held = self._ledger.mirror.bill(organisation, bill.lower())
        found = [held] if held else self._ledger.mirror.numbered(organisation, [bill])
        if len(found) != 1:
            many = f"{len(found)} bills carry" if found else "no bill in Xero carries"
            raise InputError(f"“{bill}” does not name one bill: {many} that number or id. Name it by its id.")
        return found[0].bill_id

    def _ticket(self, token: str) -> Ticket:
        ticket = self._ledger.tickets.find(token_hash(token))
        if ticket is None:
            raise LinkRefused("unknown")
        if ticket.used_at:
            raise LinkRefused("used", ticket.address)
        if not any(flag.closed_at is None for flag in ticket.flags):
            raise LinkRefused("closed", ticket.address)
        if self._clock() >= ticket.expires_at:
            raise LinkRefused("expired", ticket.address)
        return ticket

    def _cycle(self, ticket: Ticket) -> Cycle:
        cycle = self._cycles.get(ticket.organisation)
        if cycle is None:
            raise LinkRefused("unknown")
        return cycle

    def _look_again(self, cycle: Cycle, ticket: Ticket) -> None:
        cycle.look([flag.key for flag in ticket.flags if flag.key and flag.closed_at is None])
        self._read_at[ticket.ticket_id] = self._clock()

    def _sheet(self, cycle: Cycle, ticket: Ticket) -> Sheet:
        items = tuple(self._ledger.milestones.standing(ticket.organisation, self._keys(ticket)))
        if not items:
            raise LinkRefused("closed", ticket.address)
        books = cycle.books()
        return Sheet(
            organisation=cycle.organisation,
            books=books,
            items=items,
            fingerprint=_fingerprint(items, cycle),
            address=ticket.address,
            read_at=books.read_at,
        )

    def _keys(self, ticket: Ticket) -> list[str]:
        """The milestones that a link is about: flagged ones, or all that an alert keeps waiting."""
        keys = [flag.key for flag in ticket.flags if flag.closed_at is None and flag.key]
        for alert in [flag for flag in ticket.flags if flag.closed_at is None and not flag.key]:
            held = self._ledger.overview.listing(ticket.organisation, SHOWN_AT_MOST, reason=alert.reason)
            keys += [one.milestone.key for one in held]
        return keys

    def _record(self, cycle: Cycle, decisions: Sequence[Decision], choice: Choice, flags: Sequence[Flag]) -> None:
        """Keep the choice and owe its result, for all of the group or for none."""
        if not decisions:
            raise InputError("Tick at least one milestone.")
        if any(d.case.link.pending_attempt is not None for d in decisions):
            raise InputError("A write to Xero is under way for this milestone; please try again in a moment.")
        key, books, milestones = cycle.organisation.key, cycle.books(), self._ledger.milestones
        for decision in decisions if choice.bill_id else ():
            self._check_target(cycle, decision.case.milestone.key, choice.bill_id)
        picks = [(d, *choose(d, choice, cycle.organisation, books)) for d in decisions]
        with self._ledger.together():
            for decision, link, exemption in picks:
                chosen = (decision.case.milestone.key, link, choice, exemption, decision.verdict.reason)
                if not milestones.choose(key, *chosen):
                    raise Changed
            self._ledger.outbox.owe_result(key, flags, choice, _told(cycle, choice))
        if choice.kind is Choose.GO_AHEAD:
            cycle.confirm()

    def _done(self, cycle: Cycle, choice: Choice, decisions: Sequence[Decision]) -> Done:
        keys = [d.case.milestone.key for d in decisions]
        cycle.turn()
        return Done(choice, tuple(self._ledger.milestones.standing(cycle.organisation.key, keys)))


def _in_order(decisions: Sequence[Decision]) -> list[Decision]:
    return sorted(decisions, key=lambda decision: decision.case.milestone.key)


def _told(cycle: Cycle, choice: Choice) -> Notice:
    """Who hears of a choice besides those who were warned: of an exemption, the grants team."""
    notice, organisation = cycle.notice(), cycle.organisation
    if choice.kind is not Choose.EXEMPT:
        return notice
    grants = organisation.addresses((Role.GRANTS,))
    return replace(notice, recipients=lambda reason: (*notice.recipients(reason), *grants))


def _fingerprint(items: Sequence[Decision], cycle: Cycle) -> str:
    """Stands for every fact that the page shows: a choice made on other facts must not go through."""
    facts = []
    for decision in items:
        case, verdict = decision.case, decision.verdict
        bill = case.bill
        held = bill and (bill.bill_id, bill.status, bill.total, bill.settled, bill.due, bill.date, bill.updated_at)
        offered = [Choose(kind).value for kind in fitting(decision, cycle.organisation)]
        both = (verdict.ours, verdict.theirs, sorted(verdict.fields), verdict.lock, verdict.proposed, verdict.others)
        facts.append((case.milestone.key, case.milestone.version, verdict.reason.value, held, both, offered))
    return hashlib.sha256(repr(facts).encode()).hexdigest()
