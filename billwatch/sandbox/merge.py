"""The bill as a write would leave it, whether or not it passes. Pure; `rules` judges it.

An open bill takes every field and a whole new set of lines; a settled one takes labels and coding, and its amounts,
date, currency and rate stay as they are (release of 19 March 2026).
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from billwatch.sandbox import chart, lines
from billwatch.sandbox.books import Bill, Contact, Line, Organisation, new_id
from billwatch.sandbox.wish import BillWish, LineWish


@dataclass(frozen=True, slots=True)
class Manner:
    """How a write comes in: by the API or by a person in Xero's screens, and the day it is in the organisation."""

    today: date
    by_person: bool = False
    places: int = 2  # decimals of UnitAmount (`unitdp`)


def wished(org: Organisation, before: Bill | None, wish: BillWish, contact: Contact | None, manner: Manner) -> Bill:
    if before is None:
        return _created(org, wish, contact, manner)
    kept = _relabelled(before, wish, contact)
    if before.settled:
        return replace(kept, lines=_recoded(org, before, wish))
    currency = wish.currency or before.currency
    amount_types = wish.amount_types or before.amount_types
    return replace(
        kept,
        day=wish.day or before.day,
        status=wish.status or before.status,
        currency=currency,
        rate=_rate(org, currency, wish.rate or (before.rate if currency == before.currency else None)),
        amount_types=amount_types,
        lines=_replaced(org, before, wish, amount_types, manner.places),
    )


def _created(org: Organisation, wish: BillWish, contact: Contact | None, manner: Manner) -> Bill:
    currency = wish.currency or org.currency
    amount_types = wish.amount_types or "Exclusive"
    blank = Bill(
        bill_id=new_id(),
        type=wish.type or "",
        contact_id="",
        day=wish.day or manner.today,
        due=None,
        status=wish.status or "DRAFT",
        currency=currency,
        rate=_rate(org, currency, wish.rate),
        amount_types=amount_types,
        lines=tuple(lines.build(org, line, None, amount_types, manner.places) for line in wish.lines or ()),
    )
    return _relabelled(blank, wish, contact)


def _relabelled(bill: Bill, wish: BillWish, contact: Contact | None) -> Bill:
    """The fields that may change in any state that can be edited at all."""
    return replace(
        bill,
        contact_id=contact.contact_id if contact else bill.contact_id,
        number=bill.number if wish.number is None else wish.number,
        reference=bill.reference if wish.reference is None else wish.reference,
        url=bill.url if wish.url is None else wish.url,
        due=wish.due or bill.due,
        planned=wish.planned or bill.planned,
    )


def _replaced(org: Organisation, before: Bill, wish: BillWish, amount_types: str, places: int) -> tuple[Line, ...]:
    known = {line.line_id: line for line in before.lines}
    if wish.lines is None:
        if amount_types == before.amount_types:
            return before.lines
        return tuple(lines.build(org, LineWish(), line, amount_types, places) for line in before.lines)
    return tuple(lines.build(org, line, known.get(line.line_id or ""), amount_types, places) for line in wish.lines)


def _recoded(org: Organisation, before: Bill, wish: BillWish) -> tuple[Line, ...]:
    asked = {line.line_id: line for line in wish.lines or ()}
    return tuple(
        lines.recode(org, line, asked[line.line_id]) if line.line_id in asked else line for line in before.lines
    )


def _rate(org: Organisation, currency: str, asked: Decimal | None) -> Decimal:
    if currency == org.currency:
        return Decimal("1.000000")
    return chart.day_rate(org.currency, currency) if asked is None else asked
