"""Xero's names of time zones lead to IANA zones."""

import zoneinfo

import pytest
from tzlocal.windows_tz import win_tz

from reconciler.xero.zones import iana


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("NEWZEALANDSTANDARDTIME", "Pacific/Auckland"),
        ("GMTSTANDARDTIME", "Europe/London"),
        ("CENTRALSTANDARDTIME(MEXICO)", "America/Mexico_City"),
        ("CENTRALSTANDARDTIME", "America/Chicago"),
        ("WEUROPESTANDARDTIME", "Europe/Berlin"),
        ("UTC+12", "Etc/GMT-12"),
        ("UTC-11", "Etc/GMT+11"),
        ("UTC11", "Etc/GMT+11"),
        ("KAMCHATKASTANDARDTIME", "Asia/Kamchatka"),
        ("UTC", "Etc/UTC"),
    ],
)
def test_a_known_name_has_its_zone(name: str, zone: str) -> None:
    assert iana(name) == zone


@pytest.mark.parametrize("name", [None, "", "MIDDLEEARTHSTANDARDTIME"])
def test_an_unknown_name_is_utc(name: str | None) -> None:
    assert iana(name) == "UTC"


def test_every_windows_zone_in_capitals_without_spaces_leads_to_a_zone_that_exists() -> None:
    for name, zone in win_tz.items():
        assert iana(name.upper().replace(" ", "").replace(".", "")) == zone
        zoneinfo.ZoneInfo(zone)
