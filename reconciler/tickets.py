"""The tokens of links in mails. Whoever writes a link and whoever opens it must agree on them, so they live here."""

import base64
import hashlib
import hmac


def page_token(link_key: str, message_id: str, recipient: str) -> str:
    """The token of the link that this mail carries to this recipient: 43 characters, safe in a URL.

    It follows from the mail alone, so that a mail written again after a crash carries the same link although only
    the hash of its token was kept.
    """
    told = f"ticket:{message_id}:{recipient}".encode()
    digest = hmac.digest(link_key.encode(), told, "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def token_hash(token: str) -> bytes:
    """What is kept of a token: its SHA-256. Any text that a URL may hold is taken, also one that no mail carried."""
    return hashlib.sha256(token.encode("utf-8", "backslashreplace")).digest()
