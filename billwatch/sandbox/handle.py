"""What a person does in one organisation, at Xero's screens: the handle `Org`, used by tests, control API and page.

Every action keeps to Xero's rules and raises Refused with its messages when it does not; only `add_bill` and
`add_contact` set things up without asking. Bills are named by ID or by number; dates may be `date` or ISO text,
amounts Decimal, int or text. Everything given back is a frozen value of `books`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from billwatch.sandbox import contacts as contact_rules
from billwatch.sandbox import messages, seeds, settle
from billwatch.sandbox.bookkeeping import Scribe, attach, touch
from billwatch.sandbox.books import Attachment, Bill, Contact, Credit, Organisation, Payment, new_id
from billwatch.sandbox.lines import cents
from billwatch.sandbox.merge import Manner
from billwatch.sandbox.seeds import Amount, Day, amount_of, day_of
from billwatch.sandbox.wish import BillWish
from billwatch.sandbox.world import World


class Refused(Exception):
    """Xero refuses the action; `messages` are its words."""

    def __init__(self, *texts: str) -> None:
        super().__init__(" / ".join(texts))
        self.messages = texts


class Org:
    """One organisation of a running sandbox. Every method takes the world's lock."""

    def __init__(self, world: World, books: Organisation) -> None:
        self._world = world
        self.books = books
        self.tenant_id = books.tenant_id
        self.short_code = books.short_code
        self.client_id = world.custom[books.tenant_id].client_id
        self.client_secret = world.custom[books.tenant_id].client_secret

    @property
    def connection_id(self) -> str | None:
        found = self._world.identity.connection_of(self.tenant_id)
        return found.id if found else None

    def bills(self) -> list[Bill]:
        with self._world.lock:
            return list(self.books.bills.values())

    def bill(self, name: str) -> Bill:
        """The bill of that ID, or the newest of that number. Raises KeyError."""
        with self._world.lock:
            if name.lower() in self.books.bills:
                return self.books.bills[name.lower()]
            numbered = self.books.bills_numbered(name) if name else []
            if not numbered:
                raise KeyError(name)
            return numbered[-1]

    def contacts(self) -> list[Contact]:
        with self._world.lock:
            return list(self.books.contacts.values())

    def contact(self, name: str) -> Contact:
        """The contact of that ID or name. Raises KeyError."""
        with self._world.lock:
            if name.lower() in self.books.contacts:
                return self.books.contacts[name.lower()]
            named = self.books.contacts_named(name)
            if not named:
                raise KeyError(name)
            return named[0]

    def submit(self, bill: str) -> Bill:
        return self._write(bill, BillWish(status="SUBMITTED"))

    def approve(self, bill: str) -> Bill:
        return self._write(bill, BillWish(status="AUTHORISED"))

    def void(self, bill: str) -> Bill:
        return self._write(bill, BillWish(status="VOIDED"))

    def delete(self, bill: str) -> Bill:
        return self._write(bill, BillWish(status="DELETED"))

    def edit(self, bill: str, **changes: Any) -> Bill:
        """Change a bill as its screen would.

        total: amount of the only line, or of all lines in proportion, so that the bill comes to that total
        unit_amount, quantity, description, account, tax_type: of the first line
        date, due, planned, number, reference, url, currency, amount_types: of the bill
        contact: name or ID · add_line: mapping with `description`, `unit_amount`, … · remove_line: position from 0
        """
        with self._world.lock:
            before = self.bill(bill)
            wish = seeds.edit(self.books, before, changes)
            if before.settled and seeds.changes_amounts(changes):
                raise Refused(messages.HAS_ALLOCATIONS)
            return self._write(bill, wish if before.settled else replace(wish, status=before.status))

    def pay(self, bill: str, amount: Amount | None = None, on: Day | None = None, *, account: str = "090") -> Payment:
        """Pay a bill, by default in full and today."""
        with self._world.lock:
            owed, scribe = self.bill(bill), self._scribe()
            due = owed.amount_due if amount is None else cents(amount_of(amount))
            payment = scribe.draft_payment(owed, due, day_of(on), account)
            self._refuse(scribe.pay(owed, payment))
            return self.books.payments[payment.payment_id]

    def unpay(self, bill: str) -> Bill:
        """Remove every payment of a bill."""
        with self._world.lock:
            payments = self.bill(bill).payments
            for payment in payments:
                self._refuse(self._scribe().unpay(payment))
            return self.bill(bill)

    def credit(self, bill: str, amount: Amount, *, kind: str = "CreditNotes", on: Day | None = None) -> Bill:
        """Allocate a credit note, or `kind` Prepayments or Overpayments."""
        with self._world.lock:
            scribe = self._scribe()
            day = day_of(on) or self.books.today(scribe.now)
            credit = Credit(new_id(), f"CN-{len(self.books.history):04d}", day, cents(amount_of(amount)), kind)
            self._refuse(scribe.credit(self.bill(bill), credit))
            return self.bill(bill)

    def uncredit(self, bill: str) -> Bill:
        """Take every allocated credit off a bill."""
        with self._world.lock:
            return self.books.save_bill(settle.uncredited(self.bill(bill)), self._world.now())

    def attach(self, bill: str, name: str, content: bytes, media: str = "application/pdf") -> None:
        """Put a file on a bill, in place of one of that name."""
        with self._world.lock:
            file = Attachment(new_id(), name, media, content)
            attach(self.books, self.bill(bill), file, self._world.now(), self.books.person)

    def add_bill(self, **fields: Any) -> Bill:
        """A bill made by hand in Xero, in any status and inside any lock; fields of `seeds.bill`."""
        with self._world.lock:
            return seeds.bill(self.books, self._world.now(), **fields)

    def add_contact(self, name: str, *, archived: bool = False, email: str = "", number: str = "") -> Contact:
        """A new contact, also beside another of that name."""
        status = "ARCHIVED" if archived else "ACTIVE"
        with self._world.lock:
            contact = Contact(new_id(), name, status, number=number, email=email)
            return self.books.save_contact(contact, self._world.now())

    def archive_contact(self, contact: str) -> Contact:
        return self._save_contact(contact, {"status": "ARCHIVED"})

    def unarchive_contact(self, contact: str) -> Contact:
        return self._save_contact(contact, {"status": "ACTIVE"})

    def rename_contact(self, contact: str, new_name: str) -> Contact:
        return self._save_contact(contact, {"name": new_name})

    def merge_contact(self, contact: str, into: str) -> Contact:
        """Merge one contact into another: it is archived, its bills move over. Gives back the one merged away."""
        with self._world.lock:
            now = self._world.now()
            source, target = self.contact(contact), self.contact(into)
            moved = [replace(bill, contact_id=target.contact_id) for bill in self.books.bills_of(source.contact_id)]
            self.books.bills.update({bill.bill_id: bill for bill in moved})
            if self.books.switches.merge_touches_bills:
                touch(self.books, moved, now)
            gone = replace(source, status="ARCHIVED", merged_to=target.contact_id)
            return self.books.save_contact(gone, now)

    def archive_account(self, code: str) -> None:
        with self._world.lock:
            self.books.accounts[code] = replace(self.books.accounts[code], status="ARCHIVED")

    def restore_account(self, code: str) -> None:
        with self._world.lock:
            self.books.accounts[code] = replace(self.books.accounts[code], status="ACTIVE")

    def archive_tracking(self, category: str, option: str | None = None) -> None:
        """Archive a tracking category, or one option of it."""
        with self._world.lock:
            found = self.books.tracking[category.casefold()]
            if option is None:
                self.books.tracking[category.casefold()] = replace(found, status="ARCHIVED")
                return
            options = tuple(replace(o, status="ARCHIVED") if o.name == option else o for o in found.options)
            self.books.tracking[category.casefold()] = replace(found, options=options)

    def lock(self, period: Day | None = None, year: Day | None = None) -> None:
        """Set both lock dates; a date left out is cleared. No event is sent."""
        with self._world.lock:
            self.books.period_lock, self.books.year_lock = day_of(period), day_of(year)

    def settings(self, **values: Any) -> None:
        """Change `adviser`, `may_approve`, `name`, `demo`, `person` (who acts), or `currencies` (the base stays)."""
        with self._world.lock:
            if unknown := set(values) - {"adviser", "may_approve", "name", "demo", "person", "currencies"}:
                raise ValueError(f"an organisation has no setting {', '.join(sorted(unknown))}")
            if "currencies" in values:
                values["currencies"] = {self.books.currency, *values["currencies"]}
            for name, value in values.items():
                setattr(self.books, name, value)

    def disconnect(self) -> None:
        """Disconnect the app on Xero's side; no event tells of it."""
        with self._world.lock:
            if connection := self._world.identity.connection_of(self.tenant_id):
                del self._world.identity.connections[connection.id]

    def reconnect(self) -> None:
        with self._world.lock:
            self._world.identity.connect(self.tenant_id, self._world.now())

    def send(self, category: str, kind: str = "UPDATE", *, data: Mapping[str, str] | None = None) -> str:
        """Send an event about a document that the sandbox does not keep, such as a credit note; gives its ID."""
        with self._world.lock:
            return seeds.foreign_event(self._world, self.tenant_id, category, kind, data)

    def _write(self, name: str, wish: BillWish) -> Bill:
        with self._world.lock:
            scribe = self._scribe()
            manner = Manner(self.books.today(scribe.now), by_person=True)
            verdict = scribe.write(self.bill(name), wish, manner)
            self._refuse((*verdict.messages, *(text for _, text in verdict.on_lines)))
            return verdict.bill

    def _save_contact(self, name: str, changes: dict[str, Any]) -> Contact:
        with self._world.lock:
            contact = replace(self.contact(name), **changes)
            self._refuse(tuple(contact_rules.refusals(self.books, contact)))
            return self.books.save_contact(contact, self._world.now())

    def _scribe(self) -> Scribe:
        return Scribe(self.books, self._world.now(), self.books.person)

    def _refuse(self, texts: tuple[str, ...]) -> None:
        if texts:
            raise Refused(*texts)
