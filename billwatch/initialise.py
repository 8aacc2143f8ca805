"""A first configuration, with fresh keys of its own and plain words on what is still to be put in.

The file is short; `config.example.toml` describes every option.
"""

import base64
import json
import os
import re
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from billwatch.config import checked
from reconciler.errors import InputError

FILE = "billwatch.toml"
SECRETS = Path("secrets")
CLIENT_SECRET = SECRETS / "client-secret"
NO_CLIENT = "PUT-THE-CLIENT-ID-HERE"
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Start:
    """What a first configuration is made of."""

    key: str
    name: str
    tenant_id: str
    client_id: str
    accounting: str
    account: str


def initialise(directory: Path, start: Start) -> Path:
    """Write `billwatch.toml` and `secrets/` into the directory; returns the path of the file.

    Nothing that exists is written over. Raises InputError when something does, ConfigurationError for unusable values.
    """
    path = directory / FILE
    contents = {
        directory / SECRETS / "encryption-key": _fresh_key(),
        directory / SECRETS / "link-key": _fresh_key(),
        directory / SECRETS / "webhook-key": "",
        directory / CLIENT_SECRET: "",
        path: _configuration(start),
    }
    checked(contents[path].encode(), path, secrets=False)
    for existing in filter(Path.exists, [path, *contents]):
        raise InputError(f"{existing} exists already and is left as it is; choose another --directory.")
    (directory / SECRETS).mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / SECRETS).chmod(0o700)
    for place, content in contents.items():
        _write(place, content)
    return path


def _fresh_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode() + "\n"


def _write(path: Path, content: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)


def _configuration(start: Start) -> str:
    values = {name: quoted(getattr(start, name)) for name in Start.__slots__}
    return _TEMPLATE.format(**values | {"accounting": values["accounting"] if start.accounting else ""})


def short_name(name: str) -> str:
    """A key made from a name: "Te Māra Trust" is `te-mara-trust`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].strip("-") or "organisation"


def quoted(text: str) -> str:
    """As a TOML string: JSON's escapes are among TOML's, save that TOML also wants DEL escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


_TEMPLATE = """\
# Every option is described in config.example.toml.

[server]
# The address under which people and Xero reach billwatch; it makes the links in mails.
# public_url = "https://billwatch.example.org"

[keys]
encryption = ["file:secrets/encryption-key"]
links = ["file:secrets/link-key"]

[xero]
# To try things out against "billwatch sandbox", uncomment these three.
# api_url = "http://127.0.0.1:9900"
# identity_url = "http://127.0.0.1:9900"
# login_url = "http://127.0.0.1:9900"

# Put the signing key of your webhook into the file, then uncomment this. Until then the sweep finds what changed.
# webhook_keys = ["file:secrets/webhook-key"]

[mail]
# Until there is a host and a sender, mails are kept.
# host = "mail.example.org"
# sender = "billwatch@example.org"

[[organisation]]
key = {key}
name = {name}
tenant_id = {tenant_id}
client_id = {client_id}
client_secret = "file:secrets/client-secret"

# "client_credentials" for a custom connection, "refresh_token" for an app that a person authorises.
grant = "client_credentials"

# "watch" writes nothing to Xero and shows what it would write; "sync" is live.
mode = "watch"

# The account code that bills are coded to.
account = {account}

[organisation.people]
# Mail addresses of whoever can resolve something in Xero.
accounting = [{accounting}]
"""
