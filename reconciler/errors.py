"""All that can go wrong by name. The branch that matters is whether trying again can help.

The text of an exception is a sentence that the operator reads; it never holds a secret.
"""

from datetime import datetime


class BillwatchError(Exception):
    """Something that a person can act on; shown as one sentence, never as a traceback."""


class ConfigurationError(BillwatchError):
    """The configuration is not usable; names the key, the value and what is allowed."""


class InputError(BillwatchError):
    """What somebody handed us is not usable; names where, what was wrong and what is allowed."""


class NoMilestone(InputError):
    """There is no such milestone, or it is not decided yet."""

    def __init__(self, organisation: str, key: str) -> None:
        super().__init__(f"There is no milestone “{key}” in {organisation}, or it is not decided yet.")


class StorageError(BillwatchError):
    """The database cannot be used right now."""


class NewerRelease(StorageError):
    """A newer release has used the database, and this one does not know its tables."""


class Unobtainable(BillwatchError):
    """A document cannot be had from where it lies, for now."""


class XeroError(BillwatchError):
    """A call to Xero did not do what was asked. `correlation` is Xero's own id of the call, for its support."""

    def __init__(self, sentence: str, *, correlation: str = "") -> None:
        super().__init__(sentence)
        self.correlation = correlation


class Temporary(XeroError):
    """Trying again later can help. `retry_at` is when Xero, or our own budget, allows the next call."""

    def __init__(self, sentence: str, *, retry_at: datetime | None = None, correlation: str = "") -> None:
        super().__init__(sentence, correlation=correlation)
        self.retry_at = retry_at


class Unavailable(Temporary):
    """Xero is down, its answer was a 5xx, or the network failed before the request was sent."""


class RateLimited(Temporary):
    """A limit of Xero, or our own floor below it, is used up until `retry_at`."""


class OutcomeUnknown(Temporary):
    """A write was sent and no usable answer came back: Xero may or may not have done it.

    `cached` tells that Xero answered 500, which it stores with the idempotency key: the key must not be used again.
    """

    def __init__(self, sentence: str, *, cached: bool = False, correlation: str = "") -> None:
        super().__init__(sentence, correlation=correlation)
        self.cached = cached


class Permanent(XeroError):
    """Trying the same again cannot help."""


class ConnectionLost(Permanent):
    """The token or the tenant is no longer accepted; a person must connect again."""


class WrongOrganisation(Permanent):
    """The connection leads to another organisation than before."""


class BadRequest(Permanent):
    """Xero could not read the request as a whole (no single element was to blame)."""


class UnreadableAnswer(Permanent):
    """Xero answered with something that is not of the published shape."""
