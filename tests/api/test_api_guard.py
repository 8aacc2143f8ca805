"""Who may call, how often, and how every refusal is told."""

import datetime as dt
import secrets
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from calling import BASE, MILESTONES, Caller
from click.testing import CliRunner
from cryptography.fernet import Fernet
from databases import contents
from world import KEY

from billwatch.cli import main
from receiver.api.auth import Pace
from receiver.api.operations import OPERATIONS, SMALL
from reconciler.callers import Scope
from reconciler.tickets import token_hash

PROBLEM = "application/problem+json"
NOW = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize("header", ["", "Bearer", "Basic eDp5", "Bearer bw_unknown", "Bearer " + "x" * 300, "Bearer ü"])
def test_without_a_valid_key_nothing_is_told(caller: Caller, header: str) -> None:
    headers = [(b"authorization", header.encode())] if header else []
    with httpx.Client(base_url=caller.client.base_url) as client:
        answer = client.get(f"{MILESTONES}/M-1", headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="billwatch"')
    assert answer.headers["content-type"] == PROBLEM


def test_a_key_reaches_its_organisations_alone(caller: Caller) -> None:
    caller.put()
    other = caller.key("Other", organisations=["elsewhere"])
    problem = caller.ask("GET", f"{MILESTONES}/M-1", headers=other, status=404)
    assert problem["detail"] == f"There is no organisation “{KEY}” that this key reaches."
    assert caller.ask("GET", f"{BASE}/organisations", headers=other) == {"items": []}
    mine = caller.key("Mine", organisations=[KEY])
    assert caller.ask("GET", f"{MILESTONES}/M-1", headers=mine)["key"] == "M-1"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_a_key_does_what_its_scopes_allow(caller: Caller, operation: Any) -> None:
    path = BASE + operation.path.format(organisation=KEY, key="M-1")
    for scope in Scope:
        answer = caller.client.request(operation.method, path, headers=caller.key(scope.value, frozenset({scope})))
        allowed = scope is operation.scope or (operation.scope is Scope.READ and scope is Scope.WRITE)
        assert (answer.status_code == 403) is not allowed


def test_a_revoked_key_is_refused_at_once_and_its_use_was_noted(caller: Caller) -> None:
    headers, keys = caller.key("Gone"), caller.world.house.ledger.apikeys
    caller.ask("GET", f"{BASE}/organisations", headers=headers)
    (gone,) = [key for key in keys.listed() if key.name == "Gone"]
    assert caller.world.house.clock() - gone.used_at < dt.timedelta(seconds=10)
    assert keys.revoke("Gone", caller.world.house.clock())
    caller.ask("GET", f"{BASE}/organisations", headers=headers, status=401)


def test_the_text_of_a_key_is_not_kept(caller: Caller) -> None:
    text = caller.key("Secret")["Authorization"].removeprefix("Bearer ")
    caller.world.house.ledger.close()
    kept = contents(caller.world.house.config.storage.url)
    assert text.encode() not in kept
    assert token_hash(text) in kept


def test_a_key_that_asks_too_often_waits(calling: Any) -> None:
    caller = calling(extra="[api]\nrequests_per_minute = 3")
    codes = [caller.client.get(f"{BASE}/organisations") for _ in range(4)]
    assert [each.status_code for each in codes] == [200, 200, 200, 429]
    assert codes[-1].headers["retry-after"] in ("20", "21")
    caller.ask("GET", f"{BASE}/organisations", headers=caller.key("Other"))
    caller.world.xero.advance(seconds=21)
    caller.ask("GET", f"{BASE}/organisations")


def test_a_bucket_fills_up_and_never_over() -> None:
    pace = Pace(2)
    assert [pace.take(1, NOW) for _ in range(3)] == [0, 0, 31]
    assert pace.take(1, NOW + dt.timedelta(seconds=30)) == 0
    later = NOW + dt.timedelta(hours=1)
    assert [pace.take(1, later) for _ in range(3)] == [0, 0, 31]


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "", 404, "not-found"),
        ("GET", f"/organisations/{KEY}/milestones/%FF", 404, "not-found"),
        ("GET", "/organisations/none/milestones", 404, "not-found"),
        ("PATCH", f"/organisations/{KEY}/milestones/M-1", 405, "wrong-method"),
        ("DELETE", f"/organisations/{KEY}/milestones/M-1", 405, "wrong-method"),
        ("POST", "/organisations", 405, "wrong-method"),
        ("POST", f"/organisations/{KEY}/milestones/M-1/resync", 404, "not-found"),
        ("GET", f"/organisations/{KEY}/changes?after=x", 422, "not-valid"),
        ("GET", f"/organisations/{KEY}/milestones?limit=0", 422, "not-valid"),
    ],
)
def test_every_refusal_is_a_problem(caller: Caller, method: str, path: str, status: int, kind: str) -> None:
    answer = caller.client.request(method, BASE + path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    problem = answer.json()
    assert (problem["type"], problem["status"]) == (f"urn:billwatch:problem:{kind}", status)
    assert problem["detail"]
    if status == 405:
        assert method not in answer.headers["allow"].split(", ")


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 100_000, "application/json", 422),
        (b'{"title": "\\ud800"}', "application/json", 400),
        (b"x" * (SMALL + 1), "application/json", 413),
        (b"", "application/json", 400),
    ],
    ids=["text", "none", "broken", "not text", "deep", "half a character", "large", "empty"],
)
def test_a_body_that_cannot_be_read_is_told_so(caller: Caller, content: bytes, media: str, status: int) -> None:
    headers = {"Content-Type": media} if media else {}
    answer = caller.client.put(f"{MILESTONES}/M-1", content=content, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)


def test_a_compressed_body_is_not_unpacked(caller: Caller) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert caller.client.put(f"{MILESTONES}/M-1", content=b"x", headers=headers).status_code == 415


def test_a_large_body_is_not_read_before_the_key_is(caller: Caller) -> None:
    head = f"POST {MILESTONES} HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n"
    with socket.create_connection((caller.server.host, caller.server.port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 401")


@pytest.mark.file
def test_a_broken_file_is_told_without_its_place(caller: Caller, tmp_path: Path) -> None:
    caller.world.house.ledger.close()
    database = tmp_path / "billwatch.db"
    database.write_bytes(b"not a database any more" * 100)
    answer = caller.client.get(f"{MILESTONES}/M-1")
    assert answer.status_code == 503
    assert str(database) not in answer.text


def test_answers_carry_the_headers_that_keep_them_harmless_and_set_no_cookie(caller: Caller) -> None:
    answer = caller.client.get(f"{BASE}/organisations")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "set-cookie" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


def test_keys_are_made_listed_and_revoked_on_the_command_line(tmp_path: Any) -> None:
    path = tmp_path / "billwatch.toml"
    path.write_text(
        '[keys]\nencryption = ["env:E"]\nlinks = ["env:L"]\n[[organisation]]\nkey = "example"\nname = "Example Trust"\n'
        'client_id = "0123456789ABCDEF0123456789ABCDEF"\nclient_secret = "env:S"\n',
        encoding="utf-8",
    )
    env = {"E": Fernet.generate_key().decode(), "L": secrets.token_urlsafe(32), "S": "s"}

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner(env=env).invoke(main, ["--config", str(path), "keys", *words])
        assert done.exit_code == code, done.output
        return done.output

    made = run("new", "--name", "Platform", "--organisation", "example")
    assert made.startswith("bw_")
    assert "may read, write: example" in made
    assert "There is a key of the name" in run("new", "--name", "Platform", code=1)
    assert "no organisation" in run("new", "--name", "Other", "--organisation", "lost", code=1)
    assert "Platform" in run("list")
    assert "is revoked" in run("revoke", "--name", "Platform")
    assert "no key of the name" in run("revoke", "--name", "Platform", code=1)
    assert run("new", "--name", "Platform").startswith("bw_")
