"""What comes back from the consent page, and the door that it comes through."""

import base64
import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import click
import httpx
import pytest

from billwatch.cli import main
from billwatch.config import load
from billwatch.connecting.consent import Declined, Stray, ask
from billwatch.connecting.loopback import Loopback
from billwatch.connecting.snippet import snippet
from billwatch.organisation import ATTACHMENTS_SCOPE
from billwatch.sections import REDIRECT_PORT
from reconciler.errors import InputError
from reconciler.xero.settings import Connection
from reconciler.xero.shapes import Tenant

APP = Connection("acme", "refresh_token", "app", "secret", login_url="https://login.example.org")
PUBLIC = replace(APP, client_secret="")
TENANT = "45e4708e-d862-4111-ab3a-dd8cd03913e1"


def asked(connection: Connection) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(ask(connection, 8914).address).query).items()}


def test_the_address_is_xeros_consent_page_and_names_app_scopes_and_the_way_back() -> None:
    address = ask(APP, 8914).address
    assert address.startswith("https://login.example.org/identity/connect/authorize?")
    fields = asked(APP)
    assert fields.pop("state")
    assert fields == {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": "http://localhost:8914/callback",
        "scope": "offline_access accounting.invoices accounting.settings.read accounting.contacts.read",
    }


def test_without_a_secret_the_proof_is_the_hash_of_a_verifier_that_is_not_shown() -> None:
    question = ask(PUBLIC, 8914)
    proof = base64.urlsafe_b64encode(hashlib.sha256(question.verifier.encode()).digest()).decode().rstrip("=")
    assert f"code_challenge={proof}&code_challenge_method=S256" in question.address
    assert 43 <= len(question.verifier) <= 128
    assert question.verifier not in question.address + repr(question)


def test_no_two_questions_are_alike() -> None:
    assert ask(PUBLIC, 1).state != ask(PUBLIC, 1).state
    assert ask(PUBLIC, 1).verifier != ask(PUBLIC, 1).verifier


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ("code=c", Stray, "does not belong to this attempt"),
        ("code=c&state=other", Stray, "does not belong to this attempt"),
        ("code=c&state=%C3%A9", Stray, "does not belong to this attempt"),
        ("error=access_denied&state=other", Stray, "does not belong to this attempt"),
        ("error=access_denied&state={state}", Declined, "declined at Xero, so nothing was changed"),
        ("error=invalid_scope&state={state}", Declined, r"did not let the app in \(invalid_scope\)"),
        ("error=<b>no</b>&state={state}", Declined, r"did not let the app in \(no reason given\)"),
        ("state={state}", InputError, "holds no code"),
        ("code=&state={state}", InputError, "holds no code"),
    ],
)
def test_an_answer_that_is_no_consent_is_told_in_one_sentence(answer: str, kind: type[Exception], words: str) -> None:
    question = ask(APP, 8914)
    with pytest.raises(kind, match=words):
        question.code("http://localhost:8914/callback?" + answer.format(state=question.state))


@pytest.mark.parametrize("text", ["", "yes", "http://[", "callback?"])
def test_what_is_no_address_at_all_is_refused(text: str) -> None:
    with pytest.raises(Stray):
        ask(APP, 8914).code(text)


def test_a_pasted_address_may_have_spaces_around_it() -> None:
    question = ask(APP, 8914)
    assert question.code(f"  {question.redirect_uri}?code=c&state={question.state} \n") == "c"


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def get(port: int) -> Iterator[Callable[[str], httpx.Response]]:
    with httpx.Client(base_url=f"http://localhost:{port}", trust_env=False) as browser:
        yield browser.get


def test_the_door_hands_the_code_over_and_shows_one_sentence(port: int, get: Callable[[str], httpx.Response]) -> None:
    question = ask(APP, port)
    with Loopback(port, question.code) as door:
        page = get(f"/callback?code=c-1&state={question.state}")
        assert door.wait(5) == "c-1"
    assert page.status_code == 200
    assert page.text.count("<p>") == 1
    assert "c-1" not in page.text
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")


def test_the_door_waits_past_whatever_is_not_the_answer(port: int, get: Callable[[str], httpx.Response]) -> None:
    question = ask(APP, port)
    with Loopback(port, question.code) as door, socket.create_connection(("127.0.0.1", port)):
        assert get("/favicon.ico").status_code == 404
        assert get("/callback?code=theirs&state=theirs").status_code == 400
        assert get(f"/callback?code=ours&state={question.state}").status_code == 200
        assert door.wait(5) == "ours"


def test_the_door_hands_a_refusal_over(port: int, get: Callable[[str], httpx.Response]) -> None:
    question = ask(APP, port)
    with Loopback(port, question.code) as door:
        assert "declined" in get(f"/callback?error=access_denied&state={question.state}").text
        with pytest.raises(Declined):
            door.wait(5)


def test_the_door_does_not_wait_for_ever(port: int) -> None:
    with Loopback(port, str) as door, pytest.raises(InputError, match="Nobody answered"):
        door.wait(0.01)


def test_a_port_that_is_taken_is_told_with_ways_out(port: int) -> None:
    with socket.create_server(("127.0.0.1", port)), pytest.raises(InputError, match=rf"Port {port} .*--paste"):
        Loopback(port, str)


def test_the_door_listens_on_this_machine_only(port: int) -> None:
    with Loopback(port, str) as door:
        assert door._server.server_address[0] == "127.0.0.1"
    assert not [each for each in threading.enumerate() if each.name == "redirect"]


def test_the_lines_to_append_make_a_configuration(configured: Path) -> None:
    found = Tenant("id", TENANT, "ORGANISATION", 'Acme "2" [x]')
    text = configured.read_text(encoding="utf-8")
    configured.write_text(f"{text}\n{snippet(load(configured, secrets=False), 'acme', found)}\n", encoding="utf-8")
    added = load(configured, secrets=False).settings("acme-2-x")
    assert (added.name, added.tenant_id, added.mode) == ('Acme "2" [x]', TENANT, "watch")
    assert added.people.accounting == ("a@example.org",)


def test_the_key_of_the_lines_to_append_is_not_taken(configured: Path) -> None:
    lines = snippet(load(configured, secrets=False), "acme", Tenant("id", TENANT, "ORGANISATION", "Acme"))
    assert 'key = "acme-2"' in lines


DOCUMENT = (Path(__file__).parents[2] / "docs/connecting.md").read_text(encoding="utf-8")


def test_every_command_in_the_document_exists_with_its_options() -> None:
    named = set(re.findall(r"`(?:``\n)?billwatch ([a-z]+)((?: --[a-z-]+)*)", DOCUMENT))
    assert {name for name, _ in named} == {"connect", "connections", "doctor"}
    for name, options in named:
        command = main.get_command(click.Context(main), name)
        assert command is not None, name
        assert set(options.split()) <= {option for each in command.params for option in each.opts}


def test_the_document_names_the_redirect_address_and_the_scopes_that_are_asked_for() -> None:
    question = ask(APP, REDIRECT_PORT)
    assert f"`{question.redirect_uri}`" in DOCUMENT
    scopes = {word for word in re.findall(r"^\| `(.*?)` \|", DOCUMENT, re.MULTILINE) if " " not in word}
    assert scopes == {
        *asked(APP)["scope"].split(),
        ATTACHMENTS_SCOPE,
    }
