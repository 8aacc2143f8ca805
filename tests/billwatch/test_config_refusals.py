"""With which sentence the configuration refuses what it does not accept."""

from pathlib import Path

import pytest
from config_files import ENVIRON, SECOND, refusal

from billwatch.config import load
from reconciler.errors import ConfigurationError


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("[servr]", 'servr is not an option; did you mean "server"?'),
        ("[server]\nprt = 1", 'server.prt is not an option; did you mean "port"?'),
        (
            "[server]\nzzz = 1",
            "server.zzz is not an option; there are host, port, public_url, user_header, proxies, metrics.",
        ),
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
            'storage.url is "postgresql://…@host/db", but must be "sqlite:///" and the path of a file, or '
            '"postgresql://user@host:5432/database" without a password.',
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
            "[watch]\nfresh_minutes = 60",
            "watch.fresh_minutes is not an option; fresh_minutes belongs under [organisation.policy] or [reconciler].",
        ),
        (
            'people = { mode = "sync" }',
            "organisation.acme.people.mode is not an option; mode belongs under [[organisation]].",
        ),
        ("[watch]\ngap_hour = 2", 'watch.gap_hour is not an option; did you mean "gap_hours"?'),
        ("[mail]\n[mail]", "is not valid TOML: cannot declare [mail] twice (at line 11, column 6)."),
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
