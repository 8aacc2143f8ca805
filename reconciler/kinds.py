"""The kinds of things that verdicts are made of: actions, reasons, roles, and what a person may choose."""

from enum import StrEnum


class Action(StrEnum):
    """What a verdict asks for."""

    SYNC = "SYNC"
    SKIP = "SKIP"
    FLAG = "FLAG"
    HOLD = "HOLD"


class Role(StrEnum):
    """Who among an organisation's people can resolve a reason."""

    ACCOUNTING = "accounting"
    GRANTS = "grants"
    OPERATOR = "operator"


class Choose(StrEnum):
    """The kinds of choice that a person can make about a flag."""

    RESYNC = "resync"
    DATE = "date"
    KEEP = "keep"
    OVERWRITE = "overwrite"
    BILL_DIFFERENCE = "bill-difference"
    BILL_AGAIN = "bill-again"
    REPLACED_BY = "replaced-by"
    LINK = "link"
    BILL_ANYWAY = "bill-anyway"
    VOIDED = "voided"
    GO_AHEAD = "go-ahead"
    REMIND = "remind"
    EXEMPT = "exempt"


class Reason(StrEnum):
    """Why a milestone is synced, skipped, flagged or held."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"

    EXEMPT = "EXEMPT"
    WITHDRAWN = "WITHDRAWN"
    NOT_DUE = "NOT_DUE"
    NOTHING_TO_PAY = "NOTHING_TO_PAY"
    PAID = "PAID"
    PART_PAID = "PART_PAID"
    APPROVED = "APPROVED"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    IN_SYNC = "IN_SYNC"
    WOULD_CREATE = "WOULD_CREATE"
    WOULD_UPDATE = "WOULD_UPDATE"

    PAUSED = "PAUSED"
    CONNECTION_LOST = "CONNECTION_LOST"
    WRONG_ORGANISATION = "WRONG_ORGANISATION"
    FACTS_STALE = "FACTS_STALE"
    XERO_UNAVAILABLE = "XERO_UNAVAILABLE"
    MASS_CHANGE = "MASS_CHANGE"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    CAP_REACHED = "CAP_REACHED"

    EXEMPT_WITH_BILL = "EXEMPT_WITH_BILL"
    BILL_NOT_WANTED = "BILL_NOT_WANTED"
    PAID_NOT_WANTED = "PAID_NOT_WANTED"
    DUPLICATE_BILL = "DUPLICATE_BILL"
    POSSIBLE_DUPLICATE = "POSSIBLE_DUPLICATE"
    LINK_DIFFERS = "LINK_DIFFERS"
    BILL_MISSING = "BILL_MISSING"
    BILL_VOIDED = "BILL_VOIDED"
    BILL_DELETED = "BILL_DELETED"
    CHANGED_IN_XERO = "CHANGED_IN_XERO"
    PAYMENT_REVERSED = "PAYMENT_REVERSED"
    LOCKED_DRAFT = "LOCKED_DRAFT"
    BILL_READ_ONLY = "BILL_READ_ONLY"
    BILL_PAID = "BILL_PAID"
    BILL_PART_PAID = "BILL_PART_PAID"
    BILL_CREDITED = "BILL_CREDITED"
    BILL_APPROVED = "BILL_APPROVED"
    EDITED_IN_XERO = "EDITED_IN_XERO"
    PERIOD_LOCKED = "PERIOD_LOCKED"
    YEAR_LOCKED = "YEAR_LOCKED"
    LOCK_LIFTED = "LOCK_LIFTED"
    CONTACT_ARCHIVED = "CONTACT_ARCHIVED"
    CONTACT_AMBIGUOUS = "CONTACT_AMBIGUOUS"
    CONTACT_UNKNOWN = "CONTACT_UNKNOWN"
    ACCOUNT_UNUSABLE = "ACCOUNT_UNUSABLE"
    TAX_INVALID = "TAX_INVALID"
    TRACKING_UNUSABLE = "TRACKING_UNUSABLE"
    CURRENCY_DISABLED = "CURRENCY_DISABLED"
    CURRENCY_CHANGED = "CURRENCY_CHANGED"
    NOT_PERMITTED = "NOT_PERMITTED"
    REFUSED = "REFUSED"
