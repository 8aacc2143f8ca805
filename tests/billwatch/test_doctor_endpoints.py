"""What the doctor finds of endpoints: each answer of theirs, and each way not to reach them, with what mends it."""

import datetime as dt
import http.server
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from outside import Ear, served
from standardwebhooks.webhooks import Webhook

from billwatch.doctor.endpoints import endpoint
from billwatch.doctor.findings import Finding, Level
from billwatch.secret import Secret
from billwatch.sections import Hook
from reconciler.callers import new_hook_secret
from reconciler.progress import EndpointState

SECRET = new_hook_secret()
FINE = EndpointState("platform")


@dataclass
class Far:
    """Somebody else's server on a free port: what it answers, and what it heard."""

    server: http.server.ThreadingHTTPServer
    status: int = 204
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"


@pytest.fixture
def far() -> Iterator[Far]:
    class Handler(Ear):
        def hear(self, body: bytes) -> None:
            there.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.answer(there.status)

    with served(Handler) as server:
        there = Far(server)
        yield there


def seen(tmp_path: Path, url: str, state: EndpointState | None = None) -> Finding:
    (tmp_path / "secret").write_text(SECRET, encoding="utf-8")
    hook = Hook(name="platform", url=url, secrets=(Secret(f"file:{tmp_path}/secret", tmp_path, {}),))
    return endpoint(hook, state, dt.datetime.now(dt.UTC))


def test_an_endpoint_that_takes_a_signed_test_event_is_well(far: Far, tmp_path: Path) -> None:
    found = seen(tmp_path, f"http://{far.place}/hooks", FINE)
    assert (found.level, found.mend) == (Level.OK, "")
    ((headers, body),) = far.heard
    assert Webhook(SECRET).verify(body, headers)["type"] == "billwatch.test"


@pytest.mark.parametrize(
    ("status", "mend"),
    [
        (401, "same secret"),
        (404, "Correct url"),
        (308, "redirects are not followed"),
        (410, "Take the [[hook]] out"),
        (500, "Whoever runs it"),
    ],
)
def test_each_answer_that_is_no_yes_has_its_mend(far: Far, tmp_path: Path, status: int, mend: str) -> None:
    far.status = status
    found = seen(tmp_path, f"http://{far.place}/hooks", FINE)
    assert found.level is Level.FAILED
    assert f"took no test event: {status}" in found.words
    assert mend in found.mend


def test_where_nobody_listens_it_is_said_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = seen(tmp_path, f"http://127.0.0.1:{port}/hooks")
    assert found.level is Level.FAILED
    assert "It could not be reached: it refuses connections" in found.words
    assert "firewall" in found.mend


def self_signed(folder: Path) -> Path:
    """A certificate for this machine that vouches for itself, with its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    day, now = dt.timedelta(days=1), dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (folder / "here.pem").write_bytes(key.private_bytes(*form) + certificate)
    return folder / "here.pem"


def test_a_certificate_that_nobody_vouches_for_is_named(far: Far, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    far.server.socket = context.wrap_socket(far.server.socket, server_side=True)
    found = seen(tmp_path, f"https://{far.place}/hooks")
    assert "its certificate is not trusted: self-signed certificate" in found.words
    assert far.heard == []


def test_what_is_switched_off_or_was_given_up_has_the_command_that_mends_it(far: Far, tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    off = EndpointState("platform", owed=7, off_at=now, off_because="it answered 410 Gone")
    found = seen(tmp_path, f"http://{far.place}/hooks", off)
    assert (found.level, found.mend) == (Level.WARNING, "billwatch hooks on --name platform")
    assert "7 are kept for it" in found.words
    missed = EndpointState("platform", given_up=3)
    assert "billwatch hooks replay --name platform" in seen(tmp_path, f"http://{far.place}/hooks", missed).mend


def test_a_secret_that_is_missing_is_said_and_nothing_is_sent(far: Far, tmp_path: Path) -> None:
    hook = Hook(
        name="platform", url=f"http://{far.place}/hooks", secrets=(Secret(f"file:{tmp_path}/none", tmp_path, {}),)
    )
    found = endpoint(hook, None, dt.datetime.now(dt.UTC))
    assert found.level is Level.FAILED
    assert "billwatch hooks secret" in found.mend
    assert far.heard == []
