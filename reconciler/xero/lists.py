"""What a bill may use: accounts, tax types, currencies and tracking options. Pure."""

from collections.abc import Iterable

from reconciler.xero import shapes

# Accounts that Xero posts to by itself (Xero-OpenAPI, `SystemAccount`); those for tax and wages can be named.
_KEPT = frozenset(
    {
        "DEBTORS",
        "CREDITORS",
        "BANKCURRENCYGAIN",
        "REALISEDCURRENCYGAIN",
        "UNREALISEDCURRENCYGAIN",
        "HISTORICAL",
        "RETAINEDEARNINGS",
        "TRACKINGTRANSFERS",
    }
)


def accounts(found: Iterable[shapes.Account]) -> frozenset[str]:
    """Codes of active accounts that a line may name: no bank accounts, none that Xero keeps for itself."""
    return frozenset(item.code for item in found if item.code and _active(item.status) and _open(item))


def taxes(found: Iterable[shapes.TaxRate]) -> frozenset[str]:
    """Tax types that are in use."""
    return frozenset(item.tax_type for item in found if item.tax_type and _active(item.status))


def currencies(found: Iterable[shapes.Currency], base: str) -> frozenset[str]:
    """Currencies that the organisation has set up; its own is always among them."""
    return frozenset({item.code for item in found if item.code} | ({base} if base else set()))


def tracking(found: Iterable[shapes.TrackingCategory]) -> frozenset[tuple[str, str]]:
    """(category, option) pairs of which both are active; each active category also with an empty option."""
    active = [category for category in found if category.name and _active(category.status)]
    options = [(c.name, o.name) for c in active for o in c.options or () if o.name and _active(o.status)]
    return frozenset((category or "", option) for category, option in [*((c.name, "") for c in active), *options])


def _active(status: str | None) -> bool:
    return (status or "ACTIVE") == "ACTIVE"


def _open(item: shapes.Account) -> bool:
    return item.type != "BANK" and (item.system_account or "") not in _KEPT
