"""Logs: one line per event, as JSON for machines or coloured for a person, always on stderr."""

import logging
import sys

import structlog


def configure(form: str | None = None, *, verbose: bool = False) -> None:
    """Set up logging once for the process; `form` is `pretty` or `json`, by default what stderr is made for."""
    pretty = form == "pretty" or (form is None and sys.stderr.isatty())
    level = logging.DEBUG if verbose else logging.INFO
    ends: list[structlog.typing.Processor] = [structlog.dev.ConsoleRenderer()]
    if not pretty:
        ends = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *ends,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


def quiet_by_default() -> None:
    """Say nothing but what went wrong, unless logging is set up already."""
    if not structlog.is_configured():
        quiet()


def quiet() -> None:
    """Say nothing but what went wrong: for programs that speak to the terminal themselves."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
