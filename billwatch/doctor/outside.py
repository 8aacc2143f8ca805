"""The way in from outside: whether the public address leads here, and whether a webhook would come through."""

import hmac
from binascii import b2a_base64
from types import TracebackType

from billwatch.config import Config
from billwatch.doctor.findings import Finding, failed, ok, warning
from receiver.webhook import PATH
from reconciler.errors import ConfigurationError, XeroError
from reconciler.ports import Clock
from reconciler.xero.http import Answer, Call, Http

SILENCE_SECONDS = 10.0
# As Xero's own check when a webhook is set up ("intent to receive", developer.xero.com/documentation/webhooks).
_EMPTY = b'{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "BILLWATCHSDOCTORTEST"}'
_SERVE = "Run billwatch serve, then billwatch doctor again."


class Door:
    """Knocks at our own address, as a browser or Xero would. Close it, or use it as a context manager."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config, self._server = config, config.server
        self._http = Http(clock, silence_seconds=SILENCE_SECONDS)

    def __enter__(self) -> "Door":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def address(self) -> Finding:
        """Whether the public address leads to a billwatch."""
        url = self._server.public_url
        if not url:
            return ok("there is none, so mails say how to act on the command line")
        if self._healthy(url):
            return ok(f"{url} leads here") if url.startswith("https:") else self._plain(url)
        if not self._healthy(self._local):
            return warning(f"{url} was not tested, since billwatch does not run here", _SERVE)
        return failed(f"{url} does not lead to billwatch", f"Let your web server hand it on to {self._local}.")

    def webhooks(self) -> Finding:
        """Whether Xero's webhooks would be taken, and nobody else's."""
        keys, url = self._config.xero.webhook_keys, self._server.public_url
        if not keys:
            return ok(f"none are set up; a sweep every {self._config.reconciler.sweep_minutes} minutes finds changes")
        if not url:
            return warning("there is a signing key, but no public address", "Set public_url under [server].")
        if not self._healthy(url):
            return warning("not tested, since the public address does not answer", _SERVE)
        try:
            key = keys[0].reveal().encode()
        except ConfigurationError as error:
            return failed(str(error), "Put the webhook's signing key there.")
        return self._signed(url, key)

    @property
    def _local(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._server.host, self._server.host)  # noqa: S104 -- read
        return f"http://{host}:{self._server.port}"

    def _signed(self, url: str, key: bytes) -> Finding:
        right, wrong = self._knock(url, key), self._knock(url, key + b"-")
        if right == 401:
            return failed(
                "a webhook signed with our key is turned away", "Restart billwatch serve, so that it takes the new key."
            )
        if (right, wrong) != (200, 401):
            told = f"{url}{PATH} answers {right or 'nothing'} and {wrong or 'nothing'} instead of 200 and 401"
            return failed(told, "Let your web server hand POST requests on unchanged.")
        return ok(f"{url}{PATH} takes what is signed and turns away what is not")

    def _knock(self, url: str, key: bytes) -> int:
        signature = b2a_base64(hmac.digest(key, _EMPTY, "sha256"), newline=False).decode()
        headers = {"Content-Type": "application/json; charset=utf-8", "x-xero-signature": signature}
        answer = self._exchange(Call("POST", url + PATH, headers, _EMPTY))
        return answer.status if answer else 0

    def _healthy(self, url: str) -> bool:
        answer = self._exchange(Call("GET", f"{url}/healthz", {}))
        return answer is not None and (answer.status, answer.body.strip()) == (200, b"ok")

    def _plain(self, url: str) -> Finding:
        return warning(f"{url} leads here without encryption", "Use https: Xero posts webhooks to https only.")

    def _exchange(self, call: Call) -> Answer | None:
        try:
            return self._http.exchange(call)
        except XeroError:
            return None
