"""Nobody decides who was not asked to, nothing acts but what its page showed, and no page serves a stranger."""

import re
import secrets
from urllib.parse import quote

import pytest
from fort import HOOK, PASSWORD, PUBLIC, Answer, Fort
from letterbox import Letter

from reconciler.model import Links

pytestmark = pytest.mark.attack

MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
HEADERS = ("content-security-policy", "referrer-policy", "x-content-type-options", "x-robots-tag", "cache-control")
_FINGERPRINT = re.compile(r'name="fingerprint" value="([^"]+)"')


def decided(fort: Fort) -> list[tuple[str, ...]]:
    """Every choice that was ever recorded."""
    return fort.asked("SELECT * FROM choice ORDER BY id")


@pytest.fixture(scope="module")
def letters(fort: Fort) -> dict[str, Letter]:
    """The warnings about two milestones, each to the accountant."""
    return {key: fort.flagged(key) for key in ("M-1", "M-2")}


@pytest.fixture(scope="module")
def marked(fort: Fort) -> Letter:
    """The warning about a milestone that is full of markup, and so is its bill."""
    link = f"https://grants.example.org/{MARKUP}"
    changes = {"title": MARKUP, "payee": MARKUP, "description": MARKUP, "links": Links(link, link, link)}
    return fort.edited(fort.world.put("M-<b>9</b>", **changes))


@pytest.fixture
def nothing_decided(fort: Fort) -> object:
    before = decided(fort)
    yield
    assert decided(fort) == before


def page(fort: Fort, letter: Letter) -> tuple[str, str]:
    """The path of a letter's page, and the fingerprint that it shows."""
    path = f"/r/{letter.tokens[0]}"
    found = _FINGERPRINT.search(fort.ask("GET", path).text)
    assert found
    return path, found[1]


def keep(fingerprint: str, **more: str) -> dict[str, str]:
    return {"step": "confirm", "kind": "keep", "by": "Eve", "fingerprint": fingerprint, **more}


@pytest.mark.usefixtures("nothing_decided")
class TestLinks:
    """The token is the key; a wrong one opens nothing, and a right one only its own page."""

    def test_a_changed_cut_or_guessed_token_opens_nothing(self, fort, letters):
        token = letters["M-1"].tokens[0]
        _, fingerprint = page(fort, letters["M-1"])
        wrong = [token[:-1], f"{token}A", token.swapcase(), token[::-1], "", "%00", "..%2f..", "%ff" * 20]
        wrong += [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(0, 43, 3)]
        wrong += [secrets.token_urlsafe(32) for _ in range(20)]
        for other in wrong:
            assert fort.ask("GET", f"/r/{other}").status == 404
            assert fort.ask("POST", f"/r/{other}", keep(fingerprint)).status == 404

    def test_looking_decides_nothing_whatever_the_address_says(self, fort, letters):
        path, fingerprint = page(fort, letters["M-1"])
        for method in ("GET", "HEAD"):
            query = "&".join(f"{name}={value}" for name, value in keep(fingerprint).items())
            assert fort.ask(method, f"{path}?{query}").status == 200

    def test_a_token_decides_nothing_of_another_milestone(self, fort, letters):
        path, _ = page(fort, letters["M-1"])
        _, other = page(fort, letters["M-2"])
        assert fort.ask("POST", path, keep(other)).status == 409
        assert fort.ask("POST", path, keep(other, keys="M-2")).status == 409
        assert fort.ask("POST", f"{path}?only=M-2", keep(other, keys="M-2")).status == 409

    def test_a_page_that_is_out_of_date_decides_nothing(self, fort, letters):
        path, fingerprint = page(fort, letters["M-1"])
        for stale in ("", "0" * len(fingerprint), fingerprint[:-1], fingerprint.upper() + "x"):
            assert fort.ask("POST", path, keep(stale)).status in (400, 409)

    def test_an_expired_link_shows_nothing_and_decides_nothing(self, fort, letters):
        path, fingerprint = page(fort, letters["M-1"])
        fort.world.xero.advance(days=31)
        try:
            shown = fort.ask("GET", path)
            assert (shown.status, "Payee of M-1" in shown.text) == (410, False)
            assert fort.ask("POST", path, keep(fingerprint)).status == 410
        finally:
            fort.world.xero.advance(days=-31)


def test_a_link_that_was_used_with_success_is_of_no_more_use(fort):
    path, fingerprint = page(fort, fort.flagged("M-3"))
    assert fort.ask("POST", path, keep(fingerprint, by="Ann Example")).status == 200
    before = decided(fort)
    assert fort.ask("GET", path).status == 410
    assert fort.ask("POST", path, keep(fingerprint)).status == 410
    assert decided(fort) == before


@pytest.mark.usefixtures("nothing_decided", "letters")
class TestForms:
    """A form counts only from a page of ours, shown to the same person."""

    def posts(self, fort: Fort) -> list[str]:
        """Every address of the dashboard that takes a form."""
        paths = [route.path for route in fort.routes if route.methods and "POST" in route.methods]
        own = [path for path in paths if path not in (HOOK, "/login", "/r/{token}") and not path.startswith("/api")]
        assert len(own) >= 3
        return [re.sub(r"\{organisation\}/\{key[^}]*\}", "example/M-1", path) for path in own]

    def test_every_form_needs_the_visitors_own_token(self, fort):
        theirs = fort.csrf("vera")
        for path in self.posts(fort):
            for token in ("", "x", theirs, fort.csrf("ana")[:-1], "ü"):
                answer = fort.ask("POST", path, {**keep("x"), "csrf": token}, user="ana", Origin=PUBLIC)
                assert answer.status == 403, path

    def test_no_form_is_taken_from_another_place(self, fort):
        own = fort.csrf("ana")
        strange = [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}]
        for path in self.posts(fort):
            for headers in strange:
                assert fort.ask("POST", path, {**keep("x"), "csrf": own}, user="ana", **headers).status == 403, path

    def test_without_a_session_every_form_leads_to_the_login(self, fort):
        for path in self.posts(fort):
            for cookie in ("", "__Host-billwatch=", "__Host-billwatch=WyJhbmEiXQ.x", fort.login("ana")[:-2] + "xx"):
                answer = fort.ask("POST", path, keep("x"), Origin=PUBLIC, Cookie=cookie)
                assert (answer.status, answer.header("location")) == (303, "/login")

    def test_who_may_only_look_decides_nothing(self, fort):
        for path in self.posts(fort):
            if path != "/logout":
                form = {**keep("x"), "csrf": fort.csrf("vera")}
                assert fort.ask("POST", path, form, user="vera", Origin=PUBLIC).status == 403


class TestLogin:
    """A password cannot be tried at leisure, and a session cannot be taken."""

    def attempt(self, fort: Fort, name: str, password: str, **headers: str) -> Answer:
        return fort.ask("POST", "/login", {"name": name, "password": password}, Origin=PUBLIC, **headers)

    def test_the_cookie_is_for_this_site_only_and_unseen_by_scripts(self, fort):
        cookie = self.attempt(fort, "ana", PASSWORD).header("set-cookie") or ""
        assert cookie.startswith("__Host-billwatch=")
        assert {"httponly", "secure", "samesite=lax", "path=/"} <= {each.strip().lower() for each in cookie.split(";")}
        assert "domain" not in cookie.lower()

    @pytest.mark.parametrize(
        "onward",
        [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "/%0d%0aX: y",
            "\\\\x",
            "",
        ],
    )
    def test_a_login_leads_to_no_other_place(self, fort, onward):
        target = f"/login?next={quote(onward, safe='%')}"
        answer = fort.ask("POST", target, {"name": "ana", "password": PASSWORD}, Origin=PUBLIC)
        assert answer.status == 303
        assert re.fullmatch(r"/(?![/\\])[^\r\n]*", answer.header("location") or "")
        assert answer.header("x") is None

    def test_a_changed_cookie_opens_nothing(self, fort):
        name, _, value = fort.login("ana").partition("=")
        # The last character carries bits that decoding ignores: another spelling of the same signature.
        for at in range(0, len(value) - 1, 7):
            changed = value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]
            assert fort.ask("GET", "/milestones", Cookie=f"{name}={changed}").status == 303

    def test_too_many_failures_shut_the_door_also_to_the_right_password(self, fort):
        fort.login("ana"), fort.login("vera")
        statuses = [
            self.attempt(fort, "ana", f"guess {number}", X_Forwarded_For=f"10.0.0.{number}").status
            for number in range(12)
        ]
        assert statuses[0] == 403
        assert statuses[-1] == 429
        assert self.attempt(fort, "ana", PASSWORD, X_Forwarded_For="10.9.9.9").status == 429
        assert fort.ask("GET", "/milestones", user="vera").status == 200
        fort.world.xero.advance(minutes=16)
        assert self.attempt(fort, "ana", PASSWORD).status == 303


class TestAnswers:
    """What every answer carries, and what none of them repeats."""

    def paths(self, fort: Fort, letters: dict[str, Letter]) -> list[str]:
        paths = [route.path for route in fort.routes if route.path != HOOK]
        filled = [re.sub(r"\{organisation\}/\{key[^}]*\}", "example/M-1", path) for path in paths]
        filled = [path.replace("{token}", letters["M-1"].tokens[0]) for path in filled]
        return [*filled, "/nowhere", "/milestones/example/none", "/r/unknown", "/static/none", HOOK]

    def test_security_headers_are_on_every_answer(self, fort, letters):
        for path in self.paths(fort, letters):
            for user in ("", "ana"):
                for method in ("GET", "DELETE"):
                    answer = fort.ask(method, path, user=user)
                    assert [name for name in HEADERS if not answer.header(name)] == [], (method, path)
                    policy = answer.header("content-security-policy") or ""
                    assert "frame-ancestors 'none'" in policy
                    assert "default-src 'none'" in policy
                    assert "unsafe-inline" not in policy

    def test_a_false_host_is_believed_nowhere(self, fort, letters):
        tricks = {"Host": "evil.example", "X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "http"}
        for path in self.paths(fort, letters):
            answer = fort.ask("GET", path, user="ana", **tricks)
            assert "evil.example" not in answer.text
            assert "evil.example" not in str(answer.headers)

    def test_what_was_asked_for_is_not_repeated_as_markup(self, fort):
        for path in (f"/{MARKUP}", f"/r/{MARKUP}", f"/milestones?text={MARKUP}&reason={MARKUP}&state={MARKUP}"):
            address = path.replace("<", "%3C").replace(">", "%3E").replace(" ", "%20").replace('"', "%22")
            harmless(fort.ask("GET", address, user="ana").text)
        harmless(fort.ask("POST", "/login", {"name": MARKUP, "password": "x"}, Origin=PUBLIC).text)


def harmless(html: str) -> None:
    assert "<script" not in html
    assert "<img" not in html


class TestStoredMarkup:
    """What platform and Xero wrote is text, on every page and in every mail."""

    def test_no_page_runs_it(self, fort, marked):
        address = "M-%3Cb%3E9%3C%2Fb%3E"
        paths = ["/", "/milestones", "/milestones?text=alert", f"/milestones/example/{address}", "/exemptions"]
        shown = [fort.ask("GET", path, user="ana") for path in [*paths, "/forecast", f"/r/{marked.tokens[0]}"]]
        assert {answer.status for answer in shown} == {200}
        assert sum("alert(1)" in answer.text for answer in shown) >= 3
        for answer in shown:
            harmless(answer.text)

    def test_no_mail_carries_it(self, marked):
        harmless(marked.message.get_body(("html",)).get_content())


def test_no_name_makes_a_header_of_a_mail(fort):
    evil = "Payee\r\nBcc: eve@evil.example\r\nX-Evil: yes\r\n\r\nBody"
    before = len(fort.letterbox.letters)
    fort.edited(fort.world.put("M-inject", payee=evil.replace("\r\n", " "), title=evil))
    for letter in fort.letterbox.letters[before:]:
        assert letter.recipient.endswith("@example.org")
        assert {"Bcc", "X-Evil"} & set(letter.message.keys()) == set()
        assert "\n" not in letter.subject
