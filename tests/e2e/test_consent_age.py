"""A consent that nothing uses is told of before it ends; one that is used, and a custom connection, never are."""

import datetime as dt

from connectable import ORGANISATION, Place, house, org, place, sweep
from world import KEY, World

from billwatch.doctor.consent import consent
from billwatch.doctor.findings import Finding, Level
from billwatch.wiring import House
from notify.watching import Sign

__all__ = ["house", "org", "place"]


def signs(house: House) -> list[Sign]:
    return [sign for sign in house.watchman().watched(ORGANISATION).signs if sign.name == "consent"]


def seen(house: House) -> Finding:
    """What the doctor sees of it."""
    return consent(house.config, house.config.settings(ORGANISATION), house.connections, house.clock())


def test_an_unused_consent_is_told_of_two_weeks_before_it_ends(place: Place, house: House) -> None:
    place.xero.advance(days=45)
    assert signs(house) == []
    place.xero.advance(days=2)
    (sign,) = signs(house)
    assert "will end" in sign.headline
    assert "is not used for 60 days" in sign.happened
    place.xero.advance(days=20)
    (sign,) = signs(house)
    assert "has ended" in sign.headline
    assert "billwatch connect --organisation" in sign.todo


def test_the_doctor_says_when_it_was_used_last_and_when_it_ends(place: Place, house: House) -> None:
    assert seen(house).level is Level.OK
    assert "was used last on" in seen(house).words
    place.xero.advance(days=50)
    assert seen(house).level is Level.WARNING
    assert "billwatch connect --organisation" in seen(house).mend


def test_a_custom_connection_has_none_that_could_end(world: World) -> None:
    world.put()
    world.turn()
    world.xero.advance(days=400)
    assert world.house.lapses_at(KEY) is None
    found = consent(world.house.config, world.house.config.settings(KEY), world.house.connections, world.house.clock())
    assert (found.level, found.words) == (Level.OK, "a custom connection has none that could end")


def test_it_ends_when_we_say_and_not_before(place: Place, house: House) -> None:
    lapses = house.lapses_at(ORGANISATION)
    assert lapses is not None
    place.xero.advance(seconds=(lapses - house.clock() - dt.timedelta(minutes=1)).total_seconds())
    sweep(place, house)
    assert house.ledger.mirror.books(ORGANISATION).hold is None
    again = house.lapses_at(ORGANISATION)
    assert again is not None
    assert again > lapses


def test_every_reading_uses_it(place: Place, house: House) -> None:
    for _ in range(4):
        place.xero.advance(days=40)
        sweep(place, house)
        assert signs(house) == []
