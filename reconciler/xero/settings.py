"""How one connection to Xero is set up."""

from dataclasses import dataclass, field
from typing import Literal

Grant = Literal["client_credentials", "refresh_token"]
SCOPES = ("accounting.invoices", "accounting.settings.read", "accounting.contacts.read")


@dataclass(frozen=True, slots=True)
class Connection:
    """The app that Xero knows us by. Several organisations may share one, each with its own tenant id.

    `client_credentials` is a custom connection, `refresh_token` an app that a person has consented to
    (developer.xero.com/documentation/guides/oauth2/overview). `client_secret` may be empty for an app of the PKCE
    kind. `tenant_id` stands for organisations that name none. `kept_as` names its tokens in the store, by default
    `name`. The addresses come without a slash at the end.
    """

    name: str
    grant: Grant
    client_id: str
    client_secret: str = field(default="", repr=False)
    api_url: str = "https://api.xero.com"
    identity_url: str = "https://identity.xero.com"
    scopes: tuple[str, ...] = SCOPES
    tenant_id: str = ""
    login_url: str = "https://login.xero.com"
    kept_as: str = ""

    @property
    def books_url(self) -> str:
        """The address below which the Accounting API lies."""
        return f"{self.api_url}/api.xro/2.0"

    @property
    def token_url(self) -> str:
        """Where tokens are given out."""
        return f"{self.identity_url}/connect/token"

    @property
    def consent_url(self) -> str:
        """Where a person is asked to let the app in."""
        return f"{self.login_url}/identity/connect/authorize"
