"""The fixtures of the end-to-end tests; what they give is in `world`."""

from worlds import environ, impatient, make_world, running_sandbox, world, xero

__all__ = ["environ", "impatient", "make_world", "running_sandbox", "world", "xero"]
