"""Bills made by hand: what a person's words mean as a bill or as an edit of one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from billwatch.sandbox import contacts as contact_rules
from billwatch.sandbox import merge, settle
from billwatch.sandbox.books import Bill, Contact, Event, Organisation, Payment, new_id
from billwatch.sandbox.lines import cents
from billwatch.sandbox.merge import Manner
from billwatch.sandbox.wish import BillWish, ContactWish, LineWish
from billwatch.sandbox.world import World

Amount = Decimal | int | str
Day = date | str
_RESOURCES = {"CREDITNOTE": "CreditNotes", "PREPAYMENT": "Prepayments", "OVERPAYMENT": "Overpayments"}
_LINE_WORDS = ("unit_amount", "quantity", "description", "account", "tax_type")
_AMOUNT_WORDS = {"total", "unit_amount", "quantity", "currency", "amount_types", "tax_type", "add_line", "remove_line"}


def day_of(value: Day | None) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value


def amount_of(value: Amount) -> Decimal:
    return Decimal(str(value))


def bill(
    org: Organisation,
    now: datetime,
    *,
    contact: str = "Example Supplier",
    total: Amount = "100.00",
    status: str = "AUTHORISED",
    date: Day | None = None,
    due: Day | None = None,
    number: str = "",
    reference: str = "",
    url: str = "",
    account: str | None = "429",
    tax_type: str | None = None,
    amount_types: str = "NoTax",
    currency: str | None = None,
    description: str = "By hand",
    type: str = "ACCPAY",  # noqa: A002 - the word of the API
    lines: int = 1,
    paid: Amount | None = None,
) -> Bill:
    """Save a bill without asking the rules.

    total is in the sense of `amount_types` (before tax when Exclusive) and is spread over `lines` equal lines; `due`
    defaults to 20 days after `date`, which defaults to today; `paid` records a payment, status PAID one in full.
    """
    day = day_of(date) or org.today(now)
    each = cents(amount_of(total) / lines)
    amounts = [each] * (lines - 1) + [cents(amount_of(total)) - each * (lines - 1)]
    entries = tuple(
        LineWish(description=description, unit_amount=part, account_code=account, tax_type=tax_type) for part in amounts
    )
    wish = BillWish(
        type=type,
        contact=contact_wish(org, contact),
        day=day,
        due=day_of(due) or day + timedelta(days=20),
        number=number,
        reference=reference,
        url=url,
        currency=currency,
        amount_types=amount_types,
        lines=entries,
        status="AUTHORISED" if status == "PAID" else status,
    )
    saved = _saved(org, now, wish)
    part = saved.total if status == "PAID" and paid is None else amount_of(paid or 0)
    return _paid(org, now, saved, part) if part else saved


def edit(org: Organisation, before: Bill, changes: Mapping[str, Any]) -> BillWish:
    """The wish behind one edit by a person; the words are those of `Org.edit`. Raises ValueError for other words."""
    words = dict(changes)
    lines = _edited_lines(before, words)
    wish = BillWish(
        contact=contact_wish(org, words.pop("contact")) if "contact" in words else None,
        day=day_of(words.pop("date", None)),
        due=day_of(words.pop("due", None)),
        planned=day_of(words.pop("planned", None)),
        number=words.pop("number", None),
        reference=words.pop("reference", None),
        url=words.pop("url", None),
        currency=words.pop("currency", None),
        amount_types=words.pop("amount_types", None),
        lines=lines,
    )
    if words:
        raise ValueError(f"a bill has nothing called {', '.join(sorted(words))}")
    return wish


def changes_amounts(changes: Mapping[str, Any]) -> bool:
    return bool(_AMOUNT_WORDS & set(changes))


def contact_wish(org: Organisation, name: str) -> ContactWish:
    """The contact of that ID, or the one of that name, which may be new."""
    return ContactWish(contact_id=name.lower()) if name.lower() in org.contacts else ContactWish(name=name)


def foreign_event(world: World, tenant: str, category: str, kind: str, data: Mapping[str, str] | None) -> str:
    resource_id = new_id()
    resource = _RESOURCES.get(category, f"{category.title()}s")
    extra = dict(data) if data is not None else None
    world.announce(Event(tenant, resource, resource_id, category, kind, world.now(), extra))
    return resource_id


def _saved(org: Organisation, now: datetime, wish: BillWish) -> Bill:
    contact, _ = contact_rules.resolve(org, wish.contact, None)
    if contact is None:
        raise ValueError("a bill needs a contact")
    if (new := contact_rules.changed(org, contact)) is not None:
        org.save_contact(new, now)
    _mark_supplier(org, contact)
    saved = org.save_bill(merge.wished(org, None, wish, contact, Manner(org.today(now))), now)
    org.note(saved.bill_id, "Created", f"{saved.status} {saved.total} {saved.currency}", now)
    return saved


def _mark_supplier(org: Organisation, contact: Contact) -> None:
    org.contacts[contact.contact_id] = replace(org.contacts[contact.contact_id], is_supplier=True)


def _paid(org: Organisation, now: datetime, bill: Bill, amount: Decimal) -> Bill:
    payment = Payment(new_id(), bill.bill_id, bill.day, cents(amount), "090", rate=bill.rate, updated=org.stamp(now))
    org.payments[payment.payment_id] = payment
    return org.save_bill(settle.paid(bill, payment), now)


def _edited_lines(before: Bill, words: dict[str, Any]) -> tuple[LineWish, ...] | None:
    first = {name: words.pop(name) for name in _LINE_WORDS if name in words}
    total, added, removed = words.pop("total", None), words.pop("add_line", None), words.pop("remove_line", None)
    if not first and total is None and added is None and removed is None:
        return None
    lines = [LineWish(line_id=line.line_id) for line in before.lines]
    if total is not None:
        lines = _scaled(before, cents(amount_of(total)))
    if first:
        lines[0] = _line(first, lines[0])
    if removed is not None:
        del lines[removed]
    if added is not None:
        lines.append(_line(added, LineWish()))
    return tuple(lines)


def _scaled(before: Bill, total: Decimal) -> list[LineWish]:
    """Every line in proportion, the last one taking up the rounding; what the lines add up to depends on the tax."""
    entered = before.subtotal if before.amount_types == "Exclusive" else before.total
    wanted = cents(total * entered / before.total) if before.total else total
    parts = [cents(line.line_amount * wanted / entered) if entered else Decimal(0) for line in before.lines]
    parts[-1] += wanted - sum(parts, Decimal(0))
    return [
        LineWish(line_id=line.line_id, quantity=Decimal(1), unit_amount=part)
        for line, part in zip(before.lines, parts, strict=True)
    ]


def _line(words: Mapping[str, Any], base: LineWish) -> LineWish:
    unit = words.get("unit_amount")
    quantity = words.get("quantity")
    return replace(
        base,
        description=words.get("description", base.description),
        quantity=base.quantity if quantity is None else amount_of(quantity),
        unit_amount=base.unit_amount if unit is None else amount_of(unit),
        account_code=words.get("account", base.account_code),
        tax_type=words.get("tax_type", base.tax_type),
    )
