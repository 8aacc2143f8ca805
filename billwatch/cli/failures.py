"""Errors as the operator sees them: one sentence and an exit code, never a traceback."""

import os
import tempfile
import traceback

import click

from reconciler.errors import BillwatchError, ConfigurationError


class Cannot(click.ClickException):
    """What was asked for cannot be done."""

    exit_code = 1


class WrongUse(click.ClickException):
    """The configuration or the arguments are not usable."""

    exit_code = 2


class Unexpected(click.ClickException):
    """A mistake of ours (EX_SOFTWARE in sysexits.h)."""

    exit_code = 70


def told(error: Exception) -> click.ClickException:
    """The failure that tells of an error."""
    if isinstance(error, ConfigurationError):
        return WrongUse(str(error))
    if isinstance(error, BillwatchError):
        return Cannot(str(error))
    if isinstance(error, OSError) and error.strerror:
        why = f"{error.strerror[:1].lower()}{error.strerror[1:]}"
        return Cannot(f"{error.filename} cannot be used: {why}." if error.filename else f"{error.strerror}.")
    return Unexpected(f"Something unexpected went wrong ({type(error).__name__}); the details are in {_kept(error)}.")


def _kept(error: Exception) -> str:
    handle, path = tempfile.mkstemp(prefix="billwatch-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    return path
