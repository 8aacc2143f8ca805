"""What the configuration accepts, and with which sentence it refuses the rest."""

import base64
import os
import secrets
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from billwatch.config import Config, load
from reconciler.due import Due
from reconciler.errors import ConfigurationError, InputError
from reconciler.model import Sense, Status
from reconciler.organisation import Mode, Policy
from reconciler.reasons import Role

LEAST = """
[keys]
encryption = ["env:ENCRYPTION"]
links = ["env:LINKS"]
[[organisation]]
key = "acme"
name = "Acme Trust"
client_id = "app"
client_secret = "env:CLIENT"
"""
SECOND = '[[organisation]]\nkey = "beta"\nname = "Beta"\nclient_secret = "env:CLIENT"\n'
TENANT = "45e4708e-d862-4111-ab3a-dd8cd03913e1"
ENVIRON = {
    "ENCRYPTION": base64.urlsafe_b64encode(os.urandom(32)).decode(),
    "LINKS": secrets.token_urlsafe(32),
    "CLIENT": "client-secret",
}


def written(directory: Path, text: str) -> Path:
    path = directory / "billwatch.toml"
    path.write_text(text, encoding="utf-8")
    return path


def loaded(directory: Path, more: str = "", environ: dict[str, str] | None = None) -> Config:
    return load(written(directory, LEAST + more), environ=ENVIRON if environ is None else environ)


def refusal(directory: Path, more: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as error:
        loaded(directory, more, environ)
    sentence = str(error.value)
    assert sentence.startswith(f"{directory / 'billwatch.toml'}")
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    return sentence.removeprefix(f"{directory / 'billwatch.toml'}").lstrip(": ")


def test_the_least_file_gives_the_model_its_defaults(tmp_path: Path) -> None:
    (organisation,) = loaded(tmp_path).organisations()
    assert (organisation.key, organisation.name, organisation.mode) == ("acme", "Acme Trust", Mode.WATCH)
    assert (organisation.status, organisation.sense) == (Status.SUBMITTED, Sense.INCLUSIVE)
    assert organisation.sync_points == {"approved"}
    assert organisation.policy == Policy()


def test_every_option_of_an_organisation_reaches_the_model(tmp_path: Path) -> None:
    stated = f"""
        tenant_id = "{TENANT.upper()}"
        mode = "sync"
        account = "450"
        amounts = "no-tax"
        tax = "NONE"
        currency = "NZD"
        bill_status = "authorised"
        number_prefix = "G-"
        due = "end of following month"
        description = "{{title}} ({{key}})"
        tracking = {{ Region = "North", Programme = "Youth" }}
        sync_points = ["approved", "contract-executed"]
        reply_to = "grants@example.org"
        [organisation.people]
        accounting = ["a@example.org"]
        grants = ["g@example.org"]
        [organisation.policy]
        locked_dates = "move"
        new_money_per_hour = 1000.50
    """
    (organisation,) = loaded(tmp_path, stated).organisations()
    assert organisation.tenant_id == TENANT
    assert (organisation.mode, organisation.sense, organisation.status) == (Mode.SYNC, Sense.NO_TAX, Status.AUTHORISED)
    assert (organisation.account, organisation.tax, organisation.currency) == ("450", "NONE", "NZD")
    assert (organisation.number_prefix, organisation.due) == ("G-", Due(None, months=1))
    assert organisation.description == "{title} ({key})"
    assert organisation.tracking == (("Programme", "Youth"), ("Region", "North"))
    assert organisation.sync_points == {"approved", "contract-executed"}
    assert organisation.reply_to == "grants@example.org"
    assert organisation.policy == Policy(locked_dates="move", new_money_per_hour=Decimal("1000.50"))


def test_a_role_without_addresses_falls_to_the_accounting_people(tmp_path: Path) -> None:
    (organisation,) = loaded(tmp_path, 'people = { accounting = ["a@x.org"], grants = ["g@x.org"] }').organisations()
    assert organisation.people[Role.GRANTS] == ("g@x.org",)
    assert organisation.people[Role.OPERATOR] == ("a@x.org",)


def test_an_organisation_is_as_fresh_as_the_reconciler_unless_it_says_otherwise(tmp_path: Path) -> None:
    (same,) = loaded(tmp_path, "[reconciler]\nfresh_minutes = 90").organisations()
    (own,) = loaded(tmp_path, "policy = { fresh_minutes = 20 }\n[reconciler]\nfresh_minutes = 90").organisations()
    assert (same.policy.fresh_minutes, own.policy.fresh_minutes) == (90, 20)


def test_the_database_lies_beside_the_file_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, LEAST)
    monkeypatch.chdir(tmp_path)
    assert load(Path("billwatch.toml"), environ=ENVIRON).storage.url == f"sqlite:///{tmp_path}/billwatch.db"


def test_an_absolute_database_stays_where_it_is(tmp_path: Path) -> None:
    assert loaded(tmp_path, '[storage]\nurl = "sqlite:////var/lib/b.db"').storage.url == "sqlite:////var/lib/b.db"


def test_addresses_lose_the_slash_at_their_end(tmp_path: Path) -> None:
    config = loaded(
        tmp_path, '[server]\npublic_url = "https://b.example.org/"\n[xero]\napi_url = "http://127.0.0.1:1/"'
    )
    assert (config.server.public_url, config.xero.api_url) == ("https://b.example.org", "http://127.0.0.1:1")


def test_a_file_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert load(written(tmp_path, "\ufeff" + LEAST), environ=ENVIRON).organisation[0].key == "acme"


def test_a_secret_is_taken_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("  signing-key\n", encoding="utf-8")
    (secret,) = loaded(tmp_path, '[xero]\nwebhook_keys = ["file:hook"]').xero.webhook_keys
    assert secret.reveal() == "signing-key"


def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    shown = f"{config!r} {config}"
    assert "env:CLIENT" in shown
    assert not [value for value in ENVIRON.values() if value in shown]


def test_without_secrets_the_rest_is_still_checked(tmp_path: Path) -> None:
    assert load(written(tmp_path, LEAST), secrets=False, environ={}).organisation
    with pytest.raises(ConfigurationError, match="never the secret itself"):
        load(written(tmp_path, LEAST.replace("env:CLIENT", "s3cr3t")), secrets=False, environ={})


def test_settings_of_an_unknown_organisation_suggest_the_one_that_was_meant(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    assert config.settings("acme").client_id == "app"
    with pytest.raises(InputError, match=r'There is no organisation "acne"; did you mean "acme"\?'):
        config.settings("acne")
    with pytest.raises(InputError, match=r"there is only acme\."):
        config.settings("zzz")


def test_the_same_tenant_with_another_client_is_still_the_same_organisation(tmp_path: Path) -> None:
    twice = f'tenant_id = "{TENANT}"\n{SECOND}client_id = "other"\ntenant_id = "{TENANT.upper()}"'
    assert refusal(tmp_path, twice) == "organisation.beta is the same Xero organisation as acme."


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("[servr]", 'servr is not an option; did you mean "server"?'),
        ("[server]\nprt = 1", 'server.prt is not an option; did you mean "port"?'),
        ("[server]\nzzz = 1", "server.zzz is not an option; there are host, port, public_url, user_header, proxies."),
        ("polcy = {}", 'organisation.acme.polcy is not an option; did you mean "policy"?'),
        ('[server]\nport = "80"', 'server.port is "80", but must be a whole number from 0 to 65535.'),
        ("[server]\nport = 80.5", "server.port is 80.5, but must be a whole number from 0 to 65535."),
        ("[server]\nport = true", "server.port is true, but must be a whole number from 0 to 65535."),
        ("[server]\nport = 65536", "server.port is 65536, but must be a whole number from 0 to 65535."),
        (
            '[server]\npublic_url = "billwatch.example.org"',
            'server.public_url is "billwatch.example.org", but must be an address such as '
            "https://billwatch.example.org, without query or user name.",
        ),
        (
            '[xero]\napi_url = "http://api.example.org"',
            'xero.api_url is "http://api.example.org", but must be an https address without query or user name '
            "(plain http only on this machine).",
        ),
        (
            '[storage]\nurl = "postgresql://me:s3cr3t@host/db"',
            'storage.url is "postgresql://…@host/db", but must be "sqlite:///" and the path of a file, such as '
            "sqlite:///billwatch.db.",
        ),
        ('mode = "live"', 'organisation.acme.mode is "live", but must be "sync" or "watch".'),
        (
            'grant = "password"',
            'organisation.acme.grant is "password", but must be "client_credentials" or "refresh_token".',
        ),
        ('amounts = "net"', 'organisation.acme.amounts is "net", but must be "exclusive", "inclusive" or "no-tax".'),
        (
            'bill_status = "paid"',
            'organisation.acme.bill_status is "paid", but must be "authorised", "draft" or "submitted".',
        ),
        (
            'currency = "nzd"',
            'organisation.acme.currency is "nzd", but must be a currency code of three capital letters, such as NZD.',
        ),
        (
            'tenant_id = "45e4"',
            'organisation.acme.tenant_id is "45e4", but must be a tenant id such as '
            "45e4708e-d862-4111-ab3a-dd8cd03913e1.",
        ),
        (
            'due = "1 fortnight"',
            'organisation.acme.due is "1 fortnight", but must be "14 days", "end of month", "end of following month" '
            'or "20th of following month".',
        ),
        (
            "create_tracking_options = true",
            'organisation.acme.scopes needs "accounting.settings" in place of its ".read", to make tracking options.',
        ),
        (
            'description = "{titel}"',
            "organisation.acme.description has {titel}, but may name only {title}, {key}, {payee}, {description}.",
        ),
        (
            'description = "{title.__class__}"',
            "organisation.acme.description has {title.__class__}, but may name only {title}, {key}, {payee}, "
            "{description}.",
        ),
        (
            'description = "{title"',
            "organisation.acme.description has a brace too many or too few; a brace to be printed is written twice.",
        ),
        (
            f'number_prefix = "{"x" * 51}"',
            f'organisation.acme.number_prefix is "{"x" * 51}", but must be a text of at most 50 characters, so that '
            "no bill number exceeds Xero's 255.",
        ),
        (
            'tracking = { A = "1", B = "2", C = "3" }',
            "organisation.acme.tracking must be a table of at most two categories, each with the name of one of its "
            "options.",
        ),
        (
            "sync_points = []",
            "organisation.acme.sync_points must be a list of at least one, each up to 64 lower-case letters, digits "
            "and hyphens, beginning with a letter or digit.",
        ),
        (
            'people = { accounting = ["a@example.org", "bob"] }',
            'organisation.acme.people.accounting is "bob", but must be a mail address such as name@example.org.',
        ),
        (
            'reply_to = "a@b.org\\nBcc: c@d.org"',
            'organisation.acme.reply_to is "a@b.org\\nBcc: c@d.org", but must be empty or a mail address such as '
            "name@example.org.",
        ),
        ('people = "bob"', 'organisation.acme.people is "bob", but must be a table.'),
        (
            'policy = { xero_edits = "ignore" }',
            'organisation.acme.policy.xero_edits is "ignore", but must be "accept" or "flag".',
        ),
        (
            'policy = { warn_when_equal = "yes" }',
            'organisation.acme.policy.warn_when_equal is "yes", but must be true or false.',
        ),
        (
            "policy = { new_money_per_hour = 1.234 }",
            "organisation.acme.policy.new_money_per_hour is 1.234, but must be an amount above 0 with at most two "
            "decimals.",
        ),
        (
            "policy = { new_money_per_hour = nan }",
            "organisation.acme.policy.new_money_per_hour is NaN, but must be an amount above 0 with at most two "
            "decimals.",
        ),
        (
            'policy = { new_money_per_hour = "lots" }',
            'organisation.acme.policy.new_money_per_hour is "lots", but must be an amount such as 50000.',
        ),
        (
            "[reconciler]\nquiet_seconds = 40",
            "reconciler.longest_wait_seconds must be at least quiet_seconds, which is 40.",
        ),
        (
            "[reconciler]\nsweep_minutes = 61",
            "reconciler.fresh_minutes must be at least sweep_minutes, which is 61.",
        ),
        ('[mail]\nsecurity = "ssl"', 'mail.security is "ssl", but must be "none", "starttls" or "tls".'),
        (
            '[mail]\nhost = "mail.example.org"',
            "mail.sender is missing; with a host, it must be the address that mails come from.",
        ),
        ('[mail]\nusername = "me"', "mail.password is missing; it goes with the other one."),
        (
            '[mail]\nhost = "mail.example.org"\nsender = "b@example.org"',
            "organisation.acme.people.accounting names nobody, so nobody would be warned.",
        ),
        (SECOND, "organisation.beta.client_id is missing; it must be a text of 1 to 255 characters on one line."),
        (f'{SECOND}client_id = "app"', "organisation.beta is the same Xero organisation as acme."),
        (
            '[[organisation]]\nkey = "acme"\nname = "B"\nclient_id = "c"\nclient_secret = "env:CLIENT"',
            "organisation.acme is there twice, but a key must be unique.",
        ),
        (
            '[[organisation]]\nname = "B"',
            "organisation.#2.key is missing; it must be up to 64 lower-case letters, digits and hyphens, beginning "
            "with a letter or digit.",
        ),
        (
            "a b",
            "is not valid TOML: expected '=' after a key in a key/value pair (at line 10, column 3).",
        ),
    ],
)
def test_what_is_wrong_is_said_with_key_value_and_what_is_allowed(tmp_path: Path, more: str, sentence: str) -> None:
    assert refusal(tmp_path, more) == sentence


@pytest.mark.parametrize(
    "more",
    [
        '[mail]\npassword = "hunter2"',
        '[mail]\npassword = "env:hunter2 is it"',
        '[xero]\nwebhook_keys = "hunter2"',
        '[xero]\nwebhook_keys = ["hunter2"]',
        '[xero]\nwebhook_keys = [["hunter2"]]',
        '[xero]\nwebhook_keys = { key = "hunter2" }',
        '[[organisation]]\nkey = "b"\nname = "B"\nclient_id = "b"\nclient_secret = "hunter2"',
    ],
)
def test_a_secret_written_into_the_file_is_refused_and_not_repeated(tmp_path: Path, more: str) -> None:
    sentence = refusal(tmp_path, more)
    assert "hunter2" not in sentence
    assert sentence.endswith('"env:NAME" or "file:path", never the secret itself.')


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"ENCRYPTION": ""}, "keys.encryption: The environment variable ENCRYPTION is not set or empty."),
        ({"LINKS": ""}, "keys.links: The environment variable LINKS is not set or empty."),
        ({"CLIENT": " "}, "organisation.acme.client_secret: The environment variable CLIENT is not set or empty."),
        (
            {"ENCRYPTION": "hunter2"},
            "keys.encryption: env:ENCRYPTION does not hold an encryption key (32 random bytes in URL-safe base64, as "
            '"billwatch init" makes them).',
        ),
        (
            {"LINKS": "x" * 64},
            "keys.links: env:LINKS does not hold a link key (at least 32 random bytes, as "
            '"billwatch init" makes them).',
        ),
    ],
)
def test_a_secret_that_is_not_there_or_not_fit_is_named(tmp_path: Path, environ: dict[str, str], sentence: str) -> None:
    assert refusal(tmp_path, "", ENVIRON | environ) == sentence


def test_a_file_that_should_hold_a_secret_is_named(tmp_path: Path) -> None:
    hook = '[xero]\nwebhook_keys = ["file:hook"]'
    place = tmp_path / "hook"
    assert refusal(tmp_path, hook) == f"xero.webhook_keys: The file {place} cannot be read (no such file or directory)."
    place.touch()
    assert refusal(tmp_path, hook) == f"xero.webhook_keys: The file {place} is empty."
    place.write_bytes(b"\xff\xfe")
    assert refusal(tmp_path, hook) == f"xero.webhook_keys: The file {place} does not hold text."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "keys is missing; it must be a table."),
        (b"[keys]", "keys.encryption is missing; it must be a list of at least one, each"),
        (b"organisation = 3", "organisation is 3, but must be a list of at least one, each a table."),
        (b"\xff", "is not UTF-8 text (byte 1)."),
    ],
)
def test_a_file_that_is_no_configuration_at_all_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "billwatch.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as error:
        load(path, environ=ENVIRON)
    assert sentence in str(error.value)


def test_a_configuration_that_is_not_there_names_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r'There is no configuration at .*x.toml; "billwatch init" writes one'):
        load(tmp_path / "x.toml")


def test_a_configuration_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read: is a directory\."):
        load(tmp_path)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("xero_edits", "accept"),
        ("warn_when_equal", True),
        ("paid_bill_edits", "where-xero-allows"),
        ("approved_bills", "update"),
        ("locked_dates", "move"),
        ("locked_drafts", "push"),
        ("on_unlock", "sync"),
        ("adviser_may_post", True),
        ("new_bills_per_hour", 7),
        ("new_money_per_hour", Decimal("7.50")),
        ("fresh_minutes", 7),
        ("near_days", 7),
        ("missing_at_once", 7),
    ],
)
def test_every_policy_reaches_the_model_and_changes_no_other(tmp_path: Path, option: str, value: object) -> None:
    written_as = f'"{value}"' if isinstance(value, str) else str(value).lower()
    (organisation,) = loaded(tmp_path, f"policy = {{ {option} = {written_as} }}").organisations()
    assert organisation.policy == replace(Policy(), **{option: value})


def test_a_connection_carries_the_addresses_and_the_secret_without_showing_it(tmp_path: Path) -> None:
    connection = loaded(tmp_path, '[xero]\napi_url = "http://127.0.0.1:9"').connection("acme")
    assert (connection.name, connection.client_id, connection.api_url) == ("acme", "app", "http://127.0.0.1:9")
    assert connection.client_secret == ENVIRON["CLIENT"]
    assert ENVIRON["CLIENT"] not in repr(connection)


def test_organisations_of_one_authorised_app_share_the_name_of_their_connection(tmp_path: Path) -> None:
    authorised = 'grant = "refresh_token"\nclient_id = "app"\ntenant_id = "{}"\n'
    first = LEAST.replace('client_id = "app"\n', authorised.format(TENANT))
    path = written(tmp_path, first + SECOND + authorised.format(TENANT.replace("4", "5")))
    config = load(path, environ=ENVIRON)
    assert [config.connection(key).name for key in ("acme", "beta")] == ["acme", "acme"]
    assert config.connection("beta").tenant_id == TENANT.replace("4", "5")
