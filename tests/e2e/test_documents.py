"""Documents of milestones on their bills: once each, beside the sync, and only from where they may come."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from world import KEY

from reconciler.model import Document
from reconciler.reasons import Reason
from reconciler.records import Enclosed

FILES = "/Invoices/{invoice}/Attachments"
PDF = b"%PDF-1.7 a report"


@dataclass
class Host:
    """A grants platform that hands out files; `answers` maps a path to status, headers and body."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.port}"

    def link(self, path: str) -> str:
        return f"http://{self.name}{path}"

    def has(self, path: str, body: bytes = PDF, status: int = 200, **headers: str) -> str:
        shown = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = (status, {"Content-Type": "application/pdf"} | shown, body)
        return self.link(path)


@pytest.fixture
def host() -> Iterator[Host]:
    shown = Host()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown.asked.append(self.path)
            status, headers, body = shown.answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shown.port = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield shown
        server.shutdown()


def settings(hosts: str, mode: str = "sync", *, attach: str = "true") -> str:
    return f'mode = "{mode}"\ndocuments = {{ attach = {attach}, hosts = ["{hosts}"] }}'


@pytest.fixture
def made(make_world: Callable[..., Any], host: Host) -> Any:
    """A world that attaches documents, swept once, whose M-1 has one document that the host has."""
    world = make_world(organisation=settings(host.name))
    world.sweep()
    world.put(documents=(Document("report.pdf", host.has("/report.pdf")),))
    return world


def attach(world: Any) -> None:
    world.house.clerks[KEY].work()


def files(world: Any, key: str = "M-1") -> dict[str, bytes]:
    held = world.org.books.attachments.get(world.bill(key).bill_id, {})
    return {name: one.content for name, one in held.items()}


def uploads(world: Any) -> int:
    return int(world.xero.calls(f"{FILES}/{{name}}", method="PUT"))


def stands(world: Any, key: str = "M-1") -> list[Enclosed]:
    return list(world.house.ledger.enclosures.of(KEY, key))


def test_a_document_is_on_the_bill_once_and_the_bill_does_not_wait_for_it(made: Any) -> None:
    made.turn()
    assert (made.reason(), files(made)) == (Reason.AWAITING_APPROVAL, {})
    attach(made)
    assert files(made) == {"report.pdf": PDF}
    for _ in range(3):
        made.xero.advance(hours=30)
        made.sweep()
        attach(made)
    assert (uploads(made), made.xero.calls(FILES), made.reason()) == (1, 1, Reason.AWAITING_APPROVAL)


def test_documents_that_come_later_or_lie_in_files_are_attached_too(made: Any, host: Host, tmp_path: Path) -> None:
    made.turn()
    attach(made)
    paper = tmp_path / "letter.txt"
    paper.write_bytes(b"Dear all")
    first = made.standing().case.milestone.documents
    made.put(documents=(*first, Document("letter.txt", file=str(paper)), Document("minutes", host.has("/m"))))
    made.turn()
    attach(made)
    assert files(made) == {"report.pdf": PDF, "letter.txt": b"Dear all", "minutes.pdf": PDF}
    assert made.writes() == 1


def test_what_is_on_the_bill_under_that_name_is_never_replaced(made: Any) -> None:
    made.turn()
    made.org.attach("M-1", "Report.pdf", b"by hand")
    attach(made)
    assert (files(made), uploads(made)) == ({"Report.pdf": b"by hand"}, 0)
    assert [one.attached for one in stands(made)] == [True]


@pytest.mark.parametrize("fault", [{"cut": "after"}, {"cut": "before"}, {"status": 500}, {"status": 503}])
def test_whatever_becomes_of_an_upload_the_document_is_there_once(made: Any, fault: dict[str, Any]) -> None:
    made.turn()
    made.xero.fault(**fault, times=1, path="report.pdf")
    attach(made)
    attach(made)
    assert uploads(made) <= 1
    made.xero.advance(minutes=8)
    attach(made)
    assert files(made) == {"report.pdf": PDF}
    notes = [note.changes for note in made.org.books.history[made.bill().bill_id]]
    assert notes.count("Attached a file") == 1


def test_nothing_is_attached_while_watching_or_paused_or_when_the_day_is_nearly_used_up(made: Any, host: Host) -> None:
    made.turn()
    made.pause()
    attach(made)
    made.pause(None)
    made.xero.limits(on=True, day=200)
    made.turn()
    made.sweep()
    attach(made)
    assert (files(made), host.asked) == ({}, [])
    made.xero.limits(on=False, day=5_000)
    made.sweep()
    attach(made)
    assert files(made) == {"report.pdf": PDF}


def test_without_the_setting_nothing_is_fetched(make_world: Callable[..., Any], host: Host) -> None:
    world = make_world(organisation=settings(host.name, attach="false"))
    world.sweep()
    world.put(documents=(Document("report.pdf", host.has("/report.pdf")),))
    world.turn()
    assert (world.house.clerks, host.asked, world.reason()) == ({}, [], Reason.AWAITING_APPROVAL)


def test_a_bill_that_differs_from_its_milestone_gets_nothing(made: Any, host: Host) -> None:
    made.org.add_bill(number="M-1", contact="Payee of M-1", total="7.00", status="AUTHORISED")
    made.sweep()
    attach(made)
    assert (made.reason(), host.asked) == (Reason.LINK_DIFFERS, [])


class TestLinks:
    """A link comes from outside, and is followed only to where the configuration allows."""

    def trouble(self, world: Any) -> str:
        world.turn()
        attach(world)
        assert files(world) == {}
        (one,) = stands(world)
        assert (one.attached, one.tries) == (False, 1)
        return one.trouble

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            ({"status": 404}, "127.0.0.1 answers 404 instead of the document."),
            ({"body": b""}, "It is empty."),
            ({"Content_Type": "text/html; charset=utf-8"}, "answers with a web page, such as a login"),
            ({"body": bytes(25 * 1024 * 1024 + 1)}, "It is larger than the 25 MB that Xero takes."),
            ({"status": 302, "Location": "https://elsewhere.example.org/x"}, "The link leads to elsewhere.example.org"),
            ({"status": 302, "Location": "/report.pdf"}, "redirects more than 3 times."),
        ],
    )
    def test_what_is_not_the_document_is_not_attached(
        self, made: Any, host: Host, answer: dict[str, Any], said: str
    ) -> None:
        host.has("/report.pdf", **answer)
        assert said in self.trouble(made)

    @pytest.mark.parametrize(
        "link",
        [
            *("https://example.org/report.pdf", "http://169.254.169.254/latest", "https://127.0.0.1/report.pdf"),
            *("http://127.0.0.1@example.org/x", "file:///etc/passwd", "http://[::1]/x", "https://"),
        ],
    )
    def test_a_host_that_is_not_listed_is_not_asked(self, made: Any, link: str) -> None:
        made.put(documents=(Document("report.pdf", link),))
        assert "which documents.hosts does not list for https." in self.trouble(made)

    def test_a_redirect_on_a_listed_host_is_followed(self, made: Any, host: Host) -> None:
        host.has("/report.pdf", status=302, Location="/real.pdf")
        host.has("/real.pdf", b"real")
        made.turn()
        attach(made)
        assert files(made) == {"report.pdf": b"real"}

    def test_a_failure_is_tried_again_ever_more_rarely_and_a_new_link_at_once(self, made: Any, host: Host) -> None:
        host.has("/report.pdf", status=503)
        self.trouble(made)
        for minutes, asked in ((6, 1), (2, 2), (10, 2), (6, 3), (61, 4)):
            made.xero.advance(minutes=minutes)
            attach(made)
            assert len(host.asked) == asked
        assert made.house.ledger.enclosures.troubled(KEY) == ["M-1"]
        made.put(documents=(Document("report.pdf", host.has("/other.pdf", b"other")),))
        made.sweep()
        attach(made)
        assert files(made) == {"report.pdf": b"other"}
        assert made.house.ledger.enclosures.troubled(KEY) == []

    def test_a_document_that_was_taken_back_is_forgotten(self, made: Any, host: Host) -> None:
        host.has("/report.pdf", status=503)
        self.trouble(made)
        made.put(documents=())
        made.xero.advance(hours=1)
        attach(made)
        assert (stands(made), len(host.asked)) == ([], 1)


def test_a_full_bill_and_a_refused_file_say_so(made: Any, host: Host) -> None:
    made.turn()
    for number in range(10):
        made.org.attach("M-1", f"{number}.pdf", b"x")
    attach(made)
    assert stands(made)[0].trouble == "The bill has 10 files already, and Xero takes no more than 10."
    assert uploads(made) == 0


def test_a_connection_without_the_scope_goes_on_billing(made: Any) -> None:
    made.turn()
    made.xero.fault(status=403, kind="scope", times=1, path="Attachments")
    attach(made)
    made.sweep()
    assert (made.reason(), stands(made)[0].attached) == (Reason.AWAITING_APPROVAL, False)
