"""Whatever happens in whichever order: each fact is told once, and none is forgotten."""

import datetime as dt
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_samples import LEASE, NOW, ORG, decide, milestone
from msgspec.structs import replace

from reconciler.milestone_port import Notice
from reconciler.reasons import Reason
from storage.ledger import Ledger

KEYS = ("M1", "M2", "M3")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(KEYS), st.sampled_from((Reason.BILL_PAID, Reason.BILL_VOIDED, Reason.PAID))),
        st.tuples(st.just("wait"), st.sampled_from((1, 20, 90))),
        st.tuples(st.just("crash"), st.just(0)),
    ),
    max_size=25,
)


class Told:
    """Takes every mail that is due, and notes which facts it tells."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.now = ledger, NOW
        self.facts: list[tuple[str, int]] = []

    def notice(self) -> Notice:
        after = self.now + dt.timedelta(seconds=30)
        made = Notice(lambda _reason: ("ann@example.org",), after, more=dt.timedelta(hours=1))
        return replace(made, resolved=dt.timedelta(minutes=15))

    def deliver(self) -> None:
        for mail in self.ledger.outbox.claim(self.now, 10, LEASE):
            self.facts += [("open", flag.flag_id) for flag in mail.flags]
            self.facts += [("closed", flag.flag_id) for flag in mail.resolved]
            self.ledger.outbox.sent(mail.mail_id, self.now)

    def take(self, step: tuple[str, object]) -> None:
        what, value = step
        if what == "wait":
            self.now += dt.timedelta(minutes=float(str(value)))
            self.deliver()
        elif what != "crash":
            decide(self.ledger, Reason(str(value)), what, at=self.now, notice=self.notice())


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_each_fact_is_told_once_and_none_is_forgotten(steps: list[tuple[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'billwatch.db'}"
        ledger = Ledger.open(url)
        ledger.milestones.put([milestone(key) for key in KEYS], NOW)
        told = Told(ledger)
        for step in (*steps, ("wait", 90), ("wait", 90)):
            if step[0] == "crash":
                told.ledger.close()
                told.ledger = Ledger.open(url)
            told.take(step)
        moments = [moment for key in KEYS for moment in told.ledger.overview.timeline(ORG, key)]
        flags = {moment.value.flag_id: moment.value for moment in moments if moment.what == "flag"}
        told.ledger.close()
    assert len(told.facts) == len(set(told.facts))
    open_keys = {flag.key for flag in flags.values() if flag.closed_at is None}
    heard = {flag_id for what, flag_id in told.facts if what == "open"}
    over = {flag_id for what, flag_id in told.facts if what == "closed"}
    assert {flag_id for flag_id, flag in flags.items() if flag.closed_at is None} <= heard
    assert over <= {flag_id for flag_id in heard if flags[flag_id].closed_at is not None}
    last = {flag.key: flag_id for flag_id, flag in sorted(flags.items())}
    settled = {flag_id for key, flag_id in last.items() if key not in open_keys}
    assert settled & heard <= over
