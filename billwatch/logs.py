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
    begins: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*begins, *ends],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    _adopt_others([*begins, structlog.stdlib.add_logger_name], ends)


def _adopt_others(begins: list[structlog.typing.Processor], ends: list[structlog.typing.Processor]) -> None:
    """What libraries log has the form of our own lines, so that a reader of the log meets one form only."""
    handler = logging.StreamHandler(sys.stderr)
    without = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=begins, processors=[without, *ends]))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # A turn may take longer than the time to the next look at it; the scheduler would warn each time.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


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
