"""Tokens, connections, limits, keys and faults (S19 to S22, S42 to S51)."""

import base64
import hashlib
import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from billwatch.sandbox import Org, Sandbox

from .conftest import Api, a_bill

BACK = "http://localhost:5000/callback"
SCOPES = "offline_access accounting.invoices accounting.settings.read"


def token(http: httpx.Client, xero: Sandbox, **form: str) -> httpx.Response:
    return http.post("/connect/token", data=form, auth=(xero.client_id, xero.client_secret))


def consent(http: httpx.Client, xero: Sandbox, org: Org, **changes: str) -> httpx.Response:
    form = {
        "response_type": "code",
        "client_id": xero.client_id,
        "redirect_uri": BACK,
        "scope": SCOPES,
        "state": "s1",
        "tenant": org.tenant_id,
        "answer": "allow",
    }
    return http.post("/identity/connect/authorize", data={**form, **changes})


def code_of(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


def test_s42_an_access_token_lives_30_minutes(xero: Sandbox, api: Api) -> None:
    xero.advance(seconds=1_799)
    assert api.get("/Organisation").status_code == 200
    expired = xero.advance(seconds=1)
    answer = api.get("/Organisation")
    assert answer.status_code == 401
    assert answer.json()["Detail"] == f"TokenExpired: token expired at {expired:%m/%d/%Y %H:%M:%S}"
    assert (answer.json()["Type"], answer.json()["Title"], answer.json()["Status"]) == (None, "Unauthorized", 401)


def test_s42_a_foreign_token_is_401_and_a_foreign_tenant_403(api: Api) -> None:
    stranger = Api(api.http, api.org, "nonsense").get("/Organisation")
    assert (stranger.status_code, stranger.json()["Detail"]) == (401, "AuthenticationUnsuccessful")
    tenant = {"xero-tenant-id": "0b5bb4a5-0000-4000-8000-000000000000"}
    elsewhere = api.call("GET", "/Organisation", headers=tenant)
    assert (elsewhere.status_code, elsewhere.json()["Detail"]) == (403, "AuthenticationUnsuccessful")
    assert elsewhere.json()["Title"] == "Forbidden"


def test_s43_refresh_tokens_rotate_and_the_previous_one_works_for_30_minutes(
    xero: Sandbox, http: httpx.Client, org: Org
) -> None:
    first = xero.tokens(SCOPES)["refresh_token"]
    second = token(http, xero, grant_type="refresh_token", refresh_token=first).json()["refresh_token"]
    assert second != first
    xero.advance(minutes=29)
    assert token(http, xero, grant_type="refresh_token", refresh_token=first).status_code == 200
    xero.advance(minutes=1)
    stale = token(http, xero, grant_type="refresh_token", refresh_token=first)
    assert (stale.status_code, stale.json()) == (400, {"error": "invalid_grant"})
    assert token(http, xero, grant_type="refresh_token", refresh_token=second).status_code == 200


def test_a_refresh_token_ends_after_60_days(xero: Sandbox, http: httpx.Client) -> None:
    refresh = xero.tokens(SCOPES)["refresh_token"]
    xero.advance(days=60)
    assert token(http, xero, grant_type="refresh_token", refresh_token=refresh).json() == {"error": "invalid_grant"}


def test_s44_an_authorisation_code_works_once_and_for_5_minutes(xero: Sandbox, http: httpx.Client, org: Org) -> None:
    asked = {"grant_type": "authorization_code", "redirect_uri": BACK}
    code = code_of(consent(http, xero, org))
    answer = token(http, xero, code=code, **asked).json()
    assert (answer["expires_in"], answer["token_type"]) == (1800, "Bearer")
    assert token(http, xero, code=code, **asked).json() == {"error": "invalid_grant"}
    late = code_of(consent(http, xero, org))
    xero.advance(minutes=5)
    assert token(http, xero, code=late, **asked).json() == {"error": "invalid_grant"}


def test_s44_a_code_asked_for_with_a_challenge_needs_its_verifier(xero: Sandbox, http: httpx.Client, org: Org) -> None:
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"grant_type": "authorization_code", "redirect_uri": BACK, "client_id": xero.client_id}
    for sent, status in ((verifier, 200), ("w" * 43, 400)):
        code = code_of(consent(http, xero, org, code_challenge=challenge, code_challenge_method="S256"))
        assert http.post("/connect/token", data={**asked, "code": code, "code_verifier": sent}).status_code == status


def test_the_consent_page_lists_organisations_and_names_its_refusals(
    xero: Sandbox, http: httpx.Client, org: Org
) -> None:
    asked = {"response_type": "code", "client_id": xero.client_id, "redirect_uri": BACK, "scope": SCOPES}
    assert org.tenant_id in http.get("/identity/connect/authorize", params=asked).text
    insecure = http.get("/identity/connect/authorize", params={**asked, "redirect_uri": "http://127.0.0.1:5000/"})
    assert (insecure.status_code, insecure.text) == (400, "error: invalid_redirect_uri")
    assert "access_denied" in consent(http, xero, org, answer="deny").headers["location"]


def test_s45_a_custom_connection_has_no_refresh_token_and_needs_no_tenant(http: httpx.Client, org: Org) -> None:
    form = {"grant_type": "client_credentials", "client_id": org.client_id, "client_secret": org.client_secret}
    answer = http.post("/connect/token", data=form).json()
    assert "refresh_token" not in answer
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    shown = http.get("/api.xro/2.0/Organisation", headers=headers).json()["Organisations"][0]
    assert shown["OrganisationID"] == org.books.organisation_id


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_secret": "wrong"}, "unauthorized_client"),
        ({"grant_type": "client_credentials", "scope": "accounting.everything"}, "invalid_scope"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
    ],
)
def test_a_token_request_is_refused_by_name(
    xero: Sandbox, http: httpx.Client, form: dict[str, str], error: str
) -> None:
    sent = {"client_id": xero.client_id, "client_secret": xero.client_secret, **form}
    answer = http.post("/connect/token", data=sent)
    assert (answer.status_code, answer.json()) == (400, {"error": error})


def test_s46_connections_are_listed_and_deleted_once(api: Api, org: Org) -> None:
    headers = {"Authorization": f"Bearer {api.token}"}
    listed = [one for one in api.http.get("/connections", headers=headers).json() if one["tenantId"] == org.tenant_id]
    connection = listed[0]["id"]
    assert connection == org.connection_id != org.tenant_id
    assert api.http.delete(f"/connections/{connection}", headers=headers).status_code == 204
    assert api.http.delete(f"/connections/{connection}", headers=headers).status_code == 404
    assert api.get("/Organisation").status_code == 403
    org.reconnect()
    assert api.get("/Organisation").status_code == 200


def test_s47_a_missing_scope_is_refused(xero: Sandbox, api: Api) -> None:
    reader = Api(api.http, api.org, xero.tokens("accounting.invoices.read")["access_token"])
    assert reader.get("/Invoices").status_code == 200
    assert reader.post("/Invoices", a_bill()).status_code == 403
    assert "insufficient_scope" in reader.get("/Organisation").text


def test_s47_broad_scopes_are_refused_at_consent_unless_switched(xero: Sandbox, http: httpx.Client, org: Org) -> None:
    assert consent(http, xero, org, scope="accounting.transactions").text == "error: invalid_scope"
    xero.switch(broad_scopes=True)
    assert consent(http, xero, org, scope="accounting.transactions").status_code == 303


def test_s48_the_remaining_headers_count_down_also_for_repeats(api: Api) -> None:
    left = []
    for _ in range(3):
        answer = api.call("PUT", "/Invoices", a_bill(), headers={"Idempotency-Key": "same"})
        left.append([int(answer.headers[f"X-{name}-Remaining"]) for name in ("DayLimit", "MinLimit", "AppMinLimit")])
    assert [one[:2] for one in left] == [[999, 59], [998, 58], [997, 57]]
    assert left[0][2] - left[2][2] == 2


@pytest.mark.parametrize(
    ("figures", "problem", "longest"), [({"minute": 2}, "minute", 60), ({"day": 2}, "day", 86_400)]
)
def test_s49_a_used_up_window_gives_429_until_it_ends(
    xero: Sandbox, api: Api, figures: dict[str, int], problem: str, longest: int
) -> None:
    xero.limits(**figures)
    assert [api.get("/Organisation").status_code for _ in range(3)] == [200, 200, 429]
    answer = api.get("/Organisation")
    assert answer.headers["X-Rate-Limit-Problem"] == problem
    wait = int(answer.headers["Retry-After"])
    assert 0 < wait <= longest
    if problem == "minute":
        xero.advance(seconds=wait)
        assert api.get("/Organisation").status_code == 200


def test_s49_the_sixth_call_in_flight_is_refused_without_retry_after(xero: Sandbox, api: Api) -> None:
    xero.limits(concurrent=1)
    xero.fault(delay=0.3, path="/Invoices")
    slow = threading.Thread(target=api.get, args=("/Invoices",))
    slow.start()
    answer = api.get("/Organisation")
    while answer.status_code == 200:  # the slow call may not have arrived yet
        answer = api.get("/Organisation")
    slow.join()
    assert (answer.status_code, answer.headers["X-Rate-Limit-Problem"]) == (429, "concurrent")
    assert "Retry-After" not in answer.headers


def keyed(api: Api, key: str, body: Any, method: str = "PUT", path: str = "/Invoices") -> httpx.Response:
    return api.call(method, path, body, headers={"Idempotency-Key": key})


def test_s19_a_repeat_within_6_minutes_is_the_stored_answer_byte_for_byte(xero: Sandbox, api: Api, org: Org) -> None:
    first = keyed(api, "k", a_bill())
    xero.advance(seconds=359)
    assert keyed(api, "k", a_bill()).content == first.content
    assert len(org.bills()) == 1
    xero.advance(seconds=1)
    keyed(api, "k", a_bill())
    assert len(org.bills()) == 2


def test_s20_stored_errors_are_repeated_although_their_cause_has_gone(xero: Sandbox, api: Api, org: Org) -> None:
    org.add_contact("Kea Trust", archived=True)
    first = keyed(api, "k", a_bill())
    org.unarchive_contact("Kea Trust")
    assert first.status_code == 400
    assert keyed(api, "k", a_bill()).content == first.content
    xero.advance(minutes=6)
    assert keyed(api, "k", a_bill()).status_code == 200


def test_s20_a_500_is_stored_as_well(xero: Sandbox, api: Api, org: Org) -> None:
    xero.fault(500, path="/Invoices")
    assert [keyed(api, "k", a_bill()).status_code for _ in range(2)] == [500, 500]
    assert keyed(api, "other", a_bill()).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/Invoices", a_bill()), ("PUT", "/Contacts", a_bill()), ("PUT", "/Invoices", a_bill(Reference="x"))],
)
def test_s21_a_key_used_for_another_request_is_refused(api: Api, method: str, path: str, body: Any) -> None:
    keyed(api, "k", a_bill())
    answer = keyed(api, "k", body, method, path)
    assert answer.status_code == 400
    assert answer.json()["Message"] == "Idempotency Key: k is used with a different request."


def test_s22_with_the_store_down_keyed_calls_give_500_and_change_nothing(xero: Sandbox, api: Api, org: Org) -> None:
    xero.idempotency_down()
    assert keyed(api, "k", a_bill()).status_code == 500
    assert org.bills() == []
    assert api.put("/Invoices", a_bill()).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ({"status": 500}, 500, "An unhandled error with the Xero API occurred."),
        ({"status": 503, "kind": "maintenance"}, 503, "The Xero API is currently offline for maintenance"),
        ({"status": 503, "kind": "unavailable"}, 503, "The Xero API is temporarily unavailable"),
        ({"status": 503, "kind": "offline"}, 503, "temporarily cannot be connected to"),
        ({"status": 401, "kind": "expired"}, 401, "TokenExpired"),
        ({"status": 401}, 401, "AuthenticationUnsuccessful"),
        ({"status": 403}, 403, "AuthenticationUnsuccessful"),
        ({"status": 404}, 404, "cannot be found"),
        ({"status": 429, "kind": "day"}, 429, ""),
    ],
)
def test_s50_faults_come_when_ordered_and_then_pass(
    xero: Sandbox, api: Api, fault: dict[str, Any], status: int, text: str
) -> None:
    xero.fault(**fault, method="GET", path="/Organisation", skip=1)
    answers = [api.get("/Organisation") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, status, 200]
    assert text in answers[1].text
    assert answers[1].headers["xero-correlation-id"]


@pytest.mark.parametrize(("cut", "made"), [("before", 0), ("after", 1)])
def test_s50_a_connection_can_be_cut_before_or_after_the_work(
    xero: Sandbox, api: Api, org: Org, cut: str, made: int
) -> None:
    xero.fault(cut=cut, method="PUT")
    with pytest.raises(httpx.TransportError):
        api.put("/Invoices", a_bill())
    assert len(org.bills()) == made


def test_s50_every_token_can_be_ended_in_mid_run(xero: Sandbox, api: Api) -> None:
    xero.forget_tokens()
    assert api.get("/Organisation").status_code == 401


def test_s51_every_answer_has_a_correlation_id_and_the_limit_headers(api: Api) -> None:
    stranger = Api(api.http, api.org, "nonsense")
    for answer in (api.get("/Invoices"), api.get("/Invoices/nowhere"), stranger.get("/Invoices")):
        assert answer.headers["xero-correlation-id"]
        assert answer.headers["X-MinLimit-Remaining"]


def test_an_unknown_method_is_not_implemented(api: Api) -> None:
    assert api.call("DELETE", "/Invoices").status_code == 501


def test_calls_and_bytes_are_counted_per_endpoint_and_organisation(xero: Sandbox, api: Api, org: Org) -> None:
    size = len(api.get("/Organisation").content)
    api.get("/Invoices/nowhere")
    assert (xero.calls(), xero.calls("/Organisation"), xero.calls("/Invoices/{invoice}", method="GET")) == (2, 1, 1)
    row = next(row for row in xero.calls_table() if row["endpoint"] == "/Organisation")
    assert (row["bytes"], row["tenant_id"]) == (size, org.tenant_id)
    xero.reset_calls()
    assert xero.calls() == 0


def test_s50_a_caller_that_hears_nothing_hangs_up_before_or_after_the_work(xero: Sandbox, api: Api, org: Org) -> None:
    for hang, made in (("before", 0), ("after", 1)):
        xero.fault(hang=hang, method="PUT")
        with httpx.Client(base_url=api.http.base_url, timeout=0.1) as hasty, pytest.raises(httpx.ReadTimeout):
            Api(hasty, org, api.token).put("/Invoices", a_bill())
        assert len(org.bills()) == made


def test_s50_a_share_of_all_calls_fails_by_the_dice_and_none_in_fair_weather(xero: Sandbox, api: Api) -> None:
    def met(seed: int) -> list[int]:
        xero.weather(0.5, seed, writes=0)
        faults = xero.desk.world.faults
        assert not any(faults.take("PUT", "/api.xro/2.0/Invoices") for _ in range(20))
        taken = [faults.take("GET", "/api.xro/2.0/Invoices") for _ in range(100)]
        return [fault.status or 0 for fault in taken if fault]

    assert met(1) == met(1) != met(2)
    assert {0, 401, 429, 500, 503} == set(met(1))
    assert 30 < len(met(1)) < 70
    xero.weather(0)
    assert [api.get("/Organisation").status_code for _ in range(5)] == [200] * 5


def test_s49_calls_above_a_limit_are_counted_and_ordered_429s_are_not(xero: Sandbox, api: Api) -> None:
    xero.limits(minute=1)
    xero.fault(429, times=1)
    assert [api.get("/Organisation").status_code for _ in range(3)] == [429, 200, 429]
    assert xero.breaches() == {"minute": 1}
