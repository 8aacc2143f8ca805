"""The sandbox that a person starts by hand: well-known keys, what it says, and the check that it repeats."""

import queue
import smtplib
import socket
import tomllib
from email.message import EmailMessage

import click
import pytest

from billwatch.sandbox import Sandbox, known
from billwatch.sandbox.app import create_desk
from billwatch.sandbox.by_hand import Checking, greeting, run, taking_mails

from .conftest import KEY, START, Ear

SECONDS = 10.0


def test_ids_and_secrets_are_the_same_at_every_start() -> None:
    cards = [create_desk(lambda: START, known=True) for _ in range(2)]
    first, second = [(desk.organisation("Example Trust"), desk.client_id, desk.client_secret) for desk in cards]
    assert first[1:] == second[1:]
    assert first[0].tenant_id == second[0].tenant_id == known.known_id("Example Trust")
    assert (first[0].client_id, first[0].client_secret) == (known.known_client("Example Trust"), known.CLIENT_SECRET)


def test_two_organisations_have_ids_of_their_own_and_a_sandbox_for_programs_has_no_known_ones() -> None:
    desk = create_desk(lambda: START, known=True)
    a, b = desk.organisation("Kea"), desk.organisation("Tui")
    assert len({a.tenant_id, b.tenant_id}) == len({a.client_id, b.client_id, desk.client_id}) - 1 == 2
    by_chance = create_desk(lambda: START).organisation("Kea")
    assert a.tenant_id != by_chance.tenant_id
    assert by_chance.client_secret != known.CLIENT_SECRET


def test_what_it_says_can_be_pasted_and_warns_that_the_keys_are_known() -> None:
    desk = create_desk(lambda: START, known=True)
    org = desk.organisation("Example Trust")
    said = greeting(desk, "http://127.0.0.1:9900", [org], "the-key")
    pasted = tomllib.loads(said[said.index("[xero]") : said.index("secrets/client-secret holds")])
    assert set(pasted["xero"]) == {"api_url", "identity_url", "login_url", "webhook_keys"}
    assert (pasted["organisation"][0]["tenant_id"], pasted["organisation"][0]["client_id"]) == (
        org.tenant_id,
        org.client_id,
    )
    for part in ("known to everybody", "the-key", org.client_secret, desk.client_id, "gone when it ends"):
        assert part in said


def test_the_check_is_sent_again_until_it_passes_and_each_outcome_is_told_once(quiet: Sandbox, ear: Ear) -> None:
    ear.good = 503
    quiet.webhooks.configure(ear.url, KEY)
    said: queue.Queue[str] = queue.Queue()
    checking = Checking(quiet.webhooks, said.put, every=0.001)
    checking.start()
    assert "did not pass the check (Response not 200); it is sent again every" in said.get(timeout=SECONDS)
    ear.good = 200
    assert "passed the check" in said.get(timeout=SECONDS)
    checking.stop()
    assert said.empty()
    assert quiet.webhooks.status == "OK"


def test_nothing_is_checked_without_an_address(quiet: Sandbox) -> None:
    said = list[str]()
    checking = Checking(quiet.webhooks, said.append)
    checking.start()
    checking.stop()
    assert said == []
    assert quiet.webhooks.deliveries(None) == []


def test_a_mail_is_shown_as_a_person_reads_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said: queue.Queue[str] = queue.Queue()
    mail = EmailMessage()
    mail["To"], mail["Subject"] = "ana@example.org", "Te Māra: pay NZ$1.00?"
    mail.set_content("Decide here:\nhttp://127.0.0.1:8080/r/" + "x" * 90)
    mail.add_alternative("<p>Decide</p>", subtype="html")
    with taking_mails("127.0.0.1", port, said.put):
        assert said.get(timeout=SECONDS) == f"mails: what comes to 127.0.0.1:{port} is shown here"
        with smtplib.SMTP("127.0.0.1", port, timeout=SECONDS) as client:
            client.send_message(mail, "billwatch@example.org", ["ana@example.org"])
        shown = said.get(timeout=SECONDS)
    assert shown.startswith("mail to ana@example.org: Te Māra: pay NZ$1.00?\n\n    Decide here:\n")
    assert f"    http://127.0.0.1:8080/r/{'x' * 90}\n" in shown
    assert "<p>" not in shown


def test_a_taken_mail_port_is_told_and_holds_up_nothing() -> None:
    said = list[str]()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with taking_mails("127.0.0.1", port, said.append):
            (told,) = said
    assert told.startswith(f"mails: none are taken, since 127.0.0.1:{port} is not to be had (")
    assert told.endswith("choose another --mail-port")


def test_no_mail_port_takes_no_mails_and_says_nothing() -> None:
    said = list[str]()
    with taking_mails("127.0.0.1", 0, said.append):
        assert said == []


def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(click.ClickException) as failure:
            run(
                "127.0.0.1",
                port,
                webhook_url="",
                webhook_key="",
                organisations=["Kea"],
                country="NZ",
                speed=1.0,
                mail_port=0,
            )
    why = "Address already in use. Choose another --port or --host."
    assert failure.value.message == f"Cannot listen on 127.0.0.1:{port}: {why}"
