"""The lines that make an organisation in Xero known to billwatch."""

from billwatch.config import Config
from billwatch.initialise import quoted, short_name
from reconciler.xero.connections import Tenant


def snippet(config: Config, beside: str, tenant: Tenant) -> str:
    """A table to append to the configuration, for an organisation reached by the same app as the one named."""
    settings, name = config.settings(beside), tenant.tenant_name or "Unnamed"
    secret = [f"client_secret = {quoted(settings.client_secret.reference)}"] if settings.client_secret else []
    accounting = ", ".join(map(quoted, settings.people.accounting))
    lines = (
        "[[organisation]]",
        f"key = {quoted(_free(config, short_name(name)))}",
        f"name = {quoted(name)}",
        f"client_id = {quoted(settings.client_id)}",
        *secret,
        'grant = "refresh_token"',
        f"tenant_id = {quoted(tenant.tenant_id)}",
        'mode = "watch"',
        'account = ""',
        "[organisation.people]",
        f"accounting = [{accounting}]",
    )
    return "\n".join(lines)


def _free(config: Config, key: str) -> str:
    """The key, with a number behind it if it is taken."""
    taken = {each.key for each in config.organisation}
    return next(one for n in range(1, len(taken) + 2) if (one := key if n == 1 else f"{key[:60]}-{n}") not in taken)
