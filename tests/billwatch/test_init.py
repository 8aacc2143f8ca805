"""What `billwatch init` leaves behind."""

from pathlib import Path

import pytest

from billwatch.config import load
from billwatch.initialise import Start, initialise
from reconciler.errors import ConfigurationError, InputError

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
