"""What `billwatch init` leaves behind."""

from pathlib import Path

import pytest

from billwatch.config import load
from billwatch.initialise import Start, initialise, manual, sandboxed, strangers
from billwatch.sandbox import known
from reconciler.errors import ConfigurationError, InputError
from reconciler.organisation import Books
from storage.ledger import Ledger

START = Start("acme", 'Acme "Trust" \\ ā', "45e4708e-d862-4111-ab3a-dd8cd03913e1", "app", "a@example.org", "450")


def test_what_is_written_is_a_configuration_that_lacks_only_the_client_secret(tmp_path: Path) -> None:
    path = initialise(tmp_path, START)
    with pytest.raises(ConfigurationError, match=r"client_secret: The file .*client-secret is empty\."):
        load(path)
    (tmp_path / "secrets/client-secret").write_text("the secret", encoding="utf-8")
    (organisation,) = load(path).organisations()
    assert (organisation.key, organisation.name, organisation.tenant_id) == (START.key, START.name, START.tenant_id)
    assert load(path).connection("acme").client_secret == "the secret"


def test_only_the_owner_may_read_what_is_written(tmp_path: Path) -> None:
    path = initialise(tmp_path, START)
    secrets = tmp_path / "secrets"
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in [path, *secrets.iterdir()]} == {0o600}


def test_every_key_is_another(tmp_path: Path) -> None:
    initialise(tmp_path / "a", START)
    initialise(tmp_path / "b", START)
    keys = [file.read_text() for file in tmp_path.glob("?/secrets/*-key") if file.name != "webhook-key"]
    assert len(set(keys)) == len(keys) == 4


@pytest.mark.parametrize("existing", ["billwatch.toml", "secrets/encryption-key", "secrets/client-secret"])
def test_nothing_is_written_over_or_beside_what_exists(tmp_path: Path, existing: str) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / existing).write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=f"{existing} exists already and is left as it is"):
        initialise(tmp_path, START)
    assert [path.read_text() for path in tmp_path.rglob("*") if path.is_file()] == ["mine"]


def test_unusable_values_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r'accounting is "nobody", but must be a mail address'):
        initialise(tmp_path, Start("acme", "Acme", "", "app", "nobody", ""))
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_for_the_sandbox_lacks_nothing(tmp_path: Path) -> None:
    config = load(initialise(tmp_path, sandboxed(known.URL, known.ORGANISATION)))
    connection = config.connection("example-trust")
    assert config.xero.api_url == config.xero.identity_url == config.xero.login_url == known.URL
    assert [key.reveal() for key in config.xero.webhook_keys] == [known.WEBHOOK_KEY]
    assert (connection.client_id, connection.client_secret) == (
        known.known_client(known.ORGANISATION),
        known.CLIENT_SECRET,
    )
    assert f"{config.server.public_url}/webhooks/xero" == known.WEBHOOK_URL


def test_mails_of_a_trial_go_to_the_sandbox_where_there_is_somebody_to_mail_to(tmp_path: Path) -> None:
    mail = load(initialise(tmp_path / "a", sandboxed(known.URL, known.ORGANISATION, "ana@example.org"))).mail
    assert (mail.host, mail.port, mail.security) == ("127.0.0.1", known.MAIL_PORT, "none")
    assert load(initialise(tmp_path / "b", sandboxed(known.URL, known.ORGANISATION))).mail.host == ""


def test_a_configuration_for_xero_names_no_sandbox(tmp_path: Path) -> None:
    initialise(tmp_path, START)
    config = load(tmp_path / "billwatch.toml", secrets=False)
    assert (config.xero.api_url, config.xero.webhook_keys) == ("https://api.xero.com", ())


def test_organisations_of_a_database_that_was_there_before_are_named(tmp_path: Path) -> None:
    path = initialise(tmp_path, START)
    assert strangers(path, "acme") == []
    with Ledger.open(f"sqlite:///{tmp_path}/billwatch.db") as ledger:
        ledger.mirror.store_books("acme", Books(name="Acme"))
        ledger.mirror.store_books("my-organisation", Books(name="My organisation"))
    assert strangers(path, "acme") == ["my-organisation"]


def test_the_manual_is_the_example_file() -> None:
    assert manual() == (Path(__file__).parents[2] / "config.example.toml").read_text(encoding="utf-8")
