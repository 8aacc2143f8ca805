"""Whatever a value of the model holds, it comes back from the tables as it was."""

import datetime as dt
import itertools
import types
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_samples import NOW, ORG, case_of, keep
from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import StorageError
from reconciler.model import (
    Bill,
    Contact,
    Decision,
    Exemption,
    Line,
    Link,
    Links,
    Milestone,
    Refusal,
    Terms,
    Verdict,
    Write,
)
from reconciler.organisation import Books
from reconciler.records import Choice
from storage.codec import encode, fingerprint, reader
from storage.fields import DayField, MoneyField, UtcField
from storage.ledger import Ledger
from storage.names import fold, keys_of

MONEY = st.decimals(Decimal("-900000000000"), Decimal("900000000000"), places=2)
INSTANT = st.datetimes(timezones=st.just(dt.UTC))
NUMBER = st.integers(0, 2**31)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

OWN: dict[Any, st.SearchStrategy[Any]] = {Decimal: MONEY, dt.datetime: INSTANT, str: TEXT, int: NUMBER}


def values(kind: Any, **fixed: Any) -> st.SearchStrategy[Any]:
    """Values of a dataclass with every attribute drawn, those with a default included."""
    drawn = {name: of_type(hint) for name, hint in get_type_hints(kind).items()}
    return st.builds(kind, **drawn | {name: st.just(value) for name, value in fixed.items()})


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type as the model uses it: a dataclass, a union, a collection, or a plain one."""
    inner = [of_type(each) for each in get_args(hint) if each is not ...]
    if isinstance(hint, type) and issubclass(hint, Struct):
        return values(hint)
    if get_origin(hint) in (types.UnionType, Union):
        return st.one_of(inner)
    if get_origin(hint) is frozenset:
        return st.frozensets(inner[0], max_size=3)
    if get_origin(hint) is tuple:
        return st.lists(inner[0], max_size=3).map(tuple) if ... in get_args(hint) else st.tuples(*inner)
    return OWN[hint] if hint in OWN else st.from_type(hint)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """One ledger for all examples; each writes over what the last one left."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('values') / 'billwatch.db'}"
    else:
        url = request.getfixturevalue("postgres").create("values")
    with Ledger.open(url) as ledger:
        yield ledger


@pytest.mark.parametrize(
    "kind", [Terms, Links, Line, Refusal, Link, Exemption, Write, Verdict, Choice, Books, Contact, Bill, Milestone]
)
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_every_value_comes_back_from_its_text(kind: Any, data: st.DataObject) -> None:
    value = data.draw(values(kind))
    for few in (True, False):
        assert reader(kind, few=few)(encode(value)) == value


@FEW
@given(value=values(Milestone, organisation=ORG, key="M1"))
def test_every_milestone_comes_back(kept: Ledger, value: Milestone) -> None:
    kept.milestones.put([value], NOW)
    held = case_of(kept).milestone
    assert replace(held, version=value.version) == value
    assert kept.milestones.put([value], NOW) == (0, 0, 1)


@FEW
@given(value=values(Bill, organisation=ORG, bill_id="b1"))
def test_every_bill_comes_back(kept: Ledger, value: Bill) -> None:
    value = replace(value, read_at=next(READ_AT))
    kept.mirror.store_bills(ORG, [value])
    assert kept.mirror.bill(ORG, "b1") == value


@FEW
@given(value=values(Books))
def test_all_books_come_back(kept: Ledger, value: Books) -> None:
    kept.mirror.store_books(ORG, value)
    held = kept.mirror.books(ORG)
    assert held == replace(value, version=held.version)


@FEW
@given(value=values(Verdict), link=values(Link))
def test_every_link_and_verdict_comes_back(kept: Ledger, value: Verdict, link: Link) -> None:
    kept.milestones.put([_milestone()], NOW)
    case = case_of(kept)
    assert keep(kept, [Decision(case, replace(value, link=link))]).overtaken == ()
    (standing,) = kept.milestones.standing(ORG, ["M1"])
    held = standing.case.link
    assert held == replace(link, pending_attempt=None, version=held.version)
    assert standing.verdict == replace(value, link=held)


@FEW
@given(exemption=values(Exemption), kind=values(Choice))
def test_every_exemption_and_choice_comes_back(kept: Ledger, exemption: Exemption, kind: Choice) -> None:
    kept.milestones.put([_milestone()], NOW)
    assert kept.milestones.choose(ORG, "M1", case_of(kept).link, kind, exemption, None)
    assert case_of(kept).exemption == exemption
    moments = kept.overview.timeline(ORG, "M1")
    assert kind in [moment.value for moment in moments]
    assert exemption in [moment.value for moment in moments]


@given(MONEY)
def test_money_is_exact(amount: Decimal) -> None:
    field = MoneyField()
    assert str(field.python_value(field.db_value(amount))) == str(amount)


@pytest.mark.parametrize("amount", [Decimal("0.00001"), Decimal("NaN"), Decimal("Infinity"), Decimal(10) ** 18])
def test_an_amount_that_cannot_be_kept_exactly_is_refused(amount: Decimal) -> None:
    with pytest.raises(ValueError, match="kept exactly"):
        MoneyField().db_value(amount)


@given(INSTANT, INSTANT)
def test_the_order_of_kept_instants_is_that_of_time(a: dt.datetime, b: dt.datetime) -> None:
    kept_a, kept_b = UtcField().db_value(a), UtcField().db_value(b)
    assert kept_a is not None
    assert kept_b is not None
    assert (kept_a < kept_b, kept_a == kept_b) == (a < b, a == b)


@given(st.dates(), st.dates())
def test_the_order_of_kept_days_is_that_of_the_calendar(a: dt.date, b: dt.date) -> None:
    kept_a, kept_b = DayField().db_value(a), DayField().db_value(b)
    assert kept_a is not None
    assert kept_b is not None
    assert (kept_a < kept_b, kept_a == kept_b) == (a < b, a == b)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no zone"):
        UtcField().db_value(dt.datetime(2026, 1, 1))  # noqa: DTZ001  the lack of a zone is the point


@given(values(Milestone), values(Milestone))
@settings(max_examples=20, deadline=None)
def test_fingerprints_are_the_same_only_for_the_same(a: Milestone, b: Milestone) -> None:
    assert (fingerprint(a) == fingerprint(b)) is (encode(a) == encode(b))


def test_what_cannot_be_read_is_told_in_a_sentence() -> None:
    for few in (True, False):
        with pytest.raises(StorageError, match="holds a value that cannot be read"):
            reader(Exemption, few=few)('{"by": 1}')


@given(TEXT)
def test_a_folded_name_folds_to_itself(name: str) -> None:
    assert fold(fold(name)) == fold(name)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("Te Whānau  Trust ", "te whānau trust", True),
        ("Te Whānau", "Te Wha\u0304nau", True),
        ("STRASSE", "straße", True),
        ("Te Whanau", "Te Whānau", False),
        ("A Trust", "ATrust", False),
    ],
)
def test_names_fold_alike_when_people_mean_the_same(a: str, b: str, same: bool) -> None:
    assert (fold(a) == fold(b)) is same


@pytest.mark.parametrize(
    ("number", "keys"),
    [("GM-7", {"7"}), ("GM-7-2", {"7-2", "7"}), ("GM-7-0", {"7-0"}), ("7", set()), ("GM-", {""}), ("GM--2", {"-2"})],
)
def test_a_number_tells_the_keys_it_may_stand_for(number: str, keys: set[str]) -> None:
    assert keys_of(number, "GM-") == keys


READ_AT = (NOW + dt.timedelta(microseconds=tick) for tick in itertools.count(1))


def _milestone() -> Milestone:
    return Milestone(ORG, "M1", "t", "p", Decimal(1), dt.date(2026, 1, 1))
