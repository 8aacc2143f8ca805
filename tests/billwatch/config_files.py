"""The least configuration file, with more behind it, loaded or refused."""

import base64
import os
import secrets
from pathlib import Path

import pytest

from billwatch.config import Config, load
from reconciler.errors import ConfigurationError

LEAST = """
[keys]
encryption = ["env:ENCRYPTION"]
links = ["env:LINKS"]
[[organisation]]
key = "acme"
name = "Acme Trust"
client_id = "app"
client_secret = "env:CLIENT"
"""
SECOND = '[[organisation]]\nkey = "beta"\nname = "Beta"\nclient_secret = "env:CLIENT"\n'
TENANT = "45e4708e-d862-4111-ab3a-dd8cd03913e1"
ENVIRON = {
    "ENCRYPTION": base64.urlsafe_b64encode(os.urandom(32)).decode(),
    "LINKS": secrets.token_urlsafe(32),
    "CLIENT": "client-secret",
}


def written(directory: Path, text: str) -> Path:
    path = directory / "billwatch.toml"
    path.write_text(text, encoding="utf-8")
    return path


def loaded(directory: Path, more: str = "", environ: dict[str, str] | None = None) -> Config:
    return load(written(directory, LEAST + more), environ=ENVIRON if environ is None else environ)


def refusal(directory: Path, more: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as error:
        loaded(directory, more, environ)
    sentence = str(error.value)
    assert sentence.startswith(f"{directory / 'billwatch.toml'}")
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    return sentence.removeprefix(f"{directory / 'billwatch.toml'}").lstrip(": ")
