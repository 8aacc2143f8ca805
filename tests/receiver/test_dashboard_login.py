"""Who comes in: named users with their password, or whom a trusted proxy names; and nobody's form but one's own."""

import datetime as dt

import pytest
from browser import text
from dashboards import ANA, HASH, PASSWORD, VERA, Browser, bulk, inside

from receiver.dashboard.passwords import hashed, matches
from receiver.dashboard.sessions import User
from receiver.dashboard.throttle import MOST, WITHIN

PAGES = ["/", "/milestones", "/milestones/example/M-0412", "/exemptions", "/forecast"]


@pytest.mark.parametrize("path", [*PAGES, "/login"])
def test_without_users_a_page_says_only_how_to_name_one(path: str) -> None:
    answer = Browser().get(path)
    assert "name a [[user]] in the configuration" in text(answer)
    assert "Example" not in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_sees_the_login_and_nothing_else(path: str) -> None:
    answer = Browser(ANA).get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
    assert "Example" not in answer.text


def test_name_and_password_open_a_session_that_leads_onward() -> None:
    browser = Browser(ANA)
    answer = browser.post("/login?next=%2Fexemptions", {"name": "ana", "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/exemptions")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie
    assert "Overview" in text(browser.get())


def test_with_https_the_cookie_is_secure_and_bound_to_the_host() -> None:
    cookie = Browser(ANA, public_url="https://door").log_in(origin="https://door").headers["set-cookie"]
    assert cookie.startswith("__Host-billwatch=")
    assert "Secure" in cookie


@pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\r\nX: y"])
def test_a_login_leads_only_to_pages_of_ours(onward: str) -> None:
    browser = Browser(ANA)
    answer = browser.ask("POST", "/login", params={"next": onward}, data={"name": "ana", "password": PASSWORD})
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(("name", "password"), [("ana", "wrong"), ("nobody", PASSWORD), ("", ""), ("header", "")])
def test_what_was_wrong_is_not_told(name: str, password: str) -> None:
    answer = Browser(ANA, User("header")).log_in(name, password)
    assert answer.status_code == 403
    assert "That name and password do not go together." in text(answer)
    assert "set-cookie" not in answer.headers


def test_after_some_failures_even_the_right_password_waits() -> None:
    browser = Browser(ANA, VERA)
    for _ in range(MOST):
        assert browser.log_in(password="wrong").status_code == 403
    assert browser.log_in().status_code == 429
    browser.peer = "192.0.2.2"
    assert browser.log_in().status_code == 429
    assert browser.log_in("vera").status_code == 303
    browser.now += WITHIN
    assert browser.log_in().status_code == 303


def test_behind_a_proxy_failures_count_by_the_address_that_it_tells() -> None:
    browser = Browser(ANA, VERA, proxies=["192.0.2.1"])
    for number in range(MOST):
        data = {"name": f"n{number}", "password": "wrong"}
        browser.ask("POST", "/login", data=data, headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.1"})
    told = {"data": {"name": "ana", "password": PASSWORD}}
    assert browser.ask("POST", "/login", **told, headers={"X-Forwarded-For": "198.51.100.1"}).status_code == 429
    assert browser.ask("POST", "/login", **told, headers={"X-Forwarded-For": "198.51.100.2"}).status_code == 303


def test_a_session_ends_by_itself_and_by_logging_out() -> None:
    browser = inside()
    browser.now += dt.timedelta(hours=12)
    assert browser.get().status_code == 303
    browser = inside()
    assert browser.post("/logout", {"csrf": browser.token()}).headers["location"] == "/login"
    assert browser.get().status_code == 303


@pytest.mark.parametrize("cookie", ["", "x", "WyJhbmEiXQ.signature", "é", "[]"])
def test_a_cookie_that_is_not_ours_opens_nothing(cookie: str) -> None:
    assert Browser(ANA).get(headers={"Cookie": f"billwatch={cookie}".encode()}).status_code == 303


@pytest.mark.parametrize("user", [User("ana", hashed("another"), may_act=True), VERA])
def test_a_session_does_not_outlive_the_password_or_the_user(user: User) -> None:
    cookies = inside().cookies
    later = Browser(user)
    later.cookies = cookies
    assert later.get().status_code == 303


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_form_from_elsewhere_does_nothing(origin: str) -> None:
    browser = inside()
    assert browser.log_in(origin=origin).status_code == 403
    answer = browser.post("/milestones", bulk(browser, step="confirm", fingerprint="f1"), origin=origin)
    assert answer.status_code == 403
    assert browser.office.acts == []


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_form_without_its_session_s_token_does_nothing(token: str) -> None:
    browser = inside()
    answer = browser.post("/milestones", bulk(browser, step="confirm", fingerprint="f1", csrf=token))
    assert answer.status_code == 403
    assert browser.office.acts == []


def test_another_session_s_token_is_worth_nothing() -> None:
    browser, other = inside(), inside()
    form = bulk(browser, step="confirm", fingerprint="f1", csrf=other.token())
    assert browser.post("/milestones", form).status_code == 403


def test_a_proxy_that_is_trusted_names_the_user_and_nobody_else_does() -> None:
    browser = Browser(ANA, user_header="X-Remote-User", proxies=["192.0.2.1"])
    assert browser.get(headers={"X-Remote-User": "ana"}).status_code == 200
    assert browser.get(headers={"X-Remote-User": "nobody"}).status_code == 303
    assert browser.get(headers=[("X-Remote-User", "ana"), ("X-Remote-User", "eve")]).status_code == 303  # type: ignore[arg-type]
    browser.peer = "192.0.2.66"
    assert browser.get(headers={"X-Remote-User": "ana"}).status_code == 303


def test_a_hash_is_that_of_its_password_alone() -> None:
    assert matches(PASSWORD, HASH)
    assert not matches(PASSWORD + " ", HASH)
    assert hashed(PASSWORD) != HASH
    assert PASSWORD not in HASH


@pytest.mark.parametrize(
    "kept",
    ["", "x", "scrypt$3$8$1$" + "A" * 22 + "$" + "A" * 43, "scrypt$" + "9" * 8 + "$8$1$" + "A" * 22 + "$" + "A" * 43],
)
def test_what_is_no_hash_matches_nothing(kept: str) -> None:
    assert not matches(PASSWORD, kept)
