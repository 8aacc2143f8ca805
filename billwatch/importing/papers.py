"""The documents of a row: links, and files beside the imported file."""

import re
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from billwatch.importing.cells import Unusable, link, listed
from billwatch.papers import allowed, host_of
from reconciler.enclosing import MOST_BYTES, MOST_FILES
from reconciler.model import Document

LONGEST_NAME = 100
# What no file's name has on some system, or what a path in an address would mean something else by.
_UNNAMEABLE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\[\]#%]+')


def documents(folder: Path, hosts: Collection[str] | None) -> Callable[[str], tuple[Document, ...]]:
    """A reader of documents: places separated by spaces, or a JSON list of them where a name has spaces.

    A place is a link, or the path of a file in `folder` or below. Links must lead to `hosts`, unless that is `None`.
    """

    def read(cell: str) -> tuple[Document, ...]:
        found: dict[str, Document] = {}
        for place in listed(cell) or cell.split():
            document = _linked(place, hosts) if "://" in place else _filed(place, folder)
            name = _free(document.name, found)
            found[name.casefold()] = Document(name, document.link, document.file)
        if len(found) > MOST_FILES:
            raise Unusable(f"names {len(found)} documents, but a bill in Xero takes at most {MOST_FILES}")
        return tuple(found.values())

    return read


def _linked(place: str, hosts: Collection[str] | None) -> Document:
    if not place.lower().startswith(("https://", "http://")):
        raise Unusable(f"has {place}, but a link to a document begins with https://")
    if hosts is not None and not allowed(link(place), hosts):
        raise Unusable(
            f"leads to {host_of(place)}, but documents.hosts of the configuration does not list it for https"
        )
    return Document(_name(unquote(PurePosixPath(urlsplit(link(place)).path).name)), link=place)


def _filed(place: str, folder: Path) -> Document:
    """A row comes from outside, so it can name no file elsewhere on this machine."""
    root = folder.resolve()
    path = (root / place).resolve()
    if not path.is_relative_to(root):
        raise Unusable(f"has {place}, which is not in the folder of the imported file")
    if not path.is_file():
        raise Unusable(f"has {place}, but there is no such file beside the imported one")
    if not 0 < path.stat().st_size <= MOST_BYTES:
        raise Unusable(f"has {place}, which is empty or larger than the {MOST_BYTES // 1024**2} MB that Xero takes")
    return Document(_name(path.name), file=str(path))


def _name(text: str) -> str:
    """As a file on a bill can be named; what is cut off is the middle, since its ending says what it is."""
    clean = " ".join(_UNNAMEABLE.sub(" ", text).split()).strip(". ") or "document"
    ending = PurePosixPath(clean).suffix[:10]
    return clean if len(clean) <= LONGEST_NAME else clean[: LONGEST_NAME - len(ending)].rstrip() + ending


def _free(name: str, taken: Collection[str]) -> str:
    """The name, numbered where another document of the row has it already."""
    path, number, free = PurePosixPath(name), 2, name
    while free.casefold() in taken:
        free, number = f"{path.stem}-{number}{path.suffix}", number + 1
    return free
