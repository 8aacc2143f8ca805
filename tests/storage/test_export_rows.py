"""What is exported, from either database, of bills and of writes to Xero."""

from ledger_samples import NOW, ORG, attempt, bill, bind, milestone

from storage.ledger import Ledger


def test_bills_are_told_with_the_milestone_that_follows_them_and_attempts_with_what_was_sent(ledger: Ledger) -> None:
    ledger.milestones.put([milestone(), milestone("M2")], NOW)
    ledger.mirror.store_bills(ORG, [bill(), bill("b2")])
    bind(ledger, "b1")
    ledger.attempts.begin(attempt(ledger, "M2"), NOW)
    told = {name: list(rows) for name, rows in ledger.export.tables(ORG)}
    assert [(row["key"], row["bill_id"], row["status"]) for row in told["bills"]] == [("M1", "b1", "SUBMITTED")]
    (sent,) = told["attempts"]
    assert (sent["keys"], sent["body"], sent["finished_at"]) == (["M2"], '{"Invoices": []}', None)
    assert [row["key"] for row in told["milestones"]] == ["M1", "M2"]
    assert ledger.export.organisations() == [ORG]
    assert all(list(rows) == [] for _, rows in ledger.export.tables("another"))
