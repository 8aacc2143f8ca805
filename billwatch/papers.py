"""Fetching the documents of milestones: from files, and from links to hosts that the configuration names.

A link comes from outside, so it could lead anywhere. It is followed over https alone, and only to a host that is
listed by its exact name, redirects included; https proves that it is that host which answers. A host that is listed on
purpose may have a private address. Plain http is for this very machine.
"""

import datetime as dt
import mimetypes
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx

from reconciler.enclosing import MOST_BYTES
from reconciler.errors import Unobtainable
from reconciler.model import Document
from reconciler.ports import Clock
from reconciler.unreached import why
from reconciler.xero_port import Paper

SILENCE_SECONDS = 10.0
LONGEST = dt.timedelta(seconds=60)
REDIRECTS = 3
LOCAL = ("localhost", "127.0.0.1")
UNKNOWN = "application/octet-stream"


class Papers:
    """`reconciler.enclosing.Papers`; `hosts` are names, with a port where it is not the usual one."""

    def __init__(self, hosts: Collection[str], clock: Clock) -> None:
        self._hosts, self._clock = frozenset(hosts), clock

    def fetch(self, document: Document) -> Paper:
        """The document itself, of at most 25 MB; raises `Unobtainable`."""
        return _read(document) if document.file else self._download(document)

    def _download(self, document: Document) -> Paper:
        try:
            with httpx.Client(timeout=SILENCE_SECONDS, headers=HEADERS, mounts=dict.fromkeys(DIRECT)) as client:
                return self._follow(document, client)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            fault = f"{host_of(document.link)} could not be reached: {why(error)}."
        raise Unobtainable(fault)

    def _follow(self, document: Document, client: httpx.Client) -> Paper:
        link, deadline = document.link, self._clock() + LONGEST
        for _ in range(REDIRECTS + 1):
            if not allowed(link, self._hosts):
                raise Unobtainable(f"The link leads to {host_of(link)}, which documents.hosts does not list for https.")
            with client.stream("GET", link) as response:
                if not response.has_redirect_location:
                    return self._received(document, response, deadline)
                link = urljoin(link, response.headers["location"])
        raise Unobtainable(f"{host_of(link)} redirects more than {REDIRECTS} times.")

    def _received(self, document: Document, response: httpx.Response, deadline: dt.datetime) -> Paper:
        host, media = response.url.host, response.headers.get("content-type", UNKNOWN)
        if response.status_code != httpx.codes.OK:
            raise Unobtainable(f"{host} answers {response.status_code} instead of the document.")
        kind = media.partition(";")[0].strip().lower()
        if kind == "text/html" and Path(document.name).suffix.lower() not in (".html", ".htm"):
            raise Unobtainable(f"{host} answers with a web page, such as a login, instead of the document.")
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if self._clock() > deadline:
                raise Unobtainable(f"{host} took longer than {LONGEST.total_seconds():.0f} s to send the document.")
            _check(len(content))
        return _paper(document, kind, bytes(content))


HEADERS = {"Accept-Encoding": "identity", "User-Agent": "billwatch"}
# A proxy named in the environment cannot reach this very machine.
DIRECT = tuple(f"all://{name}" for name in LOCAL)


def host_of(link: str) -> str:
    """The host of a link, with its port where it is not the usual one; empty when there is none."""
    try:
        place = urlsplit(link)
    except ValueError:
        return ""
    usual = {"https": ":443", "http": ":80"}.get(place.scheme, "")
    return place.netloc.lower().removesuffix(usual) if usual else ""


def allowed(link: str, hosts: Collection[str]) -> bool:
    """Whether a link may be followed."""
    host = host_of(link)
    local = host.partition(":")[0] in LOCAL
    return host in hosts and (link.lower().startswith("https:") or local)


def _read(document: Document) -> Paper:
    path = Path(document.file)
    try:
        _check(path.stat().st_size)
        content = path.read_bytes()
    except OSError as error:
        raise Unobtainable(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    return _paper(document, mimetypes.guess_type(document.name)[0] or UNKNOWN, content)


def _check(size: int) -> None:
    if size > MOST_BYTES:
        raise Unobtainable(f"It is larger than the {MOST_BYTES // 1024**2} MB that Xero takes.")


def _paper(document: Document, media: str, content: bytes) -> Paper:
    """A name without an ending gets that of its content, by which Xero shows it."""
    if not content:
        raise Unobtainable("It is empty.")
    ending = "" if Path(document.name).suffix else mimetypes.guess_extension(media) or ""
    return Paper(document.name + ending, media, content)
