"""What the configuration accepts, and what it makes of it."""

from decimal import Decimal
from pathlib import Path

import pytest
from config_files import ENVIRON, LEAST, SECOND, TENANT, loaded, refusal, written
from msgspec.structs import replace

from billwatch.config import load
from reconciler.due import Due
from reconciler.errors import ConfigurationError, InputError
from reconciler.model import Sense, Status
from reconciler.organisation import Mode, Policy
from reconciler.reasons import Role


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
    assert config.connections() == {key: config.connection(key) for key in ("acme", "beta")}
