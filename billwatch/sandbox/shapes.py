"""How each document looks in JSON (Xero-OpenAPI, schemas Invoice, LineItem, Contact, Payment, Organisation, …)."""

from datetime import datetime
from decimal import Decimal
from urllib.parse import quote

from billwatch.sandbox import chart
from billwatch.sandbox.books import (
    NIL_ID,
    Account,
    Attachment,
    Bill,
    Contact,
    Line,
    Note,
    Option,
    Organisation,
    Payment,
    TaxRate,
    TrackingCategory,
)
from billwatch.sandbox.wire import Json, bare_instant, day, day_string, instant, instant_string, money, places


def bill(org: Organisation, item: Bill, *, heavy: bool = True, single: bool = False, unit_places: int = 2) -> Json:
    """One invoice. `heavy` adds lines and payments, `single` the contact in full."""
    sparse = single and org.switches.sparse_single
    return {
        "Type": item.type,
        "InvoiceID": item.bill_id,
        "InvoiceNumber": item.number,
        "Reference": item.reference,
        **({"Url": item.url} if item.url else {}),
        **({} if sparse or not heavy else _allocations(item)),
        **_balance(item, credited=not sparse),
        "CurrencyRate": places(item.rate, 6),
        "HasErrors": False,
        "IsDiscounted": False,
        "HasAttachments": bool(org.attachments.get(item.bill_id)),
        "Contact": _contact_of(org, item, single=single),
        **_dates(item),
        "Status": item.status,
        "LineAmountTypes": item.amount_types,
        "LineItems": [line(entry, unit_places) for entry in item.lines] if heavy else [],
        "SubTotal": money(item.subtotal),
        "TotalTax": money(item.tax),
        "Total": money(item.total),
        "CurrencyCode": item.currency,
        **({"FullyPaidOnDate": day(item.fully_paid_on)} if item.fully_paid_on else {}),
        **_updated(item.updated),
    }


def line(item: Line, unit_places: int = 2) -> Json:
    return {
        "LineItemID": item.line_id,
        **({"ItemCode": item.item_code} if item.item_code else {}),
        **({"Description": item.description} if item.description is not None else {}),
        "Quantity": places(item.quantity, 4),
        "UnitAmount": places(item.unit_amount, unit_places),
        "LineAmount": money(item.line_amount),
        "TaxType": item.tax_type,
        "TaxAmount": money(item.tax_amount),
        **({"AccountCode": item.account_code} if item.account_code is not None else {}),
        "Tracking": [
            {
                "TrackingCategoryID": mark.category_id,
                "TrackingOptionID": mark.option_id,
                "Name": mark.category,
                "Option": mark.option,
            }
            for mark in item.tracking
        ],
        "ValidationErrors": [],
    }


def contact(item: Contact) -> Json:
    return {
        "ContactID": item.contact_id,
        **({"ContactNumber": item.number} if item.number else {}),
        **({"AccountNumber": item.account_number} if item.account_number else {}),
        "ContactStatus": item.status,
        "Name": item.name,
        "FirstName": item.first_name,
        "LastName": item.last_name,
        "EmailAddress": item.email,
        "BankAccountDetails": "",
        "Addresses": [{"AddressType": "STREET"}, {"AddressType": "POBOX"}],
        "Phones": [{"PhoneType": kind} for kind in ("DEFAULT", "DDI", "MOBILE", "FAX")],
        **({"UpdatedDateUTC": instant(item.updated)} if item.updated else {}),
        "ContactGroups": [],
        "IsSupplier": item.is_supplier,
        "IsCustomer": item.is_customer,
        "ContactPersons": [],
        "HasAttachments": False,
        "HasValidationErrors": False,
        **({"MergedToContactID": item.merged_to} if item.merged_to else {}),
    }


def payment(org: Organisation, item: Payment, *, invoice: Json | None = None) -> Json:
    owner = org.bills[item.bill_id]
    account = org.accounts.get(item.account_code)
    return {
        "PaymentID": item.payment_id,
        "Date": day(item.day),
        "BankAmount": money(item.amount),
        "Amount": money(item.amount),
        "Reference": item.reference,
        "CurrencyRate": places(item.rate, 6),
        "PaymentType": f"{owner.type}PAYMENT",
        "Status": item.status,
        **_updated(item.updated),
        "HasAccount": account is not None,
        "IsReconciled": item.reconciled,
        **({"Account": {"AccountID": account.account_id, "Code": account.code}} if account else {}),
        "Invoice": invoice or _invoice_of_payment(org, owner),
        "HasValidationErrors": False,
    }


def organisation(org: Organisation) -> Json:
    """`GET /Organisation`; the lock dates are absent while unset ("Shown if set")."""
    return {
        "Name": org.name,
        "LegalName": org.name,
        "PaysTax": True,
        "Version": org.country if org.country in ("NZ", "AU", "US") else {"GB": "UK"}.get(org.country, "GLOBAL"),
        "OrganisationType": "CHARITY",
        "BaseCurrency": org.currency,
        "CountryCode": org.country,
        "IsDemoCompany": org.demo,
        "OrganisationStatus": "ACTIVE",
        "FinancialYearEndDay": org.year_end[0],
        "FinancialYearEndMonth": org.year_end[1],
        "DefaultPurchasesTax": "Tax Exclusive",
        **({"PeriodLockDate": day(org.period_lock)} if org.period_lock else {}),
        **({"EndOfYearLockDate": day(org.year_lock)} if org.year_lock else {}),
        "CreatedDateUTC": bare_instant(org.created),
        "OrganisationEntityType": "CHARITY",
        "Timezone": org.zone_name,
        "ShortCode": org.short_code,
        "OrganisationID": org.organisation_id,
        "Edition": "BUSINESS",
        "Class": "PREMIUM",
        "Addresses": [],
        "Phones": [],
        "ExternalLinks": [],
        "PaymentTerms": {},
    }


def actions(org: Organisation) -> list[Json]:
    """`GET /Organisation/Actions`, for the user who made the connection."""
    approves = {"CreateApprovedBill", "CreateApprovedInvoice", "CreateApprovedPurchaseOrder"}
    barred = set() if org.may_approve else approves
    if not org.adviser:
        barred.add("ApproveTransactionsBeforePeriodLockDate")
    if len(org.currencies) < 2:
        barred.add("UseMulticurrency")
    names = (
        *sorted(approves),
        "CreateDraftBill",
        "CreateDraftInvoice",
        "CreateRepeatingBill",
        "CreateInvoicePayment",
        "AttachFilesIntoInvoice",
        "UseMulticurrency",
        "ApproveTransactionsBeforePeriodLockDate",
    )
    return [{"Name": name, "Status": "NOT-ALLOWED" if name in barred else "ALLOWED"} for name in names]


def account(item: Account, now: datetime) -> Json:
    return {
        "AccountID": item.account_id,
        "Code": item.code,
        "Name": item.name,
        "Status": item.status,
        "Type": item.type,
        "TaxType": item.tax_type,
        "Class": item.klass,
        "EnablePaymentsToAccount": False,
        "ShowInExpenseClaims": False,
        "BankAccountType": "BANK" if item.type == "BANK" else "",
        **({"SystemAccount": item.system} if item.system else {}),
        "HasAttachments": False,
        "UpdatedDateUTC": instant(now),
        "AddToWatchlist": False,
    }


def tax_rate(item: TaxRate) -> Json:
    percent = places(item.percent, 4)
    return {
        "Name": item.name,
        "TaxType": item.tax_type,
        "CanApplyToAssets": "ASSET" in item.classes,
        "CanApplyToEquity": "EQUITY" in item.classes,
        "CanApplyToExpenses": "EXPENSE" in item.classes,
        "CanApplyToLiabilities": "LIABILITY" in item.classes,
        "CanApplyToRevenue": "REVENUE" in item.classes,
        "DisplayTaxRate": percent,
        "EffectiveRate": percent,
        "Status": "ACTIVE",
        "TaxComponents": [{"Name": "Tax", "Rate": percent, "IsCompound": False, "IsNonRecoverable": False}],
    }


def currency(code: str) -> Json:
    return {"Code": code, "Description": chart.CURRENCY_NAMES.get(code, code)}


def tracking_category(item: TrackingCategory) -> Json:
    return {
        "Name": item.name,
        "Status": item.status,
        "TrackingCategoryID": item.category_id,
        "Options": [option(each) for each in item.options],
    }


def note(item: Note) -> Json:
    """One line of a document's history as it is read."""
    return {
        "Changes": item.changes,
        "DateUTCString": item.at.strftime("%Y-%m-%dT%H:%M:%S"),
        "DateUTC": instant(item.at),
        "User": item.user,
        "Details": item.details,
    }


def made_note(item: Note) -> Json:
    """The answer to a note just written: shorter, and its instant without an offset."""
    return {
        "DateUTCString": item.at.strftime("%Y-%m-%dT%H:%M:%S"),
        "DateUTC": bare_instant(item.at),
        "Details": item.details,
        "ValidationErrors": [],
    }


def blank_identity(element: Json) -> Json:
    """The element of a failed create: echoed, but without an identity of its own."""
    return {**element, "InvoiceID": NIL_ID, "LineItems": [_unsaved(entry) for entry in element["LineItems"]]}


def attachment(bill_id: str, item: Attachment) -> Json:
    return {
        "AttachmentID": item.attachment_id,
        "FileName": item.name,
        "Url": f"https://api.xero.com/api.xro/2.0/Invoices/{bill_id}/Attachments/{quote(item.name)}",
        "MimeType": item.media,
        "ContentLength": len(item.content),
        "IncludeOnline": False,
    }


def _unsaved(entry: Json) -> Json:
    return {key: value for key, value in entry.items() if key != "LineItemID"}


def option(item: Option) -> Json:
    return {
        "TrackingOptionID": item.option_id,
        "Name": item.name,
        "Status": item.status,
        "HasValidationErrors": False,
        "IsDeleted": False,
        "IsArchived": item.status == "ARCHIVED",
        "IsActive": item.status == "ACTIVE",
    }


def _contact_of(org: Organisation, item: Bill, *, single: bool) -> Json:
    owner = org.contacts.get(item.contact_id)
    if owner is not None and single:
        return contact(owner)
    return {
        **({"ContactID": owner.contact_id, "Name": owner.name} if owner else {}),
        "Addresses": [],
        "Phones": [],
        "ContactGroups": [],
        "ContactPersons": [],
        "HasValidationErrors": False,
    }


def _allocations(item: Bill) -> Json:
    found: Json = {"Payments": [_brief_payment(one) for one in item.payments]}
    for kind, key in (("CreditNotes", "CreditNote"), ("Prepayments", "Prepayment"), ("Overpayments", "Overpayment")):
        found[kind] = [
            {
                f"{key}ID": one.credit_id,
                **({"CreditNoteNumber": one.number, "HasErrors": False} if key == "CreditNote" else {}),
                "ID": one.credit_id,
                "AppliedAmount": money(one.amount),
                "DateString": day_string(one.day),
                "Date": day(one.day),
                "LineItems": [],
                "Total": money(one.amount),
            }
            for one in item.credits
            if one.kind == kind
        ]
    return found


def _brief_payment(item: Payment) -> Json:
    return {
        "PaymentID": item.payment_id,
        "Date": day(item.day),
        "Amount": money(item.amount),
        "Reference": item.reference,
        "CurrencyRate": places(item.rate, 6),
        "HasAccount": False,
        "HasValidationErrors": False,
    }


def _balance(item: Bill, *, credited: bool) -> dict[str, Decimal]:
    return {
        "AmountDue": money(item.amount_due),
        "AmountPaid": money(item.paid),
        **({"AmountCredited": money(item.credited)} if credited else {}),
    }


def _dates(item: Bill) -> Json:
    return {
        "DateString": day_string(item.day),
        "Date": day(item.day),
        **({"DueDateString": day_string(item.due), "DueDate": day(item.due)} if item.due else {}),
        **({"PlannedPaymentDate": day(item.planned)} if item.planned else {}),
    }


def _invoice_of_payment(org: Organisation, owner: Bill) -> Json:
    return {
        "Type": owner.type,
        "InvoiceID": owner.bill_id,
        "InvoiceNumber": owner.number,
        "Contact": _contact_of(org, owner, single=False),
        "CurrencyCode": owner.currency,
        "LineItems": [],
        "HasErrors": False,
    }


def _updated(at: datetime | None) -> Json:
    return {"UpdatedDateUTC": instant(at), "UpdatedDateUTCString": instant_string(at)} if at else {}
