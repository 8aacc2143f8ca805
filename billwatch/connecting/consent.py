"""Asking a person for consent: the address to open, and what the browser brings back from it.

The authorisation code grant of RFC 6749, section 4.1, with the proof of RFC 7636 where the app has no secret. Xero
sends people back to https addresses, or by plain http to `localhost` by that name only
(developer.xero.com/documentation/guides/oauth2/auth-flow and pkce-flow).
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from reconciler.errors import BillwatchError, InputError
from reconciler.xero.settings import Connection

PATH = "/callback"
KEEP = "offline_access"
_DECLINED = "access_denied"


class Declined(BillwatchError):
    """Xero sent the person back without letting the app in."""


class Stray(InputError):
    """An answer to another question than the one that is open."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One question to one person. `verifier` is empty where the app has a secret."""

    connection: Connection
    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False, default="")

    @property
    def address(self) -> str:
        """The page at Xero on which the person answers."""
        asked = {
            "response_type": "code",
            "client_id": self.connection.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(dict.fromkeys((KEEP, *self.connection.scopes))),
            "state": self.state,
        }
        if self.verifier:
            asked |= {"code_challenge": _challenge(self.verifier), "code_challenge_method": "S256"}
        return f"{self.connection.consent_url}?{urlencode(asked)}"

    def code(self, address: str) -> str:
        """The code in the address, or its path and query, to which Xero sent the browser.

        Raises Stray for an answer to another question, Declined when Xero says no, InputError when it says nothing.
        """
        given = _query(address)
        if not hmac.compare_digest(given.get("state", "").encode(), self.state.encode()):
            raise Stray("That address does not belong to this attempt to connect; use the link above, and its answer.")
        if "error" in given:
            raise Declined(_why(given["error"]))
        if not given.get("code"):
            raise InputError("That address holds no code from Xero; copy it whole, from http to its end.")
        return given["code"]


def ask(connection: Connection, port: int) -> Consent:
    """A fresh question whose answer comes to that port of this machine."""
    verifier = "" if connection.client_secret else secrets.token_urlsafe(64)
    return Consent(connection, f"http://localhost:{port}{PATH}", secrets.token_urlsafe(32), verifier)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _query(address: str) -> dict[str, str]:
    try:
        return {name: values[0] for name, values in parse_qs(urlsplit(address.strip()).query).items()}
    except ValueError:
        return {}


def _why(error: str) -> str:
    if error == _DECLINED:
        return "Access was declined at Xero, so nothing was changed."
    known = error if re.fullmatch(r"[a-z_]{1,40}", error) else "no reason given"
    return f"Xero did not let the app in ({known}), so nothing was changed: check its client id and scopes."
