"""The ids and secrets of a sandbox that people start by hand: the same at every start, and known to everybody.

They are for trying things out only. A sandbox that a program starts for itself makes its own by chance.
"""

import uuid

URL = "http://127.0.0.1:9900"
ORGANISATION = "Example Trust"
WEBHOOK_URL = "http://127.0.0.1:8080/webhooks/xero"
WEBHOOK_KEY = "sandbox-webhook-key-for-trying-only"
CLIENT_SECRET = "sandbox-client-secret-for-trying-only"  # noqa: S105 -- well known on purpose
MAIL_PORT = 2525
APP = "an app that reaches every organisation"
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://sandbox.example.org/")


def known_id(name: str) -> str:
    """The tenant id of the organisation of that name."""
    return str(uuid.uuid5(_SPACE, f"tenant {name}"))


def known_client(name: str) -> str:
    """The client id of the custom connection to the organisation of that name."""
    return uuid.uuid5(_SPACE, f"client {name}").hex.upper()
