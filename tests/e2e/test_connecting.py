"""Connecting, losing a connection and getting it back, over the consent page and real sockets."""

import json
import signal
import subprocess
import sys
from typing import Any

import pytest
from connectable import (
    BESIDE,
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
    standing,
    sweep,
)
from consenting import consent
from databases import keep
from world import seconds_ahead

from billwatch.connecting.joining import Joining
from billwatch.wiring import House
from reconciler.errors import ConnectionLost, InputError, WrongOrganisation
from reconciler.reasons import Reason, Role, words

__all__ = ["house", "org", "place"]


class TestConsent:
    def test_it_connects_the_organisation_that_the_configuration_names(self, place: Place, org: Any) -> None:
        house = place.open()
        (one,) = place.join(house).joined
        assert (one.key, one.tenant_id, one.books.name) == (ORGANISATION, org.tenant_id, "Example Trust")
        put(house)
        assert sweep(place, house).created == 1
        assert reason(house) is Reason.AWAITING_APPROVAL

    def test_it_asks_for_what_is_needed_and_to_stay_and_for_no_broad_scope(self, place: Place, house: House) -> None:
        connection = place.config.connection(ORGANISATION)
        assert house.connections.look(connection).scopes == {"offline_access", *connection.scopes}
        assert not [scope for scope in connection.scopes if "transactions" in scope]

    def test_an_app_without_a_secret_connects_by_proof_and_stays_connected(self, place: Place, org: Any) -> None:
        place.write(place.table(org.tenant_id).replace('client_secret = "file:secrets/client-secret"\n', ""))
        house = place.open()
        assert "code_challenge_method=S256" in place.question().address
        place.join(house)
        for _ in range(3):
            place.xero.advance(minutes=31)
            assert sweep(place, house).hold is None

    def test_an_app_with_a_secret_offers_no_proof(self, place: Place) -> None:
        assert "code_challenge" not in place.question().address

    def test_one_consent_connects_all_that_share_the_app_and_names_the_others(self, place: Place, org: Any) -> None:
        other, third = place.xero.organisation("Other Trust"), place.xero.organisation("Third Trust")
        place.write(place.table(org.tenant_id), place.table(other.tenant_id, "other"))
        house = place.open()
        found = place.join(house)
        assert [one.key for one in found.joined] == [ORGANISATION, "other"]
        assert [one.tenant_id for one in found.unknown] == [third.tenant_id]
        assert [sweep(place, house, key).hold for key in house.cycles] == [None, None]
        assert house.ledger.mirror.books("other").name == "Other Trust"
        assert len(kept(house)) == 1

    @pytest.mark.usefixtures("house")
    def test_tokens_do_not_hang_on_which_organisation_comes_first(self, place: Place, org: Any) -> None:
        other = place.xero.organisation("Other Trust")
        place.write(place.table(other.tenant_id, "other"), place.table(org.tenant_id))
        assert sweep(place, place.open()).hold is None

    def test_a_consent_that_leaves_the_organisation_out_changes_nothing(
        self, place: Place, org: Any, house: House
    ) -> None:
        other, before = place.xero.organisation("Other Trust"), kept(house)
        org.disconnect()
        found = place.join(house, other.tenant_id)
        assert (found.joined, found.left_out, found.useful) == ((), (ORGANISATION,), False)
        assert kept(house) == before

    def test_reconnecting_to_other_books_than_before_is_refused(self, place: Place, org: Any, house: House) -> None:
        before = kept(house)
        org.books.organisation_id = org.tenant_id[::-1]
        with pytest.raises(WrongOrganisation, match=r"example was connected to “Example Trust” before.*Nothing was"):
            place.join(house)
        assert kept(house) == before

    def test_another_tenant_in_the_configuration_than_before_is_refused(self, place: Place, house: House) -> None:
        other, before = place.xero.organisation("Other Trust"), kept(house)
        place.write(place.table(other.tenant_id))
        with pytest.raises(WrongOrganisation, match="this leads to “Other Trust”"):
            place.join(house)
        assert kept(house) == before

    def test_a_code_is_redeemed_once(self, place: Place) -> None:
        house, question = place.open(), place.question()
        code = question.code(consent(question.address))
        joining = Joining(place.config, house.ledger, house.clock)
        joining.by_consent(question, code)
        with pytest.raises(ConnectionLost, match="invalid_grant"):
            joining.by_consent(question, code)

    def test_it_wins_over_a_refresh_that_is_under_way(self, place: Place, house: House) -> None:
        name = place.config.connection(ORGANISATION).kept_as
        blob, version = house.ledger.tokens.get(name) or (b"", 0)
        place.join(house)
        assert house.ledger.tokens.put(name, blob, version) is False
        assert sweep(place, house).hold is None


class TestLosing:
    @pytest.mark.parametrize("ended", ["revoked", "lapsed", "disconnected", "unknown client"])
    def test_what_is_due_waits_and_one_mail_goes_out_and_all_follows_once_somebody_connects(
        self, place: Place, org: Any, house: House, ended: str
    ) -> None:
        put(house)
        end, mend = ENDINGS[ended]
        end(place, org)
        for _ in range(3):
            place.xero.advance(minutes=31)
            house.cycles[ORGANISATION].tick()
        assert (reason(house), alerts(house)) == (Reason.CONNECTION_LOST, [Reason.CONNECTION_LOST])
        assert (house.ledger.overview.health(ORGANISATION).mails_owed, org.bills()) == (1, [])
        mend(place)
        place.join(house)
        report = house.cycles[ORGANISATION].tick()
        assert report is not None
        assert (report.created, reason(house), alerts(house)) == (1, Reason.AWAITING_APPROVAL, [])

    def test_the_operator_is_told_to_connect(self) -> None:
        said = words(Reason.CONNECTION_LOST)
        assert "billwatch connect" in said.todo
        assert said.roles == (Role.OPERATOR,)

    def test_after_many_failures_another_process_connecting_is_noticed_at_once(
        self, place: Place, org: Any, house: House
    ) -> None:
        org.disconnect()
        for _ in range(8):
            sweep(place, house)
        assert house.cycles[ORGANISATION].tick() is None
        place.join(place.open())
        report = house.cycles[ORGANISATION].tick()
        assert report is not None
        assert report.hold is None

    def test_a_token_stored_by_another_process_is_used_though_the_old_one_has_not_ended(
        self, place: Place, house: House
    ) -> None:
        tokens = house.connections.tokens(place.config.connection(ORGANISATION))
        before = tokens.access()
        place.join(place.open())
        assert tokens.access() != before


def revoke(place: Place, _org: Any) -> None:
    """The person takes the app's access away, and with it every refresh token."""
    place.xero.forget_tokens()
    place.xero.desk.world.identity.revoke(place.xero.desk.world.app, "")
    place.xero.desk.world.identity._refresh.clear()


def forget_client(place: Place, _org: Any) -> None:
    place.xero.desk.world.identity.apps.clear()


def restore_client(place: Place) -> None:
    app = place.xero.desk.world.app
    place.xero.desk.world.identity.apps[app.client_id] = app


ENDINGS: dict[str, Any] = {
    "revoked": (revoke, lambda _place: None),
    "lapsed": (lambda place, _org: place.xero.advance(days=61), lambda _place: None),
    "disconnected": (lambda _place, org: org.disconnect(), lambda _place: None),
    "unknown client": (forget_client, restore_client),
}


class TestCrash:
    @pytest.mark.parametrize(("minutes", "works"), [(29, True), (31, False)])
    def test_a_kill_between_xeros_answer_and_our_commit_costs_nothing_for_half_an_hour(
        self, place: Place, house: House, minutes: int, works: bool
    ) -> None:
        place.xero.advance(minutes=31)
        before = kept(house)
        command = [sys.executable, str(BESIDE / "one_refresh.py"), str(place.path), seconds_ahead(place.xero)]
        done = subprocess.run(command, env=environment(), check=False, timeout=60)  # noqa: S603
        assert done.returncode == -signal.SIGKILL
        assert kept(house) == before
        place.xero.advance(minutes=minutes)
        assert (sweep(place, house).hold is None) is works


class TestCustomConnection:
    @pytest.fixture
    def custom(self, place: Place, org: Any) -> Place:
        """A client that leads to one organisation only; the configuration names no tenant."""
        place.xero.organisation("Somebody else")
        return place.write(place.custom(org))

    def test_it_needs_no_tenant_id(self, custom: Place) -> None:
        house = custom.open()
        put(house)
        assert sweep(custom, house).created == 1
        assert reason(house) is Reason.AWAITING_APPROVAL

    def test_its_webhooks_find_their_organisation(self, custom: Place, org: Any) -> None:
        house = custom.open()
        put(house)
        sweep(custom, house)
        bill = standing(house).case.link.bill_id
        org.approve(bill)
        deliver(custom, house, org.tenant_id, bill)
        drained = house.drain()
        assert drained is not None
        assert (drained.events, drained.foreign) == (1, 0)
        house.cycles[ORGANISATION].tick()
        assert reason(house) is Reason.APPROVED

    def test_its_tenant_is_asked_for_once_and_for_all(self, custom: Place, org: Any) -> None:
        assert custom.open().tenants() == {org.tenant_id: ORGANISATION}
        custom.xero.fault(503, path="/connect/token", times=99)
        assert custom.open().tenants() == {org.tenant_id: ORGANISATION}

    def test_connect_proves_that_it_works_and_says_where_it_leads(self, custom: Place, org: Any) -> None:
        result = custom.run("connect")
        assert result.stdout == (
            f"example is connected to “Example Trust” (NZD, tenant {org.tenant_id}) by a custom connection.\n"
        )

    def test_another_secret_is_told_in_one_sentence(self, custom: Place) -> None:
        (custom.path.parent / "secrets/custom").write_text("another", encoding="utf-8")
        result = custom.run("connect")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "(unauthorized_client)" in result.stderr

    def test_a_client_that_leads_elsewhere_than_the_configuration_says_is_refused(
        self, custom: Place, org: Any
    ) -> None:
        custom.write(custom.custom(org, tenant_id="45e4708e-d862-4111-ab3a-dd8cd03913e1"))
        with pytest.raises(InputError, match=r"example leads to Example Trust .* but tenant_id is 45e4708e"):
            Joining(custom.config, custom.open().ledger, custom.xero.now).by_credentials(ORGANISATION)


def deliver(place: Place, house: House, tenant_id: str, bill: str) -> None:
    """What the receiver keeps of a webhook about that bill."""
    event = {
        "resourceId": bill,
        "tenantId": tenant_id,
        "eventCategory": "INVOICE",
        "eventType": "UPDATE",
        "eventDateUtc": house.clock().isoformat(),
    }
    keep(place.config.storage.url, (house.clock(), "key", json.dumps({"events": [event]}).encode()))
