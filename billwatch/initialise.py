"""A first configuration, with fresh keys of its own and plain words on what is still to be put in.

The file is short; `config.example.toml`, which `manual` gives, describes every option.
"""

import base64
import json
import os
import re
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from billwatch.config import checked, load
from billwatch.sandbox import known
from billwatch.sandbox.known import CLIENT_SECRET as KNOWN_SECRET
from billwatch.sandbox.known import WEBHOOK_KEY, known_client, known_id
from reconciler.errors import InputError
from storage.database import view_store
from storage.ledger import Ledger

FILE = "billwatch.toml"
SECRETS = Path("secrets")
CLIENT_SECRET = SECRETS / "client-secret"
NO_CLIENT = "PUT-THE-CLIENT-ID-HERE"
MANUAL = "config.example.toml"
_KEY_BYTES = 32
LOCAL_URL = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Start:
    """What a first configuration is made of."""

    key: str
    name: str
    tenant_id: str
    client_id: str
    accounting: str
    account: str
    sandbox: str = ""  # the address of a sandbox to try things out on


def sandboxed(address: str, name: str, accounting: str = "") -> Start:
    """What leads to the organisation of that name in a sandbox that was started by hand."""
    return Start(short_name(name), name, known_id(name), known_client(name), accounting, "480", address)


def manual() -> str:
    """The manual of every option. In a wheel it lies in the package, in a clone at its root."""
    package = Path(__file__).parent
    return next(p for p in (package / MANUAL, package.parent / MANUAL) if p.exists()).read_text(encoding="utf-8")


def initialise(directory: Path, start: Start) -> Path:
    """Write `billwatch.toml` and `secrets/` into the directory; returns the path of the file.

    Nothing that exists is written over. Raises InputError when something does, ConfigurationError for unusable values.
    """
    path = directory / FILE
    contents = {
        directory / SECRETS / "encryption-key": fresh_key(),
        directory / SECRETS / "link-key": fresh_key(),
        directory / SECRETS / "webhook-key": WEBHOOK_KEY if start.sandbox else "",
        directory / CLIENT_SECRET: KNOWN_SECRET if start.sandbox else "",
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


def strangers(path: Path, key: str) -> list[str]:
    """Organisations that the database beside the configuration holds under other keys. Raises StorageError."""
    url = load(path, secrets=False).storage.url
    if not Path(url.removeprefix("sqlite:///")).exists():
        return []
    with Ledger(view_store(url)) as ledger:
        return [each for each in ledger.overview.organisations() if each != key]


def fresh_key() -> str:
    """A key of 32 random bytes in URL-safe base64, and the end of its line."""
    return base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode() + "\n"


def _write(path: Path, content: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)


def _configuration(start: Start) -> str:
    values = {name: quoted(getattr(start, name)) for name in Start.__slots__}
    values["accounting"] = values["accounting"] if start.accounting else ""
    # What is only for trying is commented out in the configuration of the real thing.
    values["off"] = "" if start.sandbox else "# "
    values["sandbox"] = quoted(start.sandbox or known.URL)
    values["public_url"] = quoted(LOCAL_URL if start.sandbox else "https://billwatch.example.org")
    # A mail server needs somebody to mail to.
    values["mail"] = _SANDBOX_MAIL if start.sandbox and start.accounting else _MAIL
    return _TEMPLATE.format(**values)


def short_name(name: str) -> str:
    """A key made from a name: "Te Māra Trust" is `te-mara-trust`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].strip("-") or "organisation"


def quoted(text: str) -> str:
    """As a TOML string: JSON's escapes are among TOML's, save that TOML also wants DEL escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


_MAIL = """\
# host = "mail.example.org"
# sender = "billwatch@example.org\""""
_SANDBOX_MAIL = f"""\
host = "127.0.0.1"
port = {known.MAIL_PORT}
security = "none"
sender = "billwatch@example.org\""""
_TEMPLATE = """\
# "billwatch init --manual" describes every option.

[server]
# The address under which people and Xero reach billwatch; it makes the links in mails.
{off}public_url = {public_url}

[keys]
encryption = ["file:secrets/encryption-key"]
links = ["file:secrets/link-key"]

[xero]
# Without these three it is Xero itself; with them, "billwatch sandbox", a small Xero to try things on.
{off}api_url = {sandbox}
{off}identity_url = {sandbox}
{off}login_url = {sandbox}

# The signing key of your webhook; put it into the file, then let this line count. Without it the sweep finds changes.
{off}webhook_keys = ["file:secrets/webhook-key"]

[mail]
# Until there is a host and a sender, mails are kept.
{mail}

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
