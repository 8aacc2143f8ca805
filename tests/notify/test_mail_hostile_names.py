"""Names from outside cannot break the layout, inject markup or headers, or reorder their neighbours."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st
from mail_samples import BILL, BOOKS, LINK, MILESTONE, NOW, ORGANISATION, decision, flag, locked, mail
from msgspec.structs import replace
from test_mail_render import assert_fit_to_send, outline

from notify import clean
from notify.message import compose
from notify.render import Rendered, render
from reconciler.model import Decision
from reconciler.reasons import Reason

SHALOM = "\u05e9\u05dc\u05d5\u05dd"
PIECES = st.sampled_from(
    [
        "<b>",
        "</table>",
        "\r\nBcc: x@example.org",
        "\n",
        "{amount}",
        "{{ v }}",
        SHALOM,
        "\u202e",
        "\u2066",
        "&",
        '"',
        "é",
        "\x00",
        "😀",
        "\ud800",
    ]
)
HOSTILE = st.lists(st.one_of(st.text(max_size=40), PIECES), min_size=1, max_size=12).map("".join)


def named(name: str, reason: Reason = Reason.BILL_APPROVED) -> tuple[Rendered, Decision]:
    plain = decision(reason, replace(MILESTONE, payee=name, title=name, key="M-1"))
    bill = replace(BILL, number=name, contact_name=name)
    made = Decision(replace(plain.case, bill=bill), replace(plain.verdict, message=name))
    return render(mail(flag(made)), [made], replace(ORGANISATION, name=name), BOOKS, LINK, NOW), made


@settings(max_examples=150, deadline=None)
@given(HOSTILE)
def test_no_name_breaks_text_html_or_headers(name: str) -> None:
    made, _ = named(name)
    ours, _ = named("Example")
    assert [a for a, _ in outline(made.html).attributes] == [a for a, _ in outline(ours.html).attributes]
    message = compose(
        mail(flag(decision(Reason.REFUSED))), made, replace(ORGANISATION, name=name), "b@example.org", NOW
    ).message
    assert set(message.keys()) == {
        "From",
        "To",
        "Reply-To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "List-Id",
        "MIME-Version",
        "Content-Type",
    }
    assert b"\nBcc" not in message.as_bytes().partition(b"\r\n\r\n")[0]
    assert len(made.subject) <= 90
    assert not any(unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs") for c in made.subject)
    assert all(line == line.rstrip() for line in made.text.splitlines())


@given(HOSTILE)
def test_a_cleaned_line_is_one_line_and_cleaning_it_again_changes_nothing(name: str) -> None:
    line = clean.plain(name)
    assert line == clean.plain(line)
    assert line.isprintable() or any(j in line for j in clean.JOINERS)
    assert len(line) <= clean.LONGEST


@given(st.text(max_size=300))
def test_isolates_are_closed_in_every_subject(name: str) -> None:
    subject = named(f"{SHALOM} {name}")[0].subject
    assert subject.count(clean.ISOLATE) == subject.count(clean.POP)


def test_right_to_left_names_are_isolated_and_others_are_not() -> None:
    assert f"\u2068{SHALOM}\u2069" in named(SHALOM)[0].text
    assert "\u2068" not in named("Example Arts Trust")[0].text
    assert f"<bdi>\u2068{SHALOM}\u2069</bdi>" in named(SHALOM)[0].html


def test_markup_in_a_name_is_shown_as_it_is_written() -> None:
    made, _ = named("<b>Bold</b> & Co")
    assert "<b>" not in made.html
    assert "<b>Bold</b> & Co" in made.text
    assert "<b>Bold</b> & Co" in outline(made.html).seen


def test_braces_in_a_name_are_not_filled_in() -> None:
    assert named("{amount} {{ v }}")[0].subject.startswith("{amount} {{ v }} M-1: pay NZ$12,000.00")


def test_a_long_name_gives_way_to_key_and_money_in_the_subject() -> None:
    subject = named("Otterburn Community Gardens " * 9)[0].subject
    assert subject.endswith("… M-1: pay NZ$12,000.00 or NZ$15,000.00?")


def test_a_word_that_fits_no_column_keeps_the_text_within_its_width() -> None:
    decisions = [
        replace(d, case=replace(d.case, milestone=replace(d.case.milestone, payee="x" * 300))) for d in locked(2)
    ]
    flags = [flag(made, number) for number, made in enumerate(decisions)]
    assert_fit_to_send(render(mail(*flags), decisions, ORGANISATION, BOOKS, LINK, NOW))


def test_a_payee_that_xero_does_not_know_is_named_without_its_mark() -> None:
    made = decision(Reason.BILL_APPROVED)
    verdict = replace(made.verdict, ours=replace(made.verdict.ours, contact=f"new:{SHALOM}"))  # type: ignore[type-var]
    assert clean.scrub(verdict).ours.contact == f"new:\u2068{SHALOM}\u2069"  # type: ignore[union-attr]
