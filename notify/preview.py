"""Mails as files, to be looked at before anybody gets them."""

import re
from collections.abc import Iterable
from pathlib import Path

from notify.message import Letter


def write(folder: Path, letters: Iterable[Letter]) -> list[Path]:
    """Write each letter as `.txt`, `.html` and `.eml`; returns the files written.

    They are named by place, kind and recipient, such as `01-warning-accounts-example-org.txt`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [path for place, letter in enumerate(letters, 1) for path in _write_one(folder, place, letter)]


def _write_one(folder: Path, place: int, letter: Letter) -> list[Path]:
    name = _name(f"{place:02}-{letter.mail.kind}-{letter.mail.recipient}")
    text, html, whole = (folder / f"{name}.{ending}" for ending in ("txt", "html", "eml"))
    text.write_text(f"Subject: {letter.rendered.subject}\n\n{letter.rendered.text}", encoding="utf-8")
    html.write_text(letter.rendered.html, encoding="utf-8")
    whole.write_bytes(letter.message.as_bytes())
    return [text, html, whole]


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:100]
