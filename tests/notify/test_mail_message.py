"""The envelope: headers that machines rely on, and both parts."""

import dataclasses
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from mail_samples import BOOKS, LINK, NOW, ORGANISATION, decision, flag, mail
from msgspec.structs import replace

from notify.message import BadAddress, Letter, compose
from notify.preview import write
from notify.render import render
from reconciler.organisation import Organisation
from reconciler.people import Person
from reconciler.reasons import Reason, Role
from reconciler.records import Mail

SENDER = "billwatch@example.org"
MADE = decision(Reason.BILL_APPROVED)
MAIL = mail(flag(MADE))
RENDERED = render(MAIL, [MADE], ORGANISATION, BOOKS, LINK, NOW)


def letter(owed: Mail = MAIL, organisation: Organisation = ORGANISATION, sender: str = SENDER) -> Letter:
    return compose(owed, RENDERED, organisation, sender, NOW)


def received(made: Letter) -> EmailMessage:
    message = message_from_bytes(made.message.as_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_the_headers_say_who_what_and_that_no_answer_is_awaited() -> None:
    message = received(letter())
    assert message["From"] == "billwatch for Example Trust <billwatch@example.org>"
    assert message["To"] == "accounts@example.org"
    assert message["Reply-To"] == "grants@example.org"
    assert message["Subject"] == RENDERED.subject
    assert message["Message-ID"] == MAIL.message_id
    assert message["Date"].datetime == NOW.replace(microsecond=0)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "<example.billwatch.example.org>"


def test_text_comes_before_html_and_both_arrive_as_written() -> None:
    message = received(letter())
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == RENDERED.text
    assert html.get_content_type() == "text/html"
    assert html.get_content().replace("\r\n", "\n").strip() == RENDERED.html.strip()


def test_lines_on_the_wire_are_ascii_and_far_below_the_limit_of_998() -> None:
    raw = letter().message.as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 200


def test_a_subject_of_seventy_characters_stays_on_the_line_of_its_header() -> None:
    subject = "3 drafts cannot be approved, locked to 31 October 2026 (NZ$100,500.00)"
    written = compose(MAIL, dataclasses.replace(RENDERED, subject=subject), ORGANISATION, SENDER, NOW)
    assert f"Subject: {subject}\r\n".encode() in written.message.as_bytes()


def test_a_reply_goes_to_a_person_of_the_other_team_unless_the_settings_name_one() -> None:
    assert received(letter())["Reply-To"] == "grants@example.org"
    grants = Person("grants@example.org", "Gail Example")
    known = replace(ORGANISATION, reply_to="", persons=(grants,))
    assert received(letter(organisation=known))["Reply-To"] == "Gail Example <grants@example.org>"


def test_without_anybody_else_there_is_nobody_to_reply_to() -> None:
    alone = replace(ORGANISATION, reply_to="", people={Role.ACCOUNTING: (MAIL.recipient,)})
    assert received(letter(organisation=alone))["Reply-To"] is None


def test_a_mail_joins_the_conversation_of_the_ones_before_it() -> None:
    first = received(letter())
    assert (first["References"], first["In-Reply-To"]) == (None, None)
    before = tuple(f"<{n}@billwatch.example.org>" for n in range(20))
    written = compose(replace(MAIL, earlier=before), RENDERED, ORGANISATION, SENDER, NOW)
    later = received(written)
    assert later["In-Reply-To"] == before[-1]
    assert str(later["References"]).split() == [before[0], *before[-10:]]


def test_a_long_message_id_stays_whole() -> None:
    long = f"<{'a' * 120}@billwatch.example.org>"
    assert received(letter(replace(MAIL, message_id=long)))["Message-ID"] == long


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b\r\nBcc: c@d", "a b@example.org", "<a@example.org>", "a@b@c", "@x", "x@", "a@b,c@d"]
)
def test_what_is_no_address_is_refused_by_name(address: str) -> None:
    with pytest.raises(BadAddress, match="is not a mail address"):
        letter(replace(MAIL, recipient=address))
    with pytest.raises(BadAddress, match="is not a mail address"):
        letter(sender=address)


def test_a_preview_writes_each_mail_in_three_forms(tmp_path: Path) -> None:
    paths = write(tmp_path / "mails", [letter()])
    assert [path.name for path in paths] == [
        f"01-warning-accounts-example-org.{ending}" for ending in ("txt", "html", "eml")
    ]
    assert paths[0].read_text(encoding="utf-8").startswith(f"Subject: {RENDERED.subject}\n\n")
    assert paths[1].read_text(encoding="utf-8") == RENDERED.html
    assert message_from_bytes(paths[2].read_bytes())["Message-ID"] == MAIL.message_id
