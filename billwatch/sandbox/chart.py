"""What a new organisation starts with: accounts, tax rates, currencies, tracking, and Xero's names of time zones.

Codes and tax types are those of Xero's demo companies for New Zealand and the United Kingdom.
"""

import uuid
from decimal import Decimal

from tzlocal.windows_tz import tz_win

from billwatch.sandbox.books import Account, Option, TaxRate, TrackingCategory

CURRENCY_NAMES = {
    "NZD": "New Zealand Dollar",
    "GBP": "British Pound",
    "AUD": "Australian Dollar",
    "USD": "United States Dollar",
    "EUR": "Euro",
}
BASE_CURRENCY = {"NZ": "NZD", "GB": "GBP", "AU": "AUD", "US": "USD"}
HOME_ZONE = {"NZ": "Pacific/Auckland", "GB": "Europe/London", "AU": "Australia/Sydney", "US": "America/New_York"}

# Units of foreign currency for one US dollar, so that a day rate exists for any pair without asking anybody.
_PER_DOLLAR = {
    "USD": Decimal("1"),
    "NZD": Decimal("1.70"),
    "AUD": Decimal("1.50"),
    "GBP": Decimal("0.75"),
    "EUR": Decimal("0.86"),
}

_EXPENSE = ("EXPENSE", "ASSET")
_REVENUE = ("REVENUE",)
_ALL = ("EXPENSE", "ASSET", "REVENUE", "LIABILITY", "EQUITY")

_TAXES: dict[str, tuple[TaxRate, ...]] = {
    "NZ": (
        TaxRate("INPUT2", "15% GST on Expenses", Decimal(15), _EXPENSE),
        TaxRate("OUTPUT2", "15% GST on Income", Decimal(15), _REVENUE),
        TaxRate("ZERORATEDINPUT", "Zero Rated - Exp", Decimal(0), _EXPENSE),
        TaxRate("ZERORATED", "Zero Rated", Decimal(0), _REVENUE),
        TaxRate("GSTONIMPORTS", "GST on Imports", Decimal(0), _EXPENSE),
        TaxRate("NONE", "No GST", Decimal(0), _ALL),
    ),
    "GB": (
        TaxRate("INPUT2", "20% (VAT on Expenses)", Decimal(20), _EXPENSE),
        TaxRate("OUTPUT2", "20% (VAT on Income)", Decimal(20), _REVENUE),
        TaxRate("RRINPUT", "5% (VAT on Expenses)", Decimal(5), _EXPENSE),
        TaxRate("EXEMPTINPUT", "Exempt Expenses", Decimal(0), _EXPENSE),
        TaxRate("ZERORATEDINPUT", "Zero Rated Expenses", Decimal(0), _EXPENSE),
        TaxRate("NONE", "No VAT", Decimal(0), _ALL),
    ),
    "AU": (
        TaxRate("INPUT", "GST on Expenses", Decimal(10), _EXPENSE),
        TaxRate("OUTPUT", "GST on Income", Decimal(10), _REVENUE),
        TaxRate("EXEMPTEXPENSES", "GST Free Expenses", Decimal(0), _EXPENSE),
        TaxRate("NONE", "BAS Excluded", Decimal(0), _ALL),
    ),
}
_PLAIN_TAXES = (TaxRate("NONE", "Tax Exempt", Decimal(0), _ALL),)
_DEFAULT_TAX = {"NZ": ("INPUT2", "OUTPUT2"), "GB": ("INPUT2", "OUTPUT2"), "AU": ("INPUT", "OUTPUT")}


def tax_rates(country: str) -> dict[str, TaxRate]:
    return {rate.tax_type: rate for rate in _TAXES.get(country, _PLAIN_TAXES)}


def accounts(country: str) -> dict[str, Account]:
    """The starter chart by code; 800 and 090 exist but cannot be used on the lines of a bill."""
    spent, earned = _DEFAULT_TAX.get(country, ("NONE", "NONE"))
    rows = (
        ("090", "Business Bank Account", "BANK", "ASSET", "NONE"),
        ("200", "Sales", "REVENUE", "REVENUE", earned),
        ("400", "Advertising", "EXPENSE", "EXPENSE", spent),
        ("404", "Bank Fees", "EXPENSE", "EXPENSE", "NONE"),
        ("429", "General Expenses", "EXPENSE", "EXPENSE", spent),
        ("477", "Wages and Salaries", "EXPENSE", "EXPENSE", "NONE"),
        ("480", "Grants", "EXPENSE", "EXPENSE", "NONE"),
        ("610", "Accounts Receivable", "CURRENT", "ASSET", "NONE"),
        ("800", "Accounts Payable", "CURRLIAB", "LIABILITY", "NONE"),
    )
    return {
        code: Account(str(uuid.uuid4()), code, name, kind, klass, tax, system={"800": "CREDITORS"}.get(code, ""))
        for code, name, kind, klass, tax in rows
    }


def tracking() -> dict[str, TrackingCategory]:
    """One category, Region, with four options, as in Xero's demo companies; by name in lower case."""
    options = tuple(Option(str(uuid.uuid4()), name) for name in ("North", "South", "East", "West"))
    return {"region": TrackingCategory(str(uuid.uuid4()), "Region", options)}


def day_rate(base: str, currency: str) -> Decimal:
    """Units of `currency` for one of `base`, six decimals; 1 where the sandbox knows no rate."""
    if base not in _PER_DOLLAR or currency not in _PER_DOLLAR:
        return Decimal("1.000000")
    return (_PER_DOLLAR[currency] / _PER_DOLLAR[base]).quantize(Decimal("0.000001"))


def zone_name(iana: str) -> str:
    """Xero's name of a time zone: the Windows name in capitals without spaces, points and hyphens (schema TimeZone)."""
    windows = tz_win.get(iana, "UTC")
    return windows.upper().translate({ord(mark): None for mark in " .-'"})
