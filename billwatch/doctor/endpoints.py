"""Whether the endpoints of others take events: each is sent one that means nothing, signed as all are."""

import datetime as dt
from urllib.parse import urlsplit

from billwatch.doctor.findings import Finding, failed, ok, warning
from billwatch.sections import Hook
from billwatch.wiring import endpoint_of
from notify.hooks import Refused, probe
from reconciler.errors import ConfigurationError
from reconciler.progress import EndpointState

_MENDS = {
    400: "See that they hold the same secret, and take events of any type; their log should say more.",
    401: "See that they hold the same secret: billwatch signs with every line of the file.",
    403: "See that they hold the same secret, and let this machine in.",
    404: "Correct url: there is nothing at this address.",
    405: "Correct url: the address takes no POST requests.",
    410: "They want no more events. Take the [[hook]] out, or ask them for another address.",
}


def endpoint(hook: Hook, state: EndpointState | None, now: dt.datetime) -> Finding:
    """What the endpoint says to a test event, and what waits for it."""
    try:
        said = probe(endpoint_of(hook, []), now)
    except ConfigurationError as error:
        return failed(str(error), "Put the secret there; billwatch hooks secret makes one.")
    except Refused as refused:
        return failed(f"{hook.url} took no test event: {str(refused).rstrip('.')}", _mend(refused))
    if state and state.off_at:
        told = f"{hook.url} takes events again, but was switched off: {state.off_because}"
        return warning(f"{told}. {state.owed} are kept for it", f"billwatch hooks on --name {hook.name}")
    if state and state.given_up:
        told = f"{hook.url} took a test event ({said}), but {state.given_up} earlier ones were given up"
        return warning(told, f"billwatch hooks replay --name {hook.name} sends them again.")
    plain = "" if urlsplit(hook.url).scheme == "https" else ", without encryption, on this machine"
    return ok(f"{hook.url} took a signed test event ({said}){plain}")


def _mend(refused: Refused) -> str:
    if refused.status is None:
        return "Check url and the way there from this machine: name, port, firewall, certificate."
    if 300 <= refused.status < 400:
        return "Name the address it leads to in url: redirects are not followed."
    return _MENDS.get(refused.status, "Whoever runs it has to look; events are kept, and tried again for days.")
