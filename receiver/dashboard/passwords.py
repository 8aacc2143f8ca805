"""Password hashes: scrypt, with its parameters and salt in the text (RFC 7914; OWASP's "Password Storage")."""

import base64
import hashlib
import hmac
import re
import secrets

COST, BLOCK, PARALLEL = 2**15, 8, 1
MEMORY = 64 * 1024 * 1024
LONGEST = 1024
FORM = re.compile(r"scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([\w-]{22})\$([\w-]{43})", re.ASCII)


def hashed(password: str, cost: int = COST) -> str:
    """The hash of a password, to be put into the configuration; `cost` is a power of 2."""
    salt = secrets.token_bytes(16)
    key = _scrypt(password, salt, cost, BLOCK, PARALLEL)
    return "$".join(["scrypt", str(cost), str(BLOCK), str(PARALLEL), _text(salt), _text(key)])


# What a name is checked against that nobody has, so that the time an answer takes does not tell.
NOBODY = "$".join(["scrypt", str(COST), str(BLOCK), str(PARALLEL), "A" * 22, "A" * 43])


def matches(password: str, kept: str) -> bool:
    """Whether the hash is that of the password; never true for a text that is no hash."""
    found = FORM.fullmatch(kept)
    if found is None or len(password) > LONGEST:
        return False
    cost, block, parallel = (int(found[at]) for at in (1, 2, 3))
    try:
        key = _scrypt(password, _raw(found[4]), cost, block, parallel)
    except ValueError:
        return False
    return hmac.compare_digest(key, _raw(found[5]))


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=MEMORY, dklen=32)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
