"""The desk: where a person's choice meets the cycle; it serves the pages (`receiver.ports.Desk`) and the commands."""

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import suppress

from msgspec.structs import replace

from billwatch.naming import check_target, find_bill
from billwatch.outcomes import fingerprint, prints, told
from receiver.ports import Changed, Done, LinkRefused, Sheet
from reconciler.choices import choose
from reconciler.cycle import Cycle
from reconciler.errors import InputError, NoMilestone, RateLimited
from reconciler.milestone_port import Notice
from reconciler.model import Bill, Decision, Link
from reconciler.ports import Clock
from reconciler.reasons import Action, Choose, Reason, words
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

        Made once already on the same facts, it is only told again what came of it. Raises `LinkRefused`, `Changed` or
        `Temporary` (nothing was done), or `InputError` when the choice does not fit.
        """
        ticket = self._known(token)
        cycle, choice = self._cycle(ticket), replace(choice, address=ticket.address, shown=fingerprint)
        with cycle.in_person():
            if made := self._made_before(cycle, choice, keys):
                return made
            ticket = self._ticket(token)
            self._look_again(cycle, ticket)
            if choice.kind is Choose.VOIDED:
                done = self._believe(cycle, choice, keys, ticket.flags)
            else:
                sheet = self._sheet(cycle, self._ticket(token))
                if sheet.fingerprint != fingerprint:
                    raise Changed
                chosen = [d for d in sheet.items if d.case.milestone.key in keys]
                acted = [f for f in ticket.flags if not f.key or f.key in {d.case.milestone.key for d in chosen}]
                self._record(cycle, chosen, choice, acted)
                done = self._done(cycle, choice, chosen)
            left = self._known(token)
            if not any(flag.closed_at is None for flag in left.flags):
                self._ledger.tickets.use(ticket.ticket_id, self._clock())
            return done

    def made(self, token: str, shown: str, keys: Sequence[str]) -> tuple[Sheet, Done] | None:
        """What was decided of these milestones through the link, on the facts of that fingerprint, and what came of it;
        `None` when it was not."""
        ticket = self._known(token)
        done = self.made_of(ticket.organisation, keys, shown)
        if done is None or done.choice.address != ticket.address:
            return None
        cycle = self._cycle(ticket)
        books = cycle.books()
        return Sheet(cycle.organisation, books, done.items, "", ticket.address, books.read_at), done

    def made_of(self, organisation: str, keys: Sequence[str], shown: str) -> Done | None:
        """What was decided last of all these milestones, when it was one choice on the facts of that fingerprint."""
        found = self._ledger.milestones.choices(organisation, keys)
        choices = [found.get(key) for key in dict.fromkeys(keys)]
        first = choices[0] if choices else None
        if not shown or first is None or first.shown != shown or any(each != first for each in choices):
            return None
        return Done(first, tuple(self._ledger.milestones.standing(organisation, keys)))

    def find(self, token: str, key: str, text: str) -> Bill:
        """The bill that somebody names by number, id or address, for a milestone of the link. Raises `InputError`."""
        cycle = self._cycle(self._ticket(token))
        with cycle.in_person():
            return find_bill(self._ledger, cycle, key, text)

    def find_for(self, organisation: str, key: str, text: str) -> Bill:
        """`find`, without a link."""
        cycle = self._cycles[organisation]
        with cycle.in_person():
            return find_bill(self._ledger, cycle, key, text)

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
        found = prints(items, cycle)
        sheet = Sheet(cycle.organisation, books, items, fingerprint(found), "", books.read_at, found)
        return sheet if items else None

    def decide(self, organisation: str, keys: Sequence[str], choice: Choice, shown: str = "") -> Done:
        """Make a choice of all these milestones, or of none: on facts read just now, without a link.

        `shown` is the fingerprint of the facts that were shown. Raises `Changed` when they are others by now, or what
        `act` raises.
        """
        cycle, choice = self._cycles[organisation], replace(choice, shown=shown)
        with cycle.in_person():
            if made := self._made_before(cycle, choice, keys):
                return made
            flags = self._ledger.milestones.open_flags(organisation, keys)
            cycle.look(keys)
            if choice.kind is Choose.VOIDED:
                return self._believe(cycle, choice, keys, flags)
            decisions = [decision for key in keys for decision in self._one(organisation, key)]
            if shown and fingerprint(prints(decisions, cycle)) != shown:
                raise Changed
            self._record(cycle, decisions, choice, self._ledger.milestones.open_flags(organisation, keys))
            return self._done(cycle, choice, decisions)

    def link(self, organisation: str, key: str, bill: str, choice: Choice) -> Done:
        """Tie a milestone to a bill named by its number or id, on facts read just now."""
        cycle = self._cycles[organisation]
        with cycle.in_person():
            cycle.look([key])
            (decision,) = self._one(organisation, key)
            bill_id = find_bill(self._ledger, cycle, key, bill).bill_id
            held = decision.case.bill
            if held and held.status.live and held.bill_id != bill_id:
                raise InputError(
                    f"“{key}” follows the bill {held.number or held.bill_id}, which is {bill_state(held)}:"
                    " void or delete that one in Xero first, or both may be paid."
                )
            before = decision.case.link
            link = Link(bill_id=bill_id, generation=before.generation, parts=before.parts, version=before.version)
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
            raise NoMilestone(organisation, key)
        return decisions

    def _known(self, token: str) -> Ticket:
        ticket = self._ledger.tickets.find(token_hash(token))
        if ticket is None:
            raise LinkRefused("unknown")
        return ticket

    def _ticket(self, token: str) -> Ticket:
        ticket = self._known(token)
        if ticket.used_at:
            raise LinkRefused("used", ticket.address, self._told(ticket))
        if not any(flag.closed_at is None for flag in ticket.flags):
            raise LinkRefused("closed", ticket.address, self._told(ticket))
        if self._clock() >= ticket.expires_at:
            raise LinkRefused("expired", ticket.address)
        return ticket

    def _told(self, ticket: Ticket) -> str:
        """What came of a link on which nothing is left to decide."""
        cycle, keys = self._cycle(ticket), sorted({flag.key for flag in ticket.flags if flag.key})
        milestones = self._ledger.milestones
        choices = milestones.choices(ticket.organisation, keys)
        return told(ticket, choices, milestones.standing(ticket.organisation, keys), cycle.books())

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
            raise LinkRefused("closed", ticket.address, self._told(ticket))
        books, found = cycle.books(), prints(items, cycle)
        return Sheet(
            organisation=cycle.organisation,
            books=books,
            items=items,
            fingerprint=fingerprint(found),
            address=ticket.address,
            read_at=books.read_at,
            prints=found,
            closed=tuple(flag for flag in ticket.flags if flag.closed_at),
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
            check_target(self._ledger, cycle, decision.case.milestone.key, choice.bill_id)
        named = self._ledger.mirror.bill(key, choice.bill_id) if choice.bill_id else None
        picks = [(d, *choose(d, choice, cycle.organisation, books, named)) for d in decisions]
        with self._ledger.together():
            for decision, link, exemption in picks:
                chosen = (decision.case.milestone.key, link, choice, exemption, decision.verdict.reason)
                if not milestones.choose(key, *chosen):
                    raise Changed
            if choice.kind is Choose.REMIND:
                ids = [flag.flag_id for flag in flags]
                self._ledger.reminders.remind(ids, choice.until, choice.by, choice.at)
            self._ledger.outbox.owe_result(key, flags, choice, _hearers(cycle, choice))
        if choice.kind is Choose.GO_AHEAD:
            cycle.confirm()

    def _made_before(self, cycle: Cycle, choice: Choice, keys: Sequence[str]) -> Done | None:
        """What came of this very choice, when it was made already: of a form that was sent twice."""
        made = self.made_of(cycle.organisation.key, keys, choice.shown)
        return made if made and replace(made.choice, at=choice.at) == choice else None

    def _believe(self, cycle: Cycle, choice: Choice, keys: Sequence[str], flags: Sequence[Flag]) -> Done:
        """Somebody says that bills are voided: what Xero, read just now, says counts.

        Raises `InputError` for what still waits for somebody, and for what was not asked about voiding before.
        """
        organisation, milestones = cycle.organisation.key, self._ledger.milestones
        decisions, closed = (
            [d for key in keys for d in self._one(organisation, key)],
            [f for f in flags if f.key in keys],
        )
        asked = {flag.key for flag in closed if choice.kind in words(flag.reason).choices}
        for decision in decisions:
            if decision.case.milestone.key not in asked or decision.verdict.action in (Action.FLAG, Action.HOLD):
                choose(decision, choice, cycle.organisation, cycle.books())
        with self._ledger.together():
            for decision in decisions:
                milestone, link = decision.case.milestone, decision.case.link
                milestones.choose(organisation, milestone.key, link, choice, None, decision.verdict.reason)
            self._ledger.outbox.owe_result(organisation, closed, choice, _hearers(cycle, choice))
        return self._done(cycle, choice, decisions)

    def _done(self, cycle: Cycle, choice: Choice, decisions: Sequence[Decision]) -> Done:
        keys = [d.case.milestone.key for d in decisions]
        cycle.turn()
        return Done(choice, tuple(self._ledger.milestones.standing(cycle.organisation.key, keys)))


def _hearers(cycle: Cycle, choice: Choice) -> Notice:
    """Who hears of a choice besides those who were warned: of an exemption, the grants team."""
    notice = cycle.notice()
    if choice.kind is not Choose.EXEMPT:
        return notice
    grants = notice.recipients(Reason.EXEMPT_WITH_BILL)
    return replace(notice, recipients=lambda reason: (*notice.recipients(reason), *grants))
