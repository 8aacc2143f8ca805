"""What the documents say, taken apart: links, code, headings."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def text(page: Path) -> str:
    """The page as it stands."""
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of that language; an empty one stands for blocks that name none."""
    return [code for kind, code in FENCED.findall(text(page)) if kind == language]


def inline(page: Path) -> list[str]:
    """What stands between backticks outside code blocks."""
    return re.findall(r"`([^`\n]+)`", FENCED.sub("", text(page)))


def links(page: Path) -> list[str]:
    """The targets of links and pictures that lead to files of this repository."""
    prose = FENCED.sub("", text(page))
    targets = re.findall(r"\]\(([^)\s]+)\)", prose) + re.findall(r'(?:src|href)="([^"]+)"', prose)
    return [target for target in targets if "://" not in target]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> Iterator[str]:
    """What follows `billwatch ` wherever the page shows a command."""
    code = [block for language in ("", "console", "ini") for block in blocks(page, language)]
    lines = [line for block in code for line in block.replace("\\\n", " ").splitlines()]
    for line in [*lines, *inline(page)]:
        found = re.match(r"(?:\$ |ExecStart=\S*/)?billwatch +([a-z-].*)", line)
        if found:
            yield found[1]
