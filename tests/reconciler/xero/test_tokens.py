"""One refresh at a time, stored before it is used, and never in the clear."""

import threading
from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet

from billwatch.sandbox import Sandbox
from reconciler.errors import ConfigurationError, ConnectionLost, StorageError, Unavailable
from reconciler.organisation import Organisation
from reconciler.xero.connections import Connection, Connections
from reconciler.xero.http import Http
from reconciler.xero.settings import Grant
from reconciler.xero.tokens import Seal, Tokens

from .conftest import KEY, Clock, MemoryStore, Reply, Script


@pytest.fixture
def http(clock: Clock) -> Iterator[Http]:
    http = Http(clock, silence_seconds=5.0)
    yield http
    http.close()


def connection(script: Script, grant: Grant = "refresh_token", secret: str = "secret") -> Connection:
    return Connection("main", grant, "id", secret, api_url=script.url, identity_url=script.url)


@pytest.fixture
def tokens(script: Script, store: MemoryStore, http: Http, clock: Clock) -> Tokens:
    """Of an app that a person has consented to; its first tokens are `access-1` and `refresh-1`."""
    made = Tokens(connection(script), store, Seal([KEY]), http, clock)
    made.redeem("code", "http://localhost/callback", "verifier")
    return made


def denied(error: str) -> Reply:
    return Reply(400, f'{{"error":"{error}"}}'.encode())


def test_a_token_is_used_until_a_minute_before_its_end(tokens: Tokens, clock: Clock) -> None:
    assert tokens.access() == "access-1"
    clock.advance(1_739)
    assert tokens.access() == "access-1"
    clock.advance(1)
    assert tokens.access() == "access-2"


def test_a_new_process_finds_the_tokens_of_the_last(
    tokens: Tokens, script: Script, store: MemoryStore, http: Http, clock: Clock
) -> None:
    again = Tokens(connection(script), store, Seal([KEY]), http, clock)
    assert again.access() == tokens.access() == "access-1"
    assert script.granted == 1


def test_what_is_stored_cannot_be_read_without_the_key(tokens: Tokens, store: MemoryStore) -> None:
    blob = store.kept["main"][0]
    assert b"access" not in blob
    assert b"refresh-1" in Fernet(KEY).decrypt(blob)


def test_a_newer_key_reads_what_an_older_one_wrote_and_writes_anew(
    tokens: Tokens, script: Script, store: MemoryStore, http: Http, clock: Clock
) -> None:
    newer = Fernet.generate_key().decode()
    rotated = Tokens(connection(script), store, Seal([newer, KEY]), http, clock)
    assert rotated.access() == "access-1"
    rotated.renew("access-1")
    assert b"access-2" in Fernet(newer).decrypt(store.kept["main"][0])


def test_without_the_key_a_person_must_act(
    script: Script, tokens: Tokens, store: MemoryStore, http: Http, clock: Clock
) -> None:
    other = Tokens(connection(script), store, Seal([Fernet.generate_key().decode()]), http, clock)
    with pytest.raises(ConnectionLost, match="cannot be decrypted"):
        other.access()


@pytest.mark.parametrize("keys", [[], ["short"], ["\u00e9" * 44]])
def test_a_key_that_is_none_is_a_fault_of_the_configuration(keys: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="key"):
        Seal(keys)


def test_rotated_tokens_are_stored_before_they_are_used(
    tokens: Tokens, script: Script, store: MemoryStore, clock: Clock
) -> None:
    clock.advance(1_800)
    store.put = _fails  # type: ignore[method-assign]
    with pytest.raises(StorageError):
        tokens.access()
    del store.put
    assert tokens.access() == "access-3"


def _fails(*_: object) -> bool:
    raise StorageError("disk full")


def test_a_refresh_carries_the_latest_refresh_token(
    tokens: Tokens, script: Script, store: MemoryStore, clock: Clock
) -> None:
    for turn in (2, 3):
        clock.advance(1_800)
        assert tokens.access() == f"access-{turn}"
        assert f'"refresh":"refresh-{turn}"'.encode() in Fernet(KEY).decrypt(store.kept["main"][0])


def test_many_threads_refresh_once(tokens: Tokens, script: Script, clock: Clock) -> None:
    clock.advance(1_800)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(tokens.access())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {"access-2"}
    assert script.granted == 2


def test_a_token_that_another_thread_has_replaced_already_is_not_refreshed_again(
    tokens: Tokens, script: Script
) -> None:
    assert tokens.renew("access-1") == tokens.renew("access-1") == "access-2"
    assert script.granted == 2


def test_when_another_process_stored_first_its_tokens_count(
    tokens: Tokens, script: Script, store: MemoryStore, http: Http, clock: Clock
) -> None:
    clock.advance(1_800)
    other = Tokens(connection(script), store, Seal([KEY]), http, clock)
    body = b'{"access_token":"late","expires_in":1800,"refresh_token":"late"}'
    script.tokens = [Reply(200, body, before=other.access)]
    assert tokens.access() == "access-2"
    assert b"late" not in Fernet(KEY).decrypt(store.kept["main"][0])


def test_a_refusal_is_forgotten_when_another_process_has_refreshed_meanwhile(
    tokens: Tokens, script: Script, store: MemoryStore, http: Http, clock: Clock
) -> None:
    clock.advance(1_800)
    other = Tokens(connection(script), store, Seal([KEY]), http, clock)
    script.tokens = [Reply(400, b'{"error":"invalid_grant"}', before=other.access)]
    assert tokens.access() == "access-2"


@pytest.mark.parametrize("error", ["invalid_grant", "unauthorized_client", "invalid_client", "invalid_scope"])
@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_grant_means_that_a_person_must_connect_again(
    tokens: Tokens, script: Script, clock: Clock, error: str, status: int
) -> None:
    clock.advance(1_800)
    script.tokens = [Reply(status, denied(error).body)]
    with pytest.raises(ConnectionLost, match=rf"main.*{error}.*connect again"):
        tokens.access()


@pytest.mark.parametrize("status", [0, 429, 500, 503])
def test_a_refresh_that_fails_for_now_is_tried_with_the_same_token_later(
    tokens: Tokens, script: Script, clock: Clock, status: int
) -> None:
    clock.advance(1_800)
    script.tokens = [Reply(status)]
    with pytest.raises(Unavailable):
        tokens.access()
    assert tokens.access() == "access-2"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"access_token":"x"}', b'{"access_token":1,"expires_in":1800}'])
def test_an_answer_without_a_token_is_none(tokens: Tokens, script: Script, clock: Clock, body: bytes) -> None:
    clock.advance(1_800)
    script.tokens = [Reply(200, body)]
    with pytest.raises(Unavailable):
        tokens.access()


def test_an_app_that_nobody_has_consented_to_is_not_connected(
    script: Script, store: MemoryStore, http: Http, clock: Clock
) -> None:
    with pytest.raises(ConnectionLost, match="not authorised yet"):
        Tokens(connection(script), store, Seal([KEY]), http, clock).access()
    assert script.granted == 0


def test_a_custom_connection_needs_nobody(script: Script, store: MemoryStore, http: Http, clock: Clock) -> None:
    assert Tokens(connection(script, "client_credentials"), store, Seal([KEY]), http, clock).access() == "access-1"


def test_a_code_is_redeemed_refreshed_and_shows_its_tenants(sandbox: Sandbox, shared_clock: Clock) -> None:
    org = sandbox.organisation("Kea Trust")
    app = Connection("app", "refresh_token", sandbox.client_id, sandbox.client_secret, sandbox.url, sandbox.url)
    store = MemoryStore()
    with Connections(store, [KEY], shared_clock) as connections:
        refresh = sandbox.tokens()["refresh_token"]
        blob = f'{{"access":"","refresh":"{refresh}","expires_at":"2026-01-01T00:00:00Z"}}'.encode()
        store.put("app", Fernet(KEY).encrypt(blob), 0)
        assert org.tenant_id in {tenant.tenant_id for tenant in connections.tenants(app)}
        shared_clock.advance(1_800)
        client = connections.client(app, Organisation("kea", "Kea Trust", tenant_id=org.tenant_id))
        assert client.bills(["none"]) == []
        org.disconnect()
        with pytest.raises(ConnectionLost, match="no longer"):
            client.bills(["none"])


def test_two_different_connections_cannot_share_a_name(script: Script, connections: Connections) -> None:
    connections.tokens(connection(script))
    assert connections.tokens(connection(script)) is connections.tokens(connection(script))
    with pytest.raises(ConfigurationError, match="main"):
        connections.tokens(connection(script, secret="other"))
