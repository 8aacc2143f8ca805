"""The bytes of a webhook request (Xero, guide "Webhooks"; xero-webhooks.yaml; captures in XeroWebhooksReceiver#1).

`events` is compact JSON, then one space follows the colon of the three trailing keys and one stands before
`"entropy"`. The signature is the base64 of HMAC-SHA256 over exactly these bytes, with the key's text as it is, not
decoded. Entropy is new in every request, so a repeated delivery has another signature.
"""

import base64
import hashlib
import hmac
import random
import string
from collections.abc import Sequence
from datetime import UTC

import httpx
import msgspec

from billwatch.sandbox.books import Event
from billwatch.sandbox.switches import Switches

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"


def body(events: Sequence[Event], first: int, last: int, dice: random.Random, switches: Switches) -> bytes:
    listed = msgspec.json.encode([_event(event, switches) for event in events])
    entropy = "".join(dice.choices(string.ascii_uppercase, k=20))
    tail = f',"firstEventSequence": {first},"lastEventSequence": {last}, "entropy": "{entropy}"}}'
    return b'{"events":' + listed + tail.encode()


def signature(key: str, content: bytes) -> str:
    return base64.b64encode(hmac.new(key.encode(), content, hashlib.sha256).digest()).decode()


def spoiled(right: str, dice: random.Random) -> str:
    """The right signature with one character replaced, so that it stands for other bytes."""
    place = dice.randrange(len(right) - 1)
    # The character before the padding carries two bits that mean nothing; only a change above them counts.
    step = 4 if place == len(right) - 2 else 1
    other = ALPHABET[(ALPHABET.index(right[place]) + step * dice.randrange(1, 64 // step)) % 64]
    return right[:place] + other + right[place + 1 :]


def request(url: str, content: bytes, signed: str) -> httpx.Request:
    """The request with no other headers than Xero's; httpx adds Host and Content-Length."""
    headers = [
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip,deflate"),
        ("Content-Type", "application/json; charset=utf-8"),
        ("x-xero-signature", signed),
    ]
    return httpx.Request("POST", url, headers=headers, content=content)


def _event(event: Event, switches: Switches) -> dict[str, object]:
    at = event.at.astimezone(UTC)
    return {
        "resourceUrl": f"https://api.xero.com/api.xro/2.0/{event.resource}/{event.resource_id}",
        "resourceId": event.resource_id,
        "eventDateUtc": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}" + ("Z" if switches.zulu_events else ""),
        "eventType": event.kind.title() if switches.title_case_events else event.kind,
        "eventCategory": event.category,
        "tenantId": event.tenant_id,
        "tenantType": "ORGANISATION",
        **({"data": event.data} if event.data is not None else {}),
    }
