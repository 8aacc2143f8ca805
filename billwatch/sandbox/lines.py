"""The lines of a bill: amounts, tax, accounts and tracking. Pure.

Tax is worked out per line, rounded half up to cents, and then summed (Xero, guide "Rounding in Xero"). An amount that
the caller leaves out is derived; a tax type left out comes from the account's default.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from billwatch.sandbox import messages
from billwatch.sandbox.books import Account, Line, Mark, Organisation, TrackingCategory, new_id
from billwatch.sandbox.wish import LineWish, MarkWish

CENT = Decimal("0.01")
_NOT_ON_LINES = ("BANK",)


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def build(org: Organisation, wish: LineWish, before: Line | None, amount_types: str, places: int) -> Line:
    """The line as it would be saved, without judging it. A line that has its `LineItemID` keeps what is not sent."""
    account = _account(org, wish)
    code = account.code if account else wish.account_code or (before.account_code if before else None)
    quantity = wish.quantity if wish.quantity is not None else before.quantity if before else Decimal(1)
    line_amount, unit = _amounts(wish, before, quantity, places)
    tax_type = "NONE" if amount_types == "NoTax" else _tax_type(org, wish, before, code)
    return Line(
        line_id=before.line_id if before else new_id(),
        description=wish.description if wish.description is not None else before.description if before else None,
        quantity=quantity,
        unit_amount=unit,
        line_amount=line_amount,
        tax_type=tax_type,
        tax_amount=_tax(org, wish, line_amount, tax_type, amount_types),
        account_code=code,
        tracking=before.tracking if wish.tracking is None and before else marks(org, wish),
        item_code=wish.item_code,
    )


def recode(org: Organisation, line: Line, wish: LineWish) -> Line:
    """What may still change on a line of a settled bill: description, account and tracking; amounts are dropped."""
    account = _account(org, wish)
    return replace(
        line,
        description=line.description if wish.description is None else wish.description,
        account_code=account.code if account else wish.account_code or line.account_code,
        tracking=line.tracking if wish.tracking is None else marks(org, wish),
    )


def refusals(org: Organisation, wish: LineWish, line: Line, *, approved: bool, places: int = 2) -> Iterator[str]:
    """Why this line would be refused; `approved` says whether the bill would be AUTHORISED."""
    if line.quantity < 0:
        yield messages.quantity_negative(line.quantity)
    if wish.discounted:
        yield messages.NO_DISCOUNTS
    if approved and not line.description:
        yield messages.NO_DESCRIPTION
    yield from _mismatch(wish, line, places)
    yield from _coding_refusals(org, wish, line, approved=approved)
    yield from _tracking_refusals(org, wish)


def marks(org: Organisation, wish: LineWish) -> tuple[Mark, ...]:
    """The tracking that can be resolved; the rest is left to `refusals`."""
    found = (_resolve(org, mark) for mark in wish.tracking or ())
    return tuple(mark for mark in found if mark is not None)


def _mismatch(wish: LineWish, line: Line, places: int) -> Iterator[str]:
    if wish.line_amount is None or wish.unit_amount is None:
        return
    expected = cents(line.quantity * _rounded(wish.unit_amount, places))
    if cents(wish.line_amount) != expected:
        yield messages.line_total(wish.line_amount, expected)


def _coding_refusals(org: Organisation, wish: LineWish, line: Line, *, approved: bool) -> Iterator[str]:
    if wish.account_id is not None and _account(org, wish) is None:
        yield messages.BAD_ACCOUNT
        return
    if line.account_code is None:
        if approved:
            yield messages.NO_ACCOUNT
        if line.tax_type not in org.tax_rates:
            yield messages.tax_unusable(line.tax_type, "")
        return
    account = org.accounts.get(line.account_code)
    if account is None or account.type in _NOT_ON_LINES or account.system:
        yield messages.account_unknown(line.account_code)
    elif account.status != "ACTIVE":
        yield messages.account_archived(line.account_code)
    elif not _tax_fits(org, line.tax_type, account):
        yield messages.tax_unusable(line.tax_type, line.account_code)


def _tracking_refusals(org: Organisation, wish: LineWish) -> Iterator[str]:
    if len(wish.tracking or ()) > 2:
        yield messages.TOO_MANY_CATEGORIES
    for mark in wish.tracking or ():
        if _resolve(org, mark) is None:
            yield messages.tracking_unknown(mark.option or mark.category or mark.option_id or mark.category_id or "")


def _tax_fits(org: Organisation, tax_type: str, account: Account) -> bool:
    rate = org.tax_rates.get(tax_type)
    return rate is not None and account.klass in rate.classes


def _account(org: Organisation, wish: LineWish) -> Account | None:
    if wish.account_id is None:
        return None
    return next((one for one in org.accounts.values() if one.account_id == wish.account_id), None)


def _amounts(wish: LineWish, before: Line | None, quantity: Decimal, places: int) -> tuple[Decimal, Decimal]:
    if wish.unit_amount is not None:
        unit = _rounded(wish.unit_amount, places)
        return cents(quantity * unit), unit
    if wish.line_amount is not None:
        unit = wish.line_amount / quantity if quantity else Decimal(0)
        return cents(wish.line_amount), _rounded(unit, 4)
    unit = before.unit_amount if before else Decimal("0.00")
    return cents(quantity * unit), unit


def _tax(org: Organisation, wish: LineWish, line_amount: Decimal, tax_type: str, amount_types: str) -> Decimal:
    if amount_types == "NoTax":
        return Decimal("0.00")
    if wish.tax_amount is not None:
        return cents(wish.tax_amount)
    rate = org.tax_rates.get(tax_type)
    percent = rate.percent if rate else Decimal(0)
    base = 100 + percent if amount_types == "Inclusive" else Decimal(100)
    return cents(line_amount * percent / base)


def _tax_type(org: Organisation, wish: LineWish, before: Line | None, code: str | None) -> str:
    if wish.tax_type:
        return wish.tax_type
    if before is not None:
        return before.tax_type
    account = org.accounts.get(code or "")
    return account.tax_type if account else "NONE"


def _resolve(org: Organisation, wish: MarkWish) -> Mark | None:
    category = _category(org, wish)
    if category is None or category.status != "ACTIVE":
        return None
    for option in category.options:
        if option.status == "ACTIVE" and (
            option.option_id == wish.option_id or (wish.option_id is None and option.name == wish.option)
        ):
            return Mark(category.category_id, option.option_id, category.name, option.name)
    return None


def _category(org: Organisation, wish: MarkWish) -> TrackingCategory | None:
    if wish.category_id is None:
        return org.tracking.get((wish.category or "").casefold())
    return next((one for one in org.tracking.values() if one.category_id == wish.category_id), None)


def _rounded(amount: Decimal, places: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
