"""Secrets that somebody types, or a program hands over."""

import sys

import click

from billwatch.cli.failures import Cannot


def secret(words: str, again: str = "") -> str:
    """What is typed unseen, and typed twice where `again` says how to ask for it; from a pipe, its next line."""
    if sys.stdin.isatty():
        return str(click.prompt(words, hide_input=True, confirmation_prompt=again or False, err=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise Cannot(
            f"{words}: nothing was handed over. Run this on a terminal, or hand it over as a line of the input."
        )
    return line
