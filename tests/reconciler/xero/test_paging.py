"""A list that changes while it is read is read to its end, and nothing in it is passed over."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from reconciler.xero.paging import Place, following
from reconciler.xero.shapes import Pagination

from .conftest import START

SECOND = dt.timedelta(seconds=1)


def at(*seconds: float) -> list[dt.datetime | None]:
    return [START + second * SECOND for second in seconds]


def test_an_ordered_page_is_followed_by_what_changed_since_its_newest() -> None:
    assert following(Place(None), at(1, 2, 9), Pagination(1, 3)) == Place(START + 8 * SECOND)


def test_a_page_out_of_order_or_without_times_is_followed_by_its_page_number() -> None:
    assert following(Place(START), at(5, 2), Pagination(1, 3)) == Place(START, 2)
    assert following(Place(START), [None], Pagination(1, 3)) == Place(START, 2)


def test_a_page_within_one_second_is_followed_by_its_page_number() -> None:
    assert following(Place(START, 1), at(0.1, 0.9), Pagination(1, 3)) == Place(START, 2)


def test_a_page_of_which_most_would_be_listed_again_is_followed_by_its_page_number() -> None:
    assert following(Place(START), at(1, 8.1, 8.5, 9), Pagination(1, 3)) == Place(START, 2)
    assert following(Place(START), at(1, 2, 8.5, 9), Pagination(1, 3)) == Place(START + 8 * SECOND)


def test_the_last_page_ends_the_list_and_so_does_an_empty_one() -> None:
    assert following(Place(START, 3), at(1), Pagination(3, 3)) is None
    assert following(Place(START), [], Pagination(1, 3)) is None
    assert following(Place(START), [], None) is None


def test_without_page_counts_the_list_is_read_until_a_page_is_empty() -> None:
    assert following(Place(None), at(1, 9), None) == Place(START + 8 * SECOND)
    assert following(Place(START), at(1), None) == Place(START, 2)


@given(
    st.sets(st.integers(0, 60), min_size=1),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 60)), max_size=8),
    st.integers(3, 9),
)
def test_nothing_is_passed_over_when_documents_change_between_pages(
    stamps: set[int], edits: list[tuple[int, int]], size: int
) -> None:
    books = {stamp: START + 2 * stamp * SECOND for stamp in stamps}
    seen: set[int] = set()
    place: Place | None = Place(None)
    turn = 0
    while place is not None:
        floor = place.since
        found = sorted((when, name) for name, when in books.items() if floor is None or when >= floor)
        page = found[(place.page - 1) * size : place.page * size]
        seen |= {name for _, name in page}
        place = following(place, [when for when, _ in page], Pagination(place.page, -(-len(found) // size)))
        books |= {name: START + (200 + 2 * turn) * SECOND for when, name in edits if when == turn and name in books}
        turn += 1
        assert turn < 1_000
    assert seen == set(books)
