"""Keys are exchanged under a running daemon: what is sealed stays readable at every moment, and no key is shown."""

import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from billwatch.cli import main
from billwatch.config import Config, load
from billwatch.initialise import Start, initialise
from billwatch.rotation import reseal
from billwatch.secret import KeyRing, SigningKeys
from reconciler.xero.tokens import Seal
from storage import Ledger

PLAIN = b'{"access":"a token"}'


@pytest.fixture
def path(tmp_path: Path, on_server: Callable[[Path], None]) -> Path:
    """A configuration as `billwatch init` writes it, complete, with one sealed token in its database."""
    path = initialise(tmp_path / "home", Start("example", "Example Trust", "", "client", "", "480"))
    secrets = path.parent / "secrets"
    (secrets / "client-secret").write_text("client-secret-one\n")
    (secrets / "webhook-key").write_text("hook-key-one\n")
    path.write_text(path.read_text().replace("# webhook_keys", "webhook_keys"))
    on_server(path)
    config = load(path)
    with Ledger.open(config.storage.url) as ledger:
        ledger.tokens.put("client", Seal(KeyRing(config.keys.encryption)).encrypt(PLAIN), 0)
    return path


def run(path: Path, *words: str, given: str = "") -> Result:
    return CliRunner().invoke(main, ["--config", str(path), "keys", *words], input=given)


def done(path: Path, *words: str, given: str = "") -> str:
    result = run(path, *words, given=given)
    assert result.exit_code == 0, result.output
    return result.output


def token(config: Config) -> bytes:
    with Ledger.open(config.storage.url) as ledger:
        held = ledger.tokens.get("client")
    assert held
    return held[0]


def keys_of(path: Path, name: str) -> list[str]:
    return (path.parent / "secrets" / name).read_text().split()


def test_rotation_seals_every_token_with_a_key_of_its_own(path):
    (old,) = keys_of(path, "encryption-key")
    done(path, "rotate")
    new, still = keys_of(path, "encryption-key")
    assert (still, Fernet(new).decrypt(token(load(path)))) == (old, PLAIN)


def test_a_running_house_reads_tokens_before_between_and_after(path):
    config = load(path)
    running = Seal(KeyRing(config.keys.encryption))
    assert running.decrypt(token(config)) == PLAIN
    done(path, "rotate")
    assert running.decrypt(token(config)) == PLAIN
    done(path, "retire")
    assert running.decrypt(token(config)) == PLAIN
    assert Fernet(keys_of(path, "encryption-key")[0]).decrypt(running.encrypt(PLAIN)) == PLAIN


def test_retiring_leaves_one_key_and_seals_anew_what_an_older_one_sealed(path):
    (old,) = keys_of(path, "encryption-key")
    done(path, "rotate")
    with Ledger.open(load(path).storage.url) as ledger:
        ledger.tokens.put("late", Fernet(old).encrypt(PLAIN), 0)
    assert "1 connection was encrypted anew" in done(path, "retire")
    (new,) = keys_of(path, "encryption-key")
    with Ledger.open(load(path).storage.url) as ledger:
        assert Fernet(new).decrypt(ledger.tokens.get("late")[0]) == PLAIN


def test_tokens_that_no_key_opens_are_named_and_no_key_leaves(path):
    done(path, "rotate")
    with Ledger.open(load(path).storage.url) as ledger:
        ledger.tokens.put("strange", Fernet(Fernet.generate_key()).encrypt(PLAIN), 0)
    result = run(path, "retire")
    assert result.exit_code == 1
    assert "strange" in result.output
    assert len(keys_of(path, "encryption-key")) == 2


def test_tokens_that_are_renewed_meanwhile_are_not_lost(path):
    config = load(path)
    newer = Fernet.generate_key().decode()
    seal = Seal([newer, *keys_of(path, "encryption-key")])
    with Ledger.open(config.storage.url) as ledger:
        stop = threading.Event()

        def renew() -> None:
            while not stop.is_set():
                _, version = ledger.tokens.get("client")
                ledger.tokens.put("client", seal.encrypt(PLAIN + b" "), version)

        renewing = threading.Thread(target=renew, daemon=True)
        renewing.start()
        try:
            reseal(ledger.tokens, seal)
        finally:
            stop.set()
            renewing.join(10)
        assert Fernet(newer).decrypt(ledger.tokens.get("client")[0]).strip() == PLAIN


def test_a_webhook_key_is_asked_for_and_both_are_accepted_until_the_old_one_retires(path):
    accepted = SigningKeys(load(path).xero.webhook_keys)
    assert [key.secret for key in accepted] == ["hook-key-one"]
    done(path, "rotate", "--kind", "webhooks", given="new-key\n")
    assert [key.secret for key in accepted] == ["new-key", "hook-key-one"]
    done(path, "retire", "--kind", "webhooks")
    assert [key.secret for key in accepted] == ["new-key"]


def test_link_keys_overlap_too(path):
    ring = KeyRing(load(path).keys.links)
    (old,) = ring
    done(path, "rotate", "--kind", "links")
    assert ring[1] == old
    assert ring[0] != old


def test_no_key_is_ever_shown(path):
    shown = ""
    for words in (["list"], ["rotate"], ["rotate", "--kind", "links"], ["reseal"], ["list"], ["retire"]):
        shown += done(path, *words)
    shown += run(path, "rotate", "--kind", "webhooks", given="new-secret-key\n").output
    secrets = [key for file in (path.parent / "secrets").iterdir() for key in file.read_text().split()]
    assert [key for key in [*secrets, "new-secret-key"] if len(key) > 5 and key in shown] == []


def test_files_of_keys_stay_closed_to_others(path):
    done(path, "rotate")
    file = path.parent / "secrets" / "encryption-key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir() if each.name.startswith(".")] == []


def test_a_key_of_the_environment_is_left_to_the_operator(path):
    path.write_text(path.read_text().replace("file:secrets/encryption-key", "env:BILLWATCH_KEY"))
    one = Fernet.generate_key().decode()
    result = CliRunner(env={"BILLWATCH_KEY": one}).invoke(main, ["--config", str(path), "keys", "rotate"])
    assert result.exit_code == 1
    assert "env:BILLWATCH_KEY" in result.output
    assert one not in result.output


def test_a_ring_whose_file_vanishes_keeps_its_keys(path):
    ring = KeyRing(load(path).keys.encryption)
    held = list(ring)
    (path.parent / "secrets" / "encryption-key").unlink()
    assert list(ring) == held


@pytest.mark.parametrize("ring", ["KeyRing", "SigningKeys"])
def test_rings_show_places_and_no_keys(path, ring):
    config = load(path)
    made = KeyRing(config.keys.links) if ring == "KeyRing" else SigningKeys(config.xero.webhook_keys)
    assert not [key for key in keys_of(path, "link-key") if key in repr(made) or key in str(made)]
