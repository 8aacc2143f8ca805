"""One organisation's calls: with a token, within the limits, counted, logged, and with every failure by its name."""

from collections.abc import Callable, Mapping

import stamina
import structlog
from stamina.instrumentation import RetryDetails

from reconciler.errors import Unavailable
from reconciler.xero.answers import checked
from reconciler.xero.http import Answer, Call, Http
from reconciler.xero.purse import Purse
from reconciler.xero.tokens import Tokens

_TRIES = 3
# A write rests on what was read seconds before, so it waits for no limit for long.
_WRITE_PATIENCE_SECONDS = 2.0
_log = structlog.get_logger(__name__)


def log_retry(details: RetryDetails) -> None:
    """To be stamina's only hook: its own would print arguments, and with them secrets."""
    cause = type(details.caused_by).__name__
    _log.info("xero_read_retried", retry=details.retry_num, cause=cause, wait_seconds=round(details.wait_for, 1))


class Wire:
    """Reads and writes below one base address. Every method raises the errors of `reconciler.errors.XeroError`."""

    def __init__(self, base_url: str, tenant_id: str, http: Http, tokens: Tokens, purse: Purse) -> None:
        self._base_url, self._tenant_id = base_url, tenant_id
        self._http, self._tokens, self._purse = http, tokens, purse

    def read(
        self,
        operation: str,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """GET, up to three times while Xero is out of reach. A 404 is handed back when it is Xero's own word."""

        def call(token: str) -> Call:
            return Call("GET", self._base_url + path, self._headers(token, headers), params=params or {})

        for attempt in stamina.retry_context(
            on=Unavailable, attempts=_TRIES, timeout=15.0, wait_initial=0.5, wait_max=3.0
        ):
            with attempt:
                return checked(self._exchange(operation, call), writes=False)
        raise AssertionError("the last attempt returns or raises")

    def write(
        self, operation: str, method: str, path: str, body: bytes, key: str, media: str = "application/json"
    ) -> Answer:
        """Exactly these bytes, of that content type, with this idempotency key.

        Repeated only when Xero says that it has not looked at them. A 400 is handed back when it names elements.
        """

        def call(token: str) -> Call:
            extra = {"Content-Type": media, "Idempotency-Key": key}
            return Call(method, self._base_url + path, self._headers(token, extra), body, writes=True)

        return checked(self._exchange(operation, call), writes=True)

    def _exchange(self, operation: str, call: Callable[[str], Call]) -> Answer:
        """With one more try when the token is refused: it may have been revoked before its time."""
        token = self._tokens.access()
        answer = self._paced(operation, call(token))
        if answer.status == 401:
            answer = self._paced(operation, call(self._tokens.renew(token)))
        return answer

    def _paced(self, operation: str, call: Call) -> Answer:
        """Raises RateLimited when Xero's limits stay used up for longer than a call may wait."""
        limits, patience = self._purse.limits, _WRITE_PATIENCE_SECONDS if call.writes else None
        for _ in range(_TRIES):
            with limits.slot(patience):
                answer = self._http.exchange(call)
                self._purse.usage.count(operation, len(answer.body))
                _note(operation, answer)
                if answer.status != 429:
                    self._learn(answer)
                    return answer
                refusal = limits.refused(answer.headers, answer.correlation)
            self._purse.settle()
        raise refusal

    def _learn(self, answer: Answer) -> None:
        if self._purse.limits.learn(answer.headers):
            self._purse.settle()

    def _headers(self, token: str, extra: Mapping[str, str] | None) -> dict[str, str]:
        tenant = {"xero-tenant-id": self._tenant_id} if self._tenant_id else {}
        return {"Authorization": f"Bearer {token}", **tenant, **(extra or {})}


def _note(operation: str, answer: Answer) -> None:
    level = _log.debug if answer.status < 400 else _log.warning
    level(
        "xero_called",
        operation=operation,
        status=answer.status,
        bytes=len(answer.body),
        correlation=answer.correlation,
    )
