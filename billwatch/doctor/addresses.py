"""Whether the people's addresses take mail, as far as one was sent to them."""

from billwatch.doctor.findings import Finding, ok, warning
from billwatch.organisation import Organisation
from storage import Ledger


def addresses(settings: Organisation, ledger: Ledger) -> Finding:
    """Which of the organisation's people the mail server refused, and has taken no mail for since."""
    people = {*settings.people.accounting, *settings.people.grants, *settings.people.operator}
    refused = [bounce for bounce in ledger.outbox.bounced() if bounce.address in people]
    if not refused:
        return ok("none of them was refused by the mail server")
    names = ", ".join(f"{bounce.address} ({bounce.said.rstrip('.')})" for bounce in refused)
    first = refused[0].address
    return warning(
        f"{names}; whoever comes next gets their mail",
        f"Mend the address in the configuration or at your mail server; then billwatch mail test {first}.",
    )
