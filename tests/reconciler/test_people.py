"""Whom a role means today: the people themselves, whoever stands in for them, and whoever comes next."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.people import Away, Person, Team
from reconciler.reasons import Role

TODAY = dt.date(2026, 7, 8)
ANA, BEN, CAY, OPS = "ana@x.org", "ben@x.org", "cay@x.org", "ops@x.org"
ROLES = {Role.ACCOUNTING: (ANA, BEN), Role.GRANTS: (CAY,), Role.OPERATOR: (OPS,)}
ACCOUNTING = (Role.ACCOUNTING,)


def team(*persons: Person) -> Team:
    return Team(ROLES, persons)


def away(address: str, to: str, days: int = 3) -> Person:
    return Person(address, away=Away(TODAY + dt.timedelta(days=days), to))


def test_a_role_means_its_people_each_once() -> None:
    assert team().asked((Role.ACCOUNTING, Role.GRANTS, Role.ACCOUNTING), (), TODAY) == (ANA, BEN, CAY)


@pytest.mark.parametrize(
    ("persons", "asked"),
    [
        ((away(ANA, CAY),), (CAY, BEN)),
        ((away(ANA, CAY, days=0),), (CAY, BEN)),
        ((away(ANA, CAY, days=-1),), (ANA, BEN)),
        ((away(ANA, BEN),), (BEN,)),
        ((away(ANA, BEN), away(BEN, CAY)), (CAY,)),
        ((away(ANA, BEN), away(BEN, ANA)), (ANA, BEN)),
    ],
    ids=["away", "on the last day", "back", "a colleague", "a chain", "a circle"],
)
def test_who_is_away_is_stood_in_for_until_the_day(persons: tuple[Person, ...], asked: tuple[str, ...]) -> None:
    assert team(*persons).asked(ACCOUNTING, (), TODAY) == asked


@pytest.mark.parametrize(
    ("shut", "asked"),
    [
        ({ANA}, (BEN,)),
        ({ANA, BEN}, (OPS,)),
        ({ANA, BEN, OPS}, (ANA, BEN)),
        ({OPS}, (ANA, BEN)),
    ],
    ids=["next", "operator", "nobody", "another"],
)
def test_who_cannot_be_reached_is_replaced_by_the_next_of_the_role_else_the_operator(
    shut: set[str], asked: tuple[str, ...]
) -> None:
    assert team().asked(ACCOUNTING, shut, TODAY) == asked


def test_a_second_comes_before_the_others_of_the_role() -> None:
    assert team(Person(ANA, second=CAY)).next_to(ANA, ACCOUNTING, {ANA}, TODAY) == CAY
    assert team(Person(ANA, second=CAY)).next_to(ANA, ACCOUNTING, {ANA, CAY}, TODAY) == BEN
    assert team(Person(ANA, second=CAY), away(CAY, OPS)).second(ANA, (), TODAY) == OPS
    assert team().second(ANA, (), TODAY) == ""
    assert team(Person(ANA, second=CAY)).second(ANA, {CAY}, TODAY) == ""


def test_a_reply_goes_to_the_other_team() -> None:
    known = team(Person(CAY, "Cay Example"))
    assert known.reply_to(ANA) == Person(CAY, "Cay Example")
    assert known.reply_to(CAY) == Person(ANA)
    assert known.reply_to(OPS) == Person(CAY, "Cay Example")
    assert Team({Role.ACCOUNTING: (ANA,)}).reply_to(ANA) is None


addresses = st.sampled_from((ANA, BEN, CAY, OPS, "dee@x.org"))
persons = st.lists(
    st.builds(
        Person,
        addresses,
        second=st.one_of(st.just(""), addresses),
        away=st.one_of(
            st.none(), st.builds(lambda to, n: Away(TODAY + dt.timedelta(n), to), addresses, st.integers(-2, 2))
        ),
    ),
    unique_by=lambda person: person.address,
)


@given(persons, st.frozensets(addresses), st.lists(st.sampled_from(Role), min_size=1).map(tuple))
def test_somebody_is_always_asked_and_nobody_unreachable_while_another_can_be_reached(
    known: list[Person], shut: frozenset[str], roles: tuple[Role, ...]
) -> None:
    some = team(*known)
    asked = some.asked(roles, shut, TODAY)
    assert asked
    assert len(set(asked)) == len(asked)
    if some.stand_in(OPS, TODAY) not in shut:
        assert not shut & set(asked)
