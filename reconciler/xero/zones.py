"""Xero's time zones: Windows names in capitals without spaces and most punctuation (Xero-OpenAPI, `TimeZone`)."""

import re

from tzlocal.windows_tz import win_tz

# Windows still knows these two, the Unicode table behind tzlocal no longer does.
_RETIRED = {"Kamchatka Standard Time": "Asia/Kamchatka", "Mid-Atlantic Standard Time": "Etc/GMT+2"}


def _key(name: str) -> str:
    """Capitals and digits; the sign of an offset is the only punctuation that counts (`UTC-11` also reads `UTC11`)."""
    kept = re.sub(r"[^A-Z0-9+-]", "", name.upper())
    return kept if kept.startswith("UTC") else re.sub(r"[+-]", "", kept)


_ZONES = {_key(name): zone for name, zone in {**win_tz, **_RETIRED}.items()}
_IANA = {**{key.replace("-", ""): zone for key, zone in _ZONES.items()}, **_ZONES}


def iana(name: str | None) -> str:
    """The IANA zone of Xero's name; `UTC` when we do not know it."""
    return _IANA.get(_key(name or ""), "UTC")
