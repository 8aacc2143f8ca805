"""What the doctor finds of the way in from outside, by knocking at a door that answers as it is told."""

import datetime as dt
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
import stamina

from billwatch.config import Config
from billwatch.doctor import machine
from billwatch.doctor.machine import Machine


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    """Reads are tried three times all the same, without real waiting in between."""
    stamina.set_testing(True, attempts=3, cap=True)
    yield
    stamina.set_testing(False)


class Door:
    """A web server on a free port that answers as it is told, by method and by whether the signature is right."""

    def __init__(self, answers: Mapping[str, tuple[int, bytes]]) -> None:
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, answers))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.port = self._server.server_port

    def __enter__(self) -> "Door":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(door: Door, answers: Mapping[str, tuple[int, bytes]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(self.path)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            door.asked.append(self.headers["x-xero-signature"])
            self.answer("right" if len(door.asked) == 1 else "wrong")

        def answer(self, what: str) -> None:
            status, body = answers.get(what, (404, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    return Handler


HEALTHY = {"/healthz": (200, b"ok\n"), "right": (200, b""), "wrong": (401, b"")}


def wall() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def seen(config: Config, path: Path, check: str) -> tuple[str, str, str]:
    finding = machine.CHECKS[check](Machine(config, path, wall))
    return finding.level.value, finding.words, finding.mend


def at(config: Config, url: str, *, port: int = 1, keys: bool = True) -> Config:
    """With that public address and local port, and a signing key for webhooks."""
    change = msgspec.structs.replace
    hooks = config.keys.links if keys else ()
    server = change(config.server, public_url=url, port=port)
    return change(config, server=server, xero=change(config.xero, webhook_keys=hooks))


def test_a_public_address_that_leads_here_is_well_but_for_the_missing_encryption(
    config: Config, configured: Path
) -> None:
    with Door(HEALTHY) as door:
        level, words, mend = seen(at(config, door.url), configured, "public address")
    assert (level, words) == ("warning", f"{door.url} leads here without encryption")
    assert "https only" in mend


def test_a_public_address_that_leads_elsewhere_fails_while_billwatch_runs(config: Config, configured: Path) -> None:
    with Door(HEALTHY) as here, Door({"/healthz": (200, b"Welcome to nginx")}) as elsewhere:
        level, words, mend = seen(at(config, elsewhere.url, port=here.port), configured, "public address")
    assert (level, words) == ("failed", f"{elsewhere.url} does not lead to billwatch")
    assert mend == f"Let your web server hand it on to {here.url}."


def test_a_public_address_is_not_judged_while_billwatch_does_not_run(config: Config, configured: Path) -> None:
    level, words, mend = seen(at(config, "http://127.0.0.1:9"), configured, "public address")
    assert (level, mend) == ("warning", "Run billwatch serve, then billwatch doctor again.")
    assert "was not tested" in words


def test_without_a_public_address_there_is_nothing_to_test(config: Config, configured: Path) -> None:
    assert seen(config, configured, "public address")[0] == "ok"
    assert seen(config, configured, "webhooks") == (
        "ok",
        "none are set up; a sweep every 15 minutes finds changes",
        "",
    )


def test_a_signed_webhook_comes_through_and_a_wrongly_signed_one_does_not(config: Config, configured: Path) -> None:
    with Door(HEALTHY) as door:
        level, words, _ = seen(at(config, door.url), configured, "webhooks")
    assert (level, words) == ("ok", f"{door.url}/webhooks/xero takes what is signed and turns away what is not")
    assert len(set(door.asked)) == 2


@pytest.mark.parametrize(
    ("answers", "level", "said", "mend"),
    [
        ({**HEALTHY, "right": (401, b"")}, "failed", "signed with our key is turned away", "Restart billwatch serve"),
        ({**HEALTHY, "wrong": (200, b"")}, "failed", "answers 200 and 200 instead", "hand POST requests on unchanged"),
        ({"/healthz": (200, b"ok")}, "failed", "answers 404 and 404 instead", "hand POST requests on unchanged"),
        ({}, "warning", "the public address does not answer", "Run billwatch serve"),
    ],
)
def test_what_keeps_webhooks_out_is_found(
    config: Config, configured: Path, answers: dict[str, tuple[int, bytes]], level: str, said: str, mend: str
) -> None:
    with Door(answers) as door:
        found_level, words, found_mend = seen(at(config, door.url), configured, "webhooks")
    assert found_level == level
    assert said in words
    assert mend in found_mend


def test_a_signing_key_without_a_public_address_is_of_no_use(config: Config, configured: Path) -> None:
    level, _, mend = seen(at(config, ""), configured, "webhooks")
    assert (level, mend) == ("warning", "Set public_url under [server].")
