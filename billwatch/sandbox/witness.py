"""Whoever looks on while apps write, so that a test can prove what an app never does."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from billwatch.sandbox.books import Bill, Contact, Organisation


@dataclass(frozen=True, slots=True)
class Written:
    """One write of an app, with the books before and after; `app` is how it named itself (User-Agent)."""

    app: str
    method: str
    endpoint: str
    tenant_id: str
    body: bytes
    bills: tuple[Mapping[str, Bill], Mapping[str, Bill]]
    contacts: tuple[Mapping[str, Contact], Mapping[str, Contact]]


Witness = Callable[[Written], None]
WITNESSES: list[Witness] = []
"""All of them are told of every write to every sandbox of this process."""


@contextmanager
def observed(org: Organisation, app: str, method: str, endpoint: str, body: bytes) -> Iterator[None]:
    """Tell the witnesses, if there are any, of what happens to the books meanwhile."""
    if method == "GET" or not WITNESSES:
        yield
        return
    bills, contacts = dict(org.bills), dict(org.contacts)
    yield
    written = Written(app, method, endpoint, org.tenant_id, body, (bills, org.bills), (contacts, org.contacts))
    for witness in WITNESSES:
        witness(written)
