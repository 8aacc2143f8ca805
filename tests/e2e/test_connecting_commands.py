"""`billwatch connect`, `connections` and `doctor` as a person runs them, over the consent page and real sockets."""

import json
import subprocess
import sys
from typing import Any

import pytest
from connectable import (
    BESIDE,
    BILLWATCH,
    ORGANISATION,
    Place,
    alerts,
    environment,
    house,
    kept,
    org,
    place,
    put,
    reason,
    sweep,
)
from consenting import consent
from worlds import sandbox_of_today as running_sandbox

from billwatch.doctor import books
from billwatch.wiring import House
from reconciler.errors import ConfigurationError
from reconciler.reasons import Reason

__all__ = ["house", "org", "place", "running_sandbox"]


class TestCommands:
    def test_connect_opens_the_browser_waits_for_its_return_and_tells_what_is_connected(
        self, place: Place, org: Any
    ) -> None:
        other = place.xero.organisation("Other Trust")
        done = connect(place, "allow")
        assert f"example is connected to “Example Trust” (NZD, tenant {org.tenant_id}) by consent." in done.stdout
        assert "billwatch has Xero&#x27;s answer and goes on in the terminal" in done.stdout
        appended = done.stdout[done.stdout.index("[[organisation]]") :]
        place.path.write_text(f"{place.path.read_text(encoding='utf-8')}\n{appended}", encoding="utf-8")
        assert place.config.settings("other-trust").tenant_id == other.tenant_id
        assert sweep(place, place.open(), "other-trust").hold is None

    def test_a_person_who_declines_is_told_so_and_nothing_is_kept(self, place: Place) -> None:
        done = connect(place, "deny")
        assert done.returncode == 1
        assert done.stderr == "Error: Access was declined at Xero, so nothing was changed.\n"
        assert kept(place.open()) == {}

    def test_without_a_browser_the_address_is_pasted(self, place: Place) -> None:
        command = [BILLWATCH, "--config", str(place.path), "connect", "--paste"]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, **pipes) as process:  # noqa: S603
            assert process.stdout is not None
            address = next(line.strip() for line in process.stdout if line.startswith("http"))
            told, _ = process.communicate(consent(address) + "\n", timeout=60)
        assert process.returncode == 0
        assert "example is connected to “Example Trust”" in told

    def test_a_pasted_address_of_another_attempt_is_refused(self, place: Place) -> None:
        result = place.run("connect", "--paste", input="http://localhost/callback?code=c&state=other\n")
        assert result.exit_code == 1
        assert "That address does not belong to this attempt to connect" in result.stderr

    def test_an_organisation_without_a_tenant_id_is_told_what_to_put(self, place: Place, org: Any) -> None:
        place.write(place.table(""))
        done = connect(place, "allow")
        assert done.returncode == 0
        assert f'tenant_id = "{org.tenant_id}"  # Example Trust' in done.stdout
        with pytest.raises(ConfigurationError, match=r'tenant_id is missing; "billwatch connect" finds it'):
            place.open()
        place.write(place.table(org.tenant_id))
        assert sweep(place, place.open()).hold is None

    def test_which_organisation_must_be_said_when_there_are_several_apps(self, place: Place, org: Any) -> None:
        other = place.xero.organisation("Other Trust")
        place.write(place.table(org.tenant_id), place.table(other.tenant_id, "other", client_id="another"))
        result = place.run("connect")
        assert result.stderr == "Error: Say which organisation with --organisation: example, other.\n"

    @pytest.mark.usefixtures("house")
    def test_connections_lists_what_can_be_reached_and_whose_it_is(self, place: Place, org: Any) -> None:
        other = place.xero.organisation("Other Trust")
        listed = json.loads(place.run("connections", "--json").stdout)
        assert {(one["name"], one["tenant_id"], one["organisation"]) for one in listed} == {
            ("Example Trust", org.tenant_id, ORGANISATION),
            ("Other Trust", other.tenant_id, None),
        }
        assert all(one["since"].endswith("Z") for one in listed)
        assert "not configured" in place.run("connections").stdout

    def test_a_connection_that_does_not_work_is_named_beside_those_that_do(self, place: Place, org: Any) -> None:
        other = place.xero.organisation("Other Trust")
        place.write(place.table(org.tenant_id), place.custom(other).replace('"example"', '"other"'))
        result = place.run("connections")
        assert result.exit_code == 1
        assert "Other Trust" in result.stdout
        assert "example: The connection example is not authorised yet: billwatch connect." in result.stderr

    def test_disconnecting_holds_what_is_due_and_forgets_the_tokens_with_the_last(
        self, place: Place, org: Any, house: House
    ) -> None:
        put(house)
        result = place.run("connections", "--disconnect", ORGANISATION, "--yes")
        assert "billwatch no longer reaches “Example Trust”" in result.stdout
        assert (org.connection_id, kept(house)) == (None, {})
        assert (reason(house), alerts(house)) == (Reason.CONNECTION_LOST, [Reason.CONNECTION_LOST])
        place.join(house)
        assert house.cycles[ORGANISATION].tick() is not None
        assert reason(house) is Reason.AWAITING_APPROVAL

    @pytest.mark.usefixtures("house")
    def test_disconnecting_one_of_several_leaves_the_others_connected(self, place: Place, org: Any) -> None:
        other = place.xero.organisation("Other Trust")
        place.write(place.table(org.tenant_id), place.table(other.tenant_id, "other"))
        place.run("connections", "--disconnect", ORGANISATION, "--yes")
        both = place.open()
        assert [sweep(place, both, key).hold for key in both.cycles] == [Reason.CONNECTION_LOST, None]

    @pytest.mark.usefixtures("house")
    def test_disconnecting_is_asked_about_first(self, place: Place, org: Any) -> None:
        result = place.run("connections", "--disconnect", ORGANISATION, input="n\n")
        assert result.exit_code == 1
        assert org.connection_id is not None

    @pytest.mark.usefixtures("house")
    def test_what_is_not_connected_cannot_be_disconnected(self, place: Place, org: Any) -> None:
        place.xero.organisation("Other Trust")
        org.disconnect()
        result = place.run("connections", "--disconnect", ORGANISATION, "--yes")
        assert result.stderr == "Error: example is not connected.\n"


class TestDoctor:
    @pytest.mark.usefixtures("house")
    def test_a_connected_organisation_passes_every_check(self, place: Place) -> None:
        assert findings(place, ORGANISATION) == dict.fromkeys(CHECKS, "ok")

    def test_a_custom_connection_without_a_tenant_id_passes_every_check(self, place: Place, org: Any) -> None:
        place.xero.organisation("Somebody else")
        place.write(place.custom(org))
        assert findings(place, ORGANISATION) == dict.fromkeys(CHECKS, "ok")

    @pytest.mark.usefixtures("house")
    def test_what_is_wrong_in_xero_is_found_there(self, place: Place, org: Any) -> None:
        org.archive_account("480")
        org.settings(may_approve=False)
        place.write(place.table(org.tenant_id, bill_status="authorised", tax="GONE", currency="JPY"))
        found = findings(place, ORGANISATION)
        assert {check for check, level in found.items() if level == "failed"} == {
            "account",
            "rights",
            "tax",
            "currency",
        }

    @pytest.mark.usefixtures("house")
    def test_a_scope_that_was_not_granted_is_named(self, place: Place, org: Any) -> None:
        scopes = (
            '["accounting.invoices", "accounting.settings.read", "accounting.contacts.read", "accounting.payments"]'
        )
        place.write(place.table(org.tenant_id).replace('mode = "sync"', f'mode = "sync"\nscopes = {scopes}'))
        result = place.run("doctor")
        assert result.exit_code == 1
        assert "not granted: accounting.payments" in result.stdout

    @pytest.mark.usefixtures("house")
    def test_a_lost_connection_and_an_unknown_tenant_say_that_somebody_must_connect(
        self, place: Place, org: Any
    ) -> None:
        org.disconnect()
        assert findings(place, ORGANISATION) == {"connection": "failed"}
        assert "Run billwatch connect --organisation example." in place.run("doctor").stdout
        place.write(place.table(""))
        assert 'tenant_id is missing; "billwatch connect" finds it' in place.run("doctor").stdout

    @pytest.mark.usefixtures("house")
    def test_it_and_connect_may_use_what_is_kept_for_people(self, place: Place) -> None:
        place.xero.limits(on=True, day=60)
        assert findings(place, ORGANISATION) == dict.fromkeys(CHECKS, "ok") | {"calls left": "warning"}
        assert connect(place, "allow").returncode == 0

    @pytest.mark.usefixtures("house")
    def test_it_writes_nothing_to_xero_and_makes_few_calls(self, place: Place) -> None:
        before = place.xero.calls()
        place.run("doctor")
        assert place.xero.calls() - before <= 6
        assert (place.xero.calls(method="PUT"), place.xero.calls(method="POST")) == (0, 0)


CHECKS = ("connection", "consent", *books.CHECKS)


def findings(place: Place, about: str) -> dict[str, str]:
    """The level that each check of the doctor came to; whether webhooks come, and mails arrive, is another story."""
    rows = json.loads(place.run("doctor", "--json").stdout)
    others = {"last webhook", "addresses"}
    return {row["check"]: row["level"] for row in rows if row["about"] == about and row["check"] not in others}


def connect(place: Place, answer: str) -> "subprocess.CompletedProcess[str]":
    """`billwatch connect` with a browser that answers by itself."""
    browser = f"{sys.executable} {BESIDE / 'consenting.py'} %s {answer}"
    command = [BILLWATCH, "--config", str(place.path), "connect"]
    env = environment(BROWSER=browser)
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
