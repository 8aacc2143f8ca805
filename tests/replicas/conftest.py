"""The fixtures of a fleet: the same sandbox and secrets as end to end."""

from worlds import environ, impatient, running_sandbox, xero

__all__ = ["environ", "impatient", "running_sandbox", "xero"]
