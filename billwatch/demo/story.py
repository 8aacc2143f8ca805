"""The story that the demo plays, step by step; each step says what happens and checks that it did."""

import datetime as dt
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from billwatch.demo.stage import KEY, Page, Stage, until
from billwatch.demo.telling import Teller
from billwatch.importing import Options, read_rows, take_in
from reconciler.model import Milestone
from reconciler.reasons import Reason
from reconciler.words import day

ACCOUNTS = "accounts@example.org"
HEADINGS = "Grant,What for,Payee,Amount,Bill date,stages,cancelled,link_milestone,link_application,link_contract"
ROWS = """
M-0401,Choir tour,Example Choir,4800.00,{today},approved,
M-0402,Stage 2,Example Arts Trust,12000.00,{today},approved,
M-0403,Wetland planting,Sample River Care,32500.00,{today},approved,
M-0404,Reading room,Example Library Friends,9150.00,{today},approved,
M-0405,Youth orchestra,Sample Youth Music,18000.00,{today},approved,
M-0406,Marae kitchen,Example Marae,27400.00,{today},approved,
M-0407,Coding club,Sample Coders,3600.00,{today},approved,
M-0408,Sailing programme,Example Sailing,7500.00,{today},approved,
M-0409,Garden beds,Sample Gardens,2250.00,{today},approved,
M-0410,Report only,Example Kura,0.00,{today},approved,
M-0411,Final report,Example Kura,5000.00,{today},submitted,
M-0412,Withdrawn show,Sample Theatre,6400.00,{today},approved,yes
"""
BILLED = 9
MAPPING = {"Grant": "key", "What for": "title", "Payee": "payee", "Amount": "amount", "Bill date": "date"}


def play(stage: Stage, tell: Teller) -> None:
    """The whole story. What does not hold is told, and counted by the teller."""
    for chapter in (
        connect,
        take_milestones_in,
        bill,
        approve_and_pay,
        change_after_approval,
        void_and_bill_again,
        lock_a_period,
        lose_a_webhook,
        exempt,
        leave_one,
    ):
        chapter(stage, tell)


def connect(stage: Stage, tell: Teller) -> None:
    """Xero checks the webhook endpoint before it sends anything."""
    tell.chapter("Xero checks that we know its signature")
    stage.xero.webhooks.configure(f"{stage.daemon.url}/webhooks/xero", stage.webhook_key)
    answer = stage.xero.webhooks.enable()
    statuses = [str(delivery.status) for delivery in stage.xero.webhooks.deliveries("intent")]
    tell.says(f"Four requests came, three of them wrongly signed; we answered {', '.join(statuses)}.")
    passed = answer == "OK" and sorted(statuses) == ["200", "401", "401", "401"]
    tell.check(passed, "intent to receive passed")


def take_milestones_in(stage: Stage, tell: Teller) -> None:
    """A file of the grants platform, as `billwatch import` takes it."""
    tell.chapter("The grants team imports a dozen milestones")
    rows = ROWS.strip().format(today=_today(stage).isoformat()).splitlines()
    links = "https://grants.example.org/m/{0},https://grants.example.org/a/{0},https://grants.example.org/c/{0}"
    text = "\n".join([HEADINGS, *(f"{row},{links.format(row[:6])}" for row in rows)])
    read = read_rows(stage.write("milestones.csv", text), MAPPING, Options(KEY, "approved"))
    for _ in take_in(read, stage.house.ledger.milestones, stage.house.clock()):
        pass
    tell.check(len(read.milestones) == 12 and not read.rejected, "12 rows read, none rejected")


def bill(stage: Stage, tell: Teller) -> None:
    """What is due is billed, the rest is left alone."""
    tell.chapter("What is due is billed in Xero; the rest is quietly skipped")
    tell.check(until(lambda: stage.reason("M-0409") is Reason.AWAITING_APPROVAL), f"{BILLED} bills await approval")
    tell.check(len(stage.org.bills()) == BILLED, f"Xero holds exactly {BILLED} bills")
    expected = {"M-0410": Reason.NOTHING_TO_PAY, "M-0411": Reason.NOT_DUE, "M-0412": Reason.WITHDRAWN}
    for key, reason in expected.items():
        tell.check(stage.reason(key) is reason, f"{key} skipped: {reason}")
    written = stage.xero.calls("/Invoices", method="PUT")
    tell.says(f"All {BILLED} went out in {written} call to Xero.")


def approve_and_pay(stage: Stage, tell: Teller) -> None:
    """An accountant at work; webhooks tell us."""
    tell.chapter("The accountant approves three bills and pays one; webhooks tell us, nobody is mailed")
    for number in ("M-0402", "M-0403", "M-0401"):
        stage.org.approve(number)
    stage.org.pay("M-0401")
    tell.check(until(lambda: stage.reason("M-0401") is Reason.PAID), "M-0401 is known to be paid")
    tell.check(until(lambda: stage.reason("M-0403") is Reason.APPROVED), "M-0403 is known to be approved")
    tell.check(not stage.letters.kept, "no mail was sent about what is fine")


def change_after_approval(stage: Stage, tell: Teller) -> None:
    """The platform changes what Xero has already approved: flagged before a sync is tried."""
    tell.chapter("The milestone of an approved bill changes: the accountant hears of it before anything fails")
    _change(stage, "M-0402", amount=Decimal("15000.00"))
    tell.check(until(lambda: stage.reason("M-0402") is Reason.BILL_APPROVED), "M-0402 flagged, nothing written")
    if not tell.check(until(lambda: bool(stage.letters.to(ACCOUNTS))), "one mail to the accountant"):
        return
    tell.mail(stage.letters.to(ACCOUNTS)[-1])
    tell.says("The accountant changes the bill in Xero by hand, and clicks nothing.")
    stage.org.edit("M-0402", total=Decimal("15000.00"))
    tell.check(until(lambda: stage.reason("M-0402") is Reason.APPROVED), "the flag closed by itself")


def void_and_bill_again(stage: Stage, tell: Teller) -> None:
    """A voided bill, and a decision on the page behind the mail's link."""
    tell.chapter("A bill is voided; a decision on the page puts it right")
    stage.org.void("M-0403")
    tell.check(until(lambda: stage.reason("M-0403") is Reason.BILL_VOIDED), "M-0403 flagged: its bill was voided")
    if not tell.check(until(lambda: bool(stage.letters.to(ACCOUNTS, "voided"))), "a mail with a link"):
        return
    tell.says("She opens the link, chooses to have it billed again, looks it over and confirms.")
    Page(stage.letters.to(ACCOUNTS, "voided")[-1]).choose(kind="bill-again", by="Ana Example")
    tell.check(stage.reason("M-0403") is Reason.AWAITING_APPROVAL, "billed again, and awaiting approval")
    tell.check([b.status for b in stage.org.bills() if b.number == "M-0403-2"] == ["SUBMITTED"], "as bill M-0403-2")
    told = until(lambda: bool(stage.letters.to(ACCOUNTS, "again")))
    tell.check(told, "the outcome is mailed to everyone who was warned")


def lock_a_period(stage: Stage, tell: Teller) -> None:
    """One lock date, three milestones, one mail, one click."""
    lock = _today(stage).replace(day=1) - dt.timedelta(days=1)
    tell.chapter(f"The books are locked to {day(lock)}; three milestones dated before that come in")
    stage.org.lock(period=lock)
    stage.sweep()
    keys = ["M-0420", "M-0421", "M-0422"]
    payees = ["Example Choir", "Sample River Care", "Example Kura"]
    amounts, date, due = ("40000.00", "32500.00", "28000.00"), lock - dt.timedelta(days=10), frozenset({"approved"})
    new = [
        Milestone(KEY, key, "Spring programme", payee, Decimal(amount), date, stages=due)
        for key, payee, amount in zip(keys, payees, amounts, strict=True)
    ]
    stage.house.ledger.milestones.put(new, stage.house.clock())
    tell.check(until(lambda: all(stage.reason(k) is Reason.LOCKED_DRAFT for k in keys)), "all three flagged, unwritten")
    tell.check(until(lambda: bool(stage.letters.to(ACCOUNTS, "lock"))), "one mail for the three")
    mails = stage.letters.to(ACCOUNTS, "lock")
    if not tell.check(len(mails) == 1, "and only one"):
        return
    mail = mails[0]
    tell.mail(mail)
    first = lock + dt.timedelta(days=1)
    Page(mail).choose(kind="date", date=first.isoformat(), by="Ana Example")
    dates = {b.day for b in stage.org.bills() if b.number in keys}
    tell.check(dates == {first}, f"all three billed on the first open day, {day(first)}")


def lose_a_webhook(stage: Stage, tell: Teller) -> None:
    """The webhook is a hint, the sweep is the truth."""
    tell.chapter("A webhook is lost; the sweep finds out all the same")
    stage.xero.webhooks.drop(True)
    stage.org.delete("M-0408")
    stage.sweep()
    stage.xero.webhooks.drop(False)
    tell.check(stage.reason("M-0408") is Reason.BILL_DELETED, "the sweep found that the bill of M-0408 was deleted")
    tell.check(until(lambda: bool(stage.letters.to(ACCOUNTS, "M-0408"))), "the accountant is mailed")


def exempt(stage: Stage, tell: Teller) -> None:
    """A milestone that is not to be synced any more."""
    tell.chapter("The grants team pays that one another way and exempts it")
    mails = stage.letters.to(ACCOUNTS, "M-0408")
    if mails:
        Page(mails[-1]).choose(kind="exempt", reason="Paid by koha at the opening", by="Ben Sample")
    tell.check(stage.reason("M-0408") is Reason.EXEMPT, "M-0408 is exempt, with the reason on record")
    twice = [n for n in {b.number for b in stage.org.bills()} if sum(b.number == n for b in stage.org.bills()) > 1]
    tell.check(not twice, "no milestone was billed twice")


def leave_one(stage: Stage, tell: Teller) -> None:
    """Both sides change the same amount: nobody is overwritten, and the reader of this demo may decide."""
    tell.chapter("Milestone and bill are both changed; this one is left for you")
    stage.org.edit("M-0405", total=Decimal("17500.00"))
    _change(stage, "M-0405", amount=Decimal("19000.00"))
    tell.check(until(lambda: stage.reason("M-0405") is Reason.EDITED_IN_XERO), "M-0405 flagged, neither overwritten")
    if tell.check(until(lambda: bool(stage.letters.to(ACCOUNTS, "M-0405"))), "the accountant is asked"):
        tell.page("The page behind the mail's link", Page(stage.letters.to(ACCOUNTS, "M-0405")[-1]).url)


def _today(stage: Stage) -> dt.date:
    return stage.house.clock().date()


def _change(stage: Stage, key: str, **changes: Any) -> None:
    milestone = stage.standing()[key].case.milestone
    changed = replace(milestone, **changes)
    stage.house.ledger.milestones.put([changed], stage.house.clock())
