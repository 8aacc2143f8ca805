"""Every reason that a verdict can have, with its action, its words, who is asked, and what they may choose.

The words are the same in mails, on pages, on the command line and in the documents. In `happened` and `todo`,
names in braces are filled in by `reconciler.words`: {payee} {key} {number} {amount} {bill_total} {settled}
{date} {lock} {proposed} {message} {until} {why} {change}. To add a reason: a member in `reconciler/kinds.py`, its row
in `WORDS`, its place in `reconciler/decide.py`.
"""

from dataclasses import dataclass

from reconciler.kinds import Action, Choose, Reason, Role

__all__ = ["WORDS", "Action", "Choose", "Reason", "Role", "Words", "words"]


@dataclass(frozen=True, slots=True)
class Words:
    """A reason in an accountant's words: a headline for lists and subjects, what happened, what to do about it."""

    action: Action
    headline: str
    happened: str
    todo: str = ""
    roles: tuple[Role, ...] = ()
    choices: tuple[Choose, ...] = ()


ACCOUNTING = (Role.ACCOUNTING,)
BOTH = (Role.ACCOUNTING, Role.GRANTS)
OPERATOR = (Role.OPERATOR,)
EXEMPTED = (Reason.EXEMPT, Reason.EXEMPT_WITH_BILL)


def _sync(headline: str, happened: str) -> Words:
    return Words(Action.SYNC, headline, happened)


def _skip(headline: str, happened: str) -> Words:
    return Words(Action.SKIP, headline, happened)


def _hold(headline: str, happened: str, todo: str, *choices: Choose, roles: tuple[Role, ...] = OPERATOR) -> Words:
    return Words(Action.HOLD, headline, happened, todo, roles, choices)


def _flag(headline: str, happened: str, todo: str, *choices: Choose, roles: tuple[Role, ...] = ACCOUNTING) -> Words:
    return Words(Action.FLAG, headline, happened, todo, roles, (*choices, Choose.REMIND, Choose.EXEMPT))


_FIX = "Fixed it in Xero? Then there is nothing to click: this closes by itself."

WORDS: dict[Reason, Words] = {
    Reason.CREATE: _sync("to be billed", "A new bill of {amount} dated {date} is to be made."),
    Reason.UPDATE: _sync("to be updated", "The bill is to follow the milestone: {fields}."),
    Reason.EXEMPT: _skip("exempt", "Exempt from syncing{until}: {why}"),
    Reason.WITHDRAWN: _skip("withdrawn", "The milestone was cancelled."),
    Reason.NOT_DUE: _skip("not due", "The milestone has not reached a stage at which it is billed."),
    Reason.NOTHING_TO_PAY: _skip("nothing to pay", "The milestone's amount is 0."),
    Reason.PAID: _skip("paid", "The bill is paid, and nothing is left to write."),
    Reason.PART_PAID: _skip("part-paid", "{settled} of the bill is paid or credited, and nothing is left to write."),
    Reason.APPROVED: _skip("approved", "The bill is approved, and nothing is left to write."),
    Reason.AWAITING_APPROVAL: _skip("awaiting approval", "The bill awaits approval, and nothing is left to write."),
    Reason.IN_SYNC: _skip("in sync", "The bill is a draft, and nothing is left to write."),
    Reason.WOULD_CREATE: _skip(
        "would be billed", "A bill of {amount} dated {date} would be made. This organisation is only watched."
    ),
    Reason.WOULD_UPDATE: _skip(
        "would be updated", "The bill would follow the milestone: {fields}. This organisation is only watched."
    ),
    Reason.PAUSED: _hold("paused", "Writing to Xero is paused{message}.", "Resume when ready: billwatch resume."),
    Reason.CONNECTION_LOST: _hold(
        "connection lost",
        "Xero no longer accepts our connection{message}. Nothing is synced until it is renewed.",
        "Run billwatch connect, which also says what else may be wrong; all that was held then follows by itself.",
    ),
    Reason.WRONG_ORGANISATION: _hold(
        "wrong organisation",
        "The connection leads to another organisation than before{message}. Nothing is written.",
        "Connect the organisation that this configuration names.",
    ),
    Reason.FACTS_STALE: _hold(
        "facts too old",
        "Xero could not be read completely for too long{message}. Nothing is decided on old facts.",
        "Nothing to do unless this lasts: it ends with the next complete reading.",
    ),
    Reason.XERO_UNAVAILABLE: _hold(
        "Xero unavailable",
        "Xero does not answer properly{message}.",
        "Nothing to do unless this lasts: billwatch keeps trying.",
    ),
    Reason.MASS_CHANGE: _hold(
        "many bills missing",
        "Unusually many bills cannot be found in Xero at once{message}. Nothing is done about any of them.",
        "Check that the connection still leads to the right organisation; then confirm: billwatch resume --go-ahead.",
        Choose.GO_AHEAD,
        roles=(Role.OPERATOR, Role.ACCOUNTING),
    ),
    Reason.OUTCOME_UNKNOWN: _hold(
        "outcome unknown",
        "A write to Xero was not answered. It is looked up before anything else happens.",
        "Nothing to do: this clears within a quarter of an hour.",
    ),
    Reason.CAP_REACHED: _hold(
        "hourly cap reached",
        "More new bills than the cap allows are due within the hour{message}.",
        "Confirm that they are meant (billwatch resume --go-ahead), or wait: the rest follows next hour.",
        Choose.GO_AHEAD,
        roles=(Role.OPERATOR, Role.ACCOUNTING),
    ),
    Reason.EXEMPT_WITH_BILL: _flag(
        "exempt, but billed",
        "The milestone is exempt from syncing, yet its bill {number} of {bill_total} still asks for money.",
        "Void or delete the bill in Xero if it is not wanted, or leave it to be paid. " + _FIX,
        Choose.KEEP,
        roles=(Role.GRANTS,),
    ),
    Reason.BILL_NOT_WANTED: _flag(
        "bill no longer wanted",
        "{unwanted}, but its bill {number} of {bill_total} is still there.",
        "Void or delete the bill in Xero, or keep it. " + _FIX,
        Choose.VOIDED,
        Choose.KEEP,
        roles=BOTH,
    ),
    Reason.PAID_NOT_WANTED: _flag(
        "paid, but no longer wanted",
        "{unwanted}, but {settled} of its bill {number} is already paid or credited.",
        "Agree with the grants team how the money is to be treated; then keep it as it is.",
        Choose.KEEP,
        roles=BOTH,
    ),
    Reason.DUPLICATE_BILL: _flag(
        "billed more than once",
        "Several bills in Xero carry this milestone's number or link. None was touched.",
        "Void or delete the ones too many in Xero, or say which one counts. " + _FIX,
        Choose.LINK,
    ),
    Reason.POSSIBLE_DUPLICATE: _flag(
        "perhaps billed already",
        "A bill for {payee} over {amount} of nearly the same date is already in Xero. No second one was made.",
        "Say whether that bill is this milestone's, or have it billed all the same.",
        Choose.LINK,
        Choose.BILL_ANYWAY,
    ),
    Reason.LINK_DIFFERS: _flag(
        "linked bill differs",
        "The bill {number} was linked to this milestone, but the two do not agree. Nothing was changed.",
        "Decide which of the two counts.",
        Choose.KEEP,
        Choose.OVERWRITE,
    ),
    Reason.BILL_MISSING: _flag(
        "bill not found",
        "Xero says that the bill {number} does not exist.",
        "Have it billed again, or name the bill that replaced it.",
        Choose.BILL_AGAIN,
        Choose.REPLACED_BY,
    ),
    Reason.BILL_VOIDED: _flag(
        "bill voided",
        "The bill {number} of {bill_total} was voided in Xero, and the milestone is still to be paid.",
        "Have it billed again, name the bill that replaced it, or exempt the milestone.",
        Choose.BILL_AGAIN,
        Choose.REPLACED_BY,
        roles=BOTH,
    ),
    Reason.BILL_DELETED: _flag(
        "bill deleted",
        "The bill {number} of {bill_total} was deleted in Xero, and the milestone is still to be paid.",
        "Have it billed again, name the bill that replaced it, or exempt the milestone.",
        Choose.BILL_AGAIN,
        Choose.REPLACED_BY,
        roles=BOTH,
    ),
    Reason.CHANGED_IN_XERO: _flag(
        "changed in Xero",
        "The bill was changed in Xero ({fields}); the milestone was not. Nothing was overwritten.",
        "Decide which of the two counts. " + _FIX,
        Choose.KEEP,
        Choose.OVERWRITE,
    ),
    Reason.PAYMENT_REVERSED: _flag(
        "payment reversed",
        "Money that had been applied to the bill {number} was taken back: {settled} is applied now.",
        "If that was meant, keep it as it is; the bill is open again. " + _FIX,
        Choose.KEEP,
        roles=BOTH,
    ),
    Reason.LOCKED_DRAFT: _flag(
        "draft in a locked period",
        "The date {date} is locked (to {lock}), and a draft dated there cannot be approved in Xero.",
        "Choose a date from {proposed} on, or move the lock date in Xero.",
        Choose.DATE,
        Choose.RESYNC,
    ),
    Reason.BILL_READ_ONLY: _flag(
        "made by Xero Expenses",
        "The linked bill was made by Xero Expenses and cannot be changed from outside.",
        "Change it in Xero Expenses, or keep what Xero has.",
        Choose.KEEP,
    ),
    Reason.BILL_PAID: _flag(
        "milestone changed after payment",
        "The milestone changed after its bill was paid. Nothing was changed in Xero.",
        "{change} " + _FIX,
        Choose.BILL_DIFFERENCE,
        Choose.KEEP,
    ),
    Reason.BILL_PART_PAID: _flag(
        "milestone changed after part-payment",
        "The milestone changed after {settled} of its bill was paid. Nothing was changed in Xero.",
        "{change} " + _FIX,
        Choose.BILL_DIFFERENCE,
        Choose.KEEP,
    ),
    Reason.BILL_CREDITED: _flag(
        "milestone changed after a credit",
        "The milestone changed after a credit of {settled} was applied to its bill. Nothing was changed in Xero.",
        "{change} " + _FIX,
        Choose.BILL_DIFFERENCE,
        Choose.KEEP,
    ),
    Reason.BILL_APPROVED: _flag(
        "milestone changed after approval",
        "The milestone changed after its bill was approved. Nothing was changed in Xero.",
        "{change} " + _FIX,
        Choose.BILL_DIFFERENCE,
        Choose.KEEP,
    ),
    Reason.EDITED_IN_XERO: _flag(
        "changed on both sides",
        "Milestone and bill were both changed since they last agreed. Neither was overwritten.",
        "Decide which of the two counts.",
        Choose.KEEP,
        Choose.OVERWRITE,
    ),
    Reason.PERIOD_LOCKED: _flag(
        "blocked by the period lock",
        "Xero is locked to {lock}, and the bill is dated {date}. Nothing was written.",
        "Choose a date from {proposed} on, or move the lock date in Xero and resync.",
        Choose.DATE,
        Choose.RESYNC,
    ),
    Reason.YEAR_LOCKED: _flag(
        "blocked by the end-of-year lock",
        "Xero's end of year is locked to {lock}, and the bill is dated {date}. Nothing was written.",
        "Choose a date from {proposed} on, or have an adviser move the lock date in Xero, then resync.",
        Choose.DATE,
        Choose.RESYNC,
    ),
    Reason.LOCK_LIFTED: _flag(
        "no longer locked",
        "The lock that blocked the date {date} was lifted.",
        "Resync to bill it with that date, or choose another one.",
        Choose.RESYNC,
        Choose.DATE,
    ),
    Reason.CONTACT_ARCHIVED: _flag(
        "payee archived in Xero",
        "The contact for {payee} is archived in Xero, so no bill can be made for it.",
        "Restore the contact in Xero, or map the payee to another contact. " + _FIX,
        Choose.RESYNC,
    ),
    Reason.CONTACT_AMBIGUOUS: _flag(
        "payee ambiguous",
        "Xero has several contacts that may be {payee}.",
        "Merge them in Xero, or map the payee to one of them. " + _FIX,
        Choose.RESYNC,
    ),
    Reason.CONTACT_UNKNOWN: _flag(
        "payee's contact not found",
        "{payee} is mapped to a contact that Xero does not have.",
        "Map the payee to a contact that exists. " + _FIX,
        Choose.RESYNC,
        roles=BOTH,
    ),
    Reason.ACCOUNT_UNUSABLE: _flag(
        "account unusable",
        "The account {account} does not exist in Xero, is archived, or cannot be used on a bill.",
        "Restore it in Xero, or name another account in the configuration. " + _FIX,
        Choose.RESYNC,
        roles=(Role.ACCOUNTING, Role.OPERATOR),
    ),
    Reason.TAX_INVALID: _flag(
        "tax rate unusable",
        "The tax type {tax} does not exist in Xero or cannot be used here.",
        "Name another tax type in the configuration. " + _FIX,
        Choose.RESYNC,
        roles=(Role.ACCOUNTING, Role.OPERATOR),
    ),
    Reason.TRACKING_UNUSABLE: _flag(
        "tracking option unusable",
        "Xero cannot take the tracking of this milestone: {tracking}.",
        "Make or restore the option in Xero, or change the milestone's tracking. " + _FIX,
        Choose.RESYNC,
        roles=(Role.ACCOUNTING, Role.OPERATOR),
    ),
    Reason.CURRENCY_DISABLED: _flag(
        "currency not set up",
        "The organisation does not use {currency} in Xero.",
        "Add the currency in Xero. " + _FIX,
        Choose.RESYNC,
    ),
    Reason.CURRENCY_CHANGED: _flag(
        "currency changed",
        "The milestone's currency changed to {currency} after it was billed. A bill's currency is not changed.",
        "Void or delete the bill in Xero and have it billed again, or keep what Xero has.",
        Choose.KEEP,
    ),
    Reason.NOT_PERMITTED: _flag(
        "not permitted",
        "The connection's user or plan may not approve bills in Xero.",
        "Give the connecting user that right, or have new bills made as awaiting approval. " + _FIX,
        Choose.RESYNC,
        roles=(Role.ACCOUNTING, Role.OPERATOR),
    ),
    Reason.REFUSED: _flag(
        "refused by Xero",
        "Xero refused the bill and said: {message}",
        "Repair the cause in Xero, then resync.",
        Choose.RESYNC,
        Choose.DATE,
        Choose.KEEP,
    ),
}


def words(reason: Reason) -> Words:
    """The words of a reason."""
    return WORDS[reason]
