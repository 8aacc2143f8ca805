"""Mails owed are delivered: all of them, once, also across outages and crashes."""

import dataclasses
import datetime as dt
import re
from collections.abc import Callable

import pytest
from mail_doubles import Clock, Facts, Inbox, MailServer, Memory
from mail_samples import MILESTONE, NOW, ORGANISATION, alert_flag, choice, decision, flag, mail
from msgspec.structs import replace
from structlog.testing import capture_logs

from notify.postman import Delivered, Postman, backoff
from notify.smtp import Security, Server
from notify.writer import Writer
from reconciler.reasons import Choose, Reason
from reconciler.records import Mail, MailKind
from reconciler.tickets import page_token, token_hash

KEYS = ["the newest key", "an older key"]
PAGE = "https://billwatch.example.org"


@pytest.fixture
def memory() -> Memory:
    memory = Memory()
    memory.milestones.decisions = [
        decision(Reason.BILL_APPROVED, replace(MILESTONE, key=f"M-{number}")) for number in range(6)
    ]
    return memory


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(mail_server: Callable[..., MailServer]) -> MailServer:
    return mail_server()


@pytest.fixture
def postman(memory: Memory, clock: Clock, server: MailServer) -> Postman:
    return Postman(
        Writer(memory, {"example": ORGANISATION}, KEYS, PAGE, "billwatch@example.org", clock, 30, Facts()),
        Server("127.0.0.1", server.port, Security.NONE, timeout=5),
        lambda: 1.0,
    )


def owed(memory: Memory, number: int, **changes: object) -> Mail:
    made = replace(
        mail(flag(memory.milestones.decisions[number], number)),
        mail_id=number,
        message_id=f"<{number}@billwatch.example.org>",
        recipient=f"person{number}@example.org",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def link_in(inbox: Inbox, place: int) -> str:
    text = inbox.messages[place].get_body(("plain",))
    assert text is not None
    found = re.search(rf"{PAGE}/r/(\S+)", text.get_content())
    assert found is not None
    return found.group(1)


def test_what_is_owed_is_sent_once_over_one_connection(memory: Memory, postman: Postman, inbox: Inbox) -> None:
    memory.outbox.add(*(owed(memory, number) for number in range(4)))
    assert postman.deliver() == Delivered(sent=4)
    assert postman.deliver() == Delivered()
    assert sorted(inbox.recipients) == [f"person{number}@example.org" for number in range(4)]
    assert inbox.connections == 1


def test_nothing_owed_opens_no_connection(postman: Postman, inbox: Inbox) -> None:
    assert postman.deliver() == Delivered()
    assert inbox.connections == 0


def test_the_link_is_kept_as_a_hash_before_the_mail_leaves(memory: Memory, postman: Postman, inbox: Inbox) -> None:
    memory.outbox.add(owed(memory, 1))
    postman.deliver()
    token = link_in(inbox, 0)
    assert memory.tickets.kept == {token_hash(token): memory.outbox.owed[1].mail.owed_at + dt.timedelta(days=30)}
    assert token == page_token(KEYS[0], "<1@billwatch.example.org>", "person1@example.org")


def test_a_crash_between_acceptance_and_record_repeats_the_mail_once_as_the_same(
    memory: Memory, postman: Postman, inbox: Inbox, clock: Clock
) -> None:
    memory.outbox.add(owed(memory, 1))
    memory.outbox.crashes = 1
    with pytest.raises(KeyboardInterrupt):
        postman.deliver()
    assert postman.deliver() == Delivered()
    clock.move(minutes=10)
    assert postman.deliver() == Delivered(sent=1)
    clock.move(days=1)
    assert postman.deliver() == Delivered()
    first, second = inbox.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert link_in(inbox, 0) == link_in(inbox, 1)
    assert len(memory.tickets.kept) == 1


def test_a_server_that_is_down_for_hours_loses_nothing_and_sends_nothing_twice(
    memory: Memory, postman: Postman, inbox: Inbox, clock: Clock, server: MailServer
) -> None:
    memory.outbox.add(*(owed(memory, number) for number in range(3)))
    server.down()
    failed = 0
    for _ in range(5 * 60):
        failed += postman.deliver().failed
        clock.move(minutes=1)
    assert all("cannot be reached" in each.error for each in memory.outbox.owed.values())
    assert failed < 3 * 20
    server.up()
    clock.move(hours=1)
    assert postman.deliver() == Delivered(sent=3)
    assert len(inbox.messages) == 3


def test_one_refused_mail_is_put_off_and_the_others_go_out(memory: Memory, postman: Postman, inbox: Inbox) -> None:
    memory.outbox.add(*(owed(memory, number) for number in range(3)))
    inbox.refuse_recipient["person1@example.org"] = "450 busy"
    assert postman.deliver() == Delivered(sent=2, failed=1)
    assert memory.outbox.owed[1].due == NOW + dt.timedelta(seconds=30)


def test_an_address_refused_for_good_is_tried_no_more(
    memory: Memory, postman: Postman, inbox: Inbox, clock: Clock
) -> None:
    memory.outbox.add(owed(memory, 1))
    inbox.refuse_recipient["person1@example.org"] = "550 5.1.1 no such user"
    assert postman.deliver() == Delivered(dropped=1)
    clock.move(days=9)
    assert postman.deliver() == Delivered()
    assert memory.outbox.owed[1].error.endswith("no such user")


def test_what_is_no_address_is_dropped_and_holds_nobody_up(memory: Memory, postman: Postman) -> None:
    memory.outbox.add(owed(memory, 1, recipient="nobody"), owed(memory, 2))
    assert postman.deliver() == Delivered(sent=1, dropped=1)


def test_a_mail_waits_until_its_milestone_is_decided(memory: Memory, postman: Postman, clock: Clock) -> None:
    memory.outbox.add(owed(memory, 1))
    decisions, memory.milestones.decisions = memory.milestones.decisions, []
    assert postman.deliver() == Delivered(failed=1)
    assert memory.outbox.owed[1].error == "How M-1 stands is not decided yet."
    memory.milestones.decisions = decisions
    clock.move(seconds=30)
    assert postman.deliver() == Delivered(sent=1)


def test_a_mail_of_an_organisation_that_is_not_configured_is_kept(memory: Memory, postman: Postman) -> None:
    memory.outbox.add(owed(memory, 1, organisation="gone"))
    assert postman.deliver() == Delivered(failed=1)
    assert not memory.outbox.owed[1].given_up


def test_a_mail_that_cannot_be_written_holds_nobody_up(memory: Memory, postman: Postman) -> None:
    memory.outbox.add(owed(memory, 1, kind=MailKind.RESULT), owed(memory, 2))
    assert postman.deliver() == Delivered(sent=1, failed=1)
    assert "holds none" in memory.outbox.owed[1].error


def test_without_a_public_address_there_is_neither_link_nor_ticket(
    memory: Memory, postman: Postman, inbox: Inbox
) -> None:
    memory.outbox.add(owed(memory, 1))
    dataclasses.replace(postman, writer=dataclasses.replace(postman.writer, public_url="")).deliver()
    assert memory.tickets.kept == {}
    assert "billwatch resync M-1" in str(inbox.messages[0].get_body(("plain",)))


@pytest.mark.parametrize(("reason", "tickets"), [(Reason.CONNECTION_LOST, 0), (Reason.CAP_REACHED, 1)])
def test_an_alert_has_a_link_only_when_there_is_something_to_decide(
    memory: Memory, postman: Postman, reason: Reason, tickets: int
) -> None:
    memory.outbox.add(mail(alert_flag(reason), kind=MailKind.ALERT))
    assert postman.deliver() == Delivered(sent=1)
    assert len(memory.tickets.kept) == tickets


def test_a_result_has_no_link(memory: Memory, postman: Postman) -> None:
    memory.outbox.add(owed(memory, 1, kind=MailKind.RESULT, choice=choice(Choose.KEEP)))
    assert postman.deliver() == Delivered(sent=1)
    assert memory.tickets.kept == {}


def test_a_slow_round_leaves_the_rest_to_the_end_of_its_lease(memory: Memory, postman: Postman, clock: Clock) -> None:
    memory.outbox.add(*(owed(memory, number) for number in range(3)))

    def slow() -> dt.datetime:
        clock.move(minutes=1)
        return clock()

    assert dataclasses.replace(postman, writer=dataclasses.replace(postman.writer, clock=slow)).deliver() == Delivered(
        sent=1
    )
    clock.move(minutes=10)
    assert postman.deliver() == Delivered(sent=2)


def test_writing_a_letter_changes_nothing(memory: Memory, postman: Postman, inbox: Inbox) -> None:
    letter = postman.writer.letter(owed(memory, 1))
    assert letter.rendered.subject.startswith("Example Arts Trust M-1")
    assert (memory.tickets.kept, inbox.messages) == ({}, [])


def test_neither_log_nor_repr_holds_a_token_or_a_key(memory: Memory, postman: Postman, inbox: Inbox) -> None:
    memory.outbox.add(owed(memory, 1), owed(memory, 2))
    inbox.refuse_recipient["person2@example.org"] = "450 busy"
    with capture_logs() as logs:
        postman.deliver()
    told = f"{logs} {postman!r}"
    assert {entry["event"] for entry in logs} == {"mail.sent", "mail.put_off"}
    assert link_in(inbox, 0) not in told
    assert KEYS[0] not in told


@pytest.mark.parametrize(("tries", "seconds"), [(0, 30), (1, 60), (6, 1920), (7, 3600), (5000, 3600)])
def test_the_wait_doubles_up_to_an_hour_and_is_fully_jittered(tries: int, seconds: int) -> None:
    assert backoff(tries, 1.0) == dt.timedelta(seconds=seconds)
    assert backoff(tries, 0.5) == dt.timedelta(seconds=seconds / 2)
