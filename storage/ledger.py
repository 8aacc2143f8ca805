"""The memory: one facade, one attribute per topic."""

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from reconciler.turns import OwnTurn, Turn
from storage.apikeys import ApiKeys
from storage.attempts import Attempts
from storage.budgets import Budgets
from storage.census import Census
from storage.changes import Changes
from storage.database import Store, open_store
from storage.deeds import Deeds
from storage.drain import Inbox
from storage.enclosures import Enclosures
from storage.errands import Errands
from storage.export import Export
from storage.inbox import KEEP_SECONDS, GroupInbox
from storage.leases import SECONDS, Leases, SharedTurn
from storage.listing import Listing
from storage.milestones import Milestones
from storage.mirror import Mirror
from storage.notes import Notes
from storage.numbering import Numberings
from storage.outbox import Outbox
from storage.outgoing import Hooks
from storage.overview import Overview
from storage.reminders import Reminders
from storage.retention import Retention
from storage.state import State
from storage.tickets import Tickets
from storage.tokens import Tokens
from storage.weeks import Weeks

MAIL_DOMAIN = "billwatch.invalid"


class Ledger:
    """Everything that billwatch remembers; safe to use from several threads and processes at once.

    `prefixes` maps each organisation to the prefix of its bills' numbers; `mail_domain` is the right-hand side of
    the Message-IDs; a turn outlasts its holder's last sign of life by `lease_seconds`. Every method of every topic may
    raise `reconciler.errors.StorageError`.
    """

    def __init__(
        self,
        store: Store,
        *,
        prefixes: Mapping[str, str] | None = None,
        mail_domain: str = MAIL_DOMAIN,
        lease_seconds: float = SECONDS,
    ) -> None:
        known = dict(prefixes or {})
        self._store = store
        self._leases = Leases(store, lease_seconds)
        self.inbox = Inbox(store)
        self.numberings = Numberings(store)
        self.mirror = Mirror(store, known)
        self.milestones = Milestones(store, known, mail_domain)
        self.attempts = Attempts(store, known)
        self.notes = Notes(store)
        self.enclosures = Enclosures(store)
        self.deeds = Deeds(store)
        self.census = Census(store)
        self.errands = Errands(store)
        self.outbox = Outbox(store, mail_domain)
        self.reminders = Reminders(store, mail_domain)
        self.weeks = Weeks(store)
        self.overview = Overview(store)
        self.listing = Listing(store)
        self.tickets = Tickets(store)
        self.tokens = Tokens(store, self.turn)
        self.state = State(store)
        self.budgets = Budgets(store)
        self.apikeys = ApiKeys(store)
        self.changes = Changes(store)
        self.hooks = Hooks(store)
        self.export = Export(store)
        self.retention = Retention(store)

    @classmethod
    def open(
        cls,
        url: str,
        create: bool = True,
        *,
        prefixes: Mapping[str, str] | None = None,
        mail_domain: str = MAIL_DOMAIN,
        lease_seconds: float = SECONDS,
    ) -> Self:
        """Open the database at `sqlite:///path` or `postgresql://…`, and bring its tables up to date.

        A file is made if need be; a database on a server has to be there.
        """
        return cls(
            open_store(url, create=create), prefixes=prefixes, mail_domain=mail_domain, lease_seconds=lease_seconds
        )

    @property
    def shared(self) -> bool:
        """Whether several machines may use the database at once."""
        return self._store.shared

    def turn(self, name: str, taken: Callable[[], None] = lambda: None) -> Turn:
        """The turn of that name, among all processes that share the database.

        `taken` is called whenever another process had it since we did.
        """
        return SharedTurn(self._leases, self._store, name, taken) if self.shared else OwnTurn()

    def together(self) -> AbstractContextManager[None]:
        """Several changes as one: all of them are kept, or, when the block raises, none. Keep it short."""
        return self._store.write()

    def group_inbox(self, kept: Callable[[], None] = lambda: None, seconds: float = KEEP_SECONDS) -> GroupInbox:
        """The writer that makes raw webhook requests durable in groups; start it, and stop it before closing.

        `kept` is called after each group, in the writer's thread, and so is whoever listens on another machine; after
        `seconds` nobody waits any longer.
        """

        def told() -> None:
            kept()
            self._store.announce()

        return GroupInbox(self._store.requests, told, seconds=seconds)

    def listen(self, heard: Callable[[], None], halt: threading.Event) -> None:
        """Call `heard` whenever requests were kept by another process, until `halt`; a file's return at once."""
        self._store.listen(heard, halt)

    def alive(self) -> bool:
        """Whether the database answers; raises `StorageError` when it does not."""
        self.state.get("alive")
        return True

    def newer(self) -> bool:
        """Whether a newer release has brought the tables up to date, so that this one is to be upgraded, too."""
        return self._store.newer()

    def close(self) -> None:
        """Close the connections of all threads."""
        self._leases.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
