"""What mails say: subject, text and HTML, for every reason that can be mailed."""

import datetime as dt
import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_gallery import gallery
from mail_samples import (
    BILL,
    BOOKS,
    FLAGS,
    HOLDS,
    LINK,
    MILESTONE,
    NO_LINK,
    NOW,
    ORGANISATION,
    alert_flag,
    choice,
    decision,
    flag,
    locked,
    mail,
)
from msgspec.structs import replace

from notify.layout import wrap
from notify.render import PageLink, Rendered, render
from reconciler.model import Decision, Link, Links, Verdict
from reconciler.reasons import Action, Choose, Reason, words
from reconciler.records import MailKind

KEPT = Verdict(Action.SKIP, Reason.APPROVED, Link())
VOID_TAGS = {"meta", "br"}


class Outline(HTMLParser):
    """Tags that must be balanced, links, and the text that a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.seen = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.extend(attrs)
        self.links.extend(value or "" for name, value in attrs if name in ("href", "src"))
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.seen += data.replace("\u00a0", " ") if self.open[-1:] != ["style"] else ""


def outline(html: str) -> Outline:
    made = Outline()
    made.feed(html)
    assert made.open == []
    return made


def one(reason: Reason, link: PageLink = LINK, made: Decision | None = None) -> Rendered:
    made = made or decision(reason)
    return render(mail(flag(made)), [made], ORGANISATION, BOOKS, link, NOW)


def many(decisions: list[Decision], link: PageLink = LINK) -> Rendered:
    flags = [flag(made, number) for number, made in enumerate(decisions, 1)]
    return render(mail(*flags), decisions, ORGANISATION, BOOKS, link, NOW)


def alert(reason: Reason, link: PageLink = LINK) -> Rendered:
    return render(mail(alert_flag(reason), kind=MailKind.ALERT), [], ORGANISATION, BOOKS, link, NOW)


def result(kind: Choose, verdict: Verdict = KEPT, **given: object) -> Rendered:
    warned = decision(Reason.BILL_APPROVED)
    owed = mail(flag(warned), kind=MailKind.RESULT, choice=choice(kind, **given))
    return render(owed, [Decision(warned.case, verdict)], ORGANISATION, BOOKS, NO_LINK, NOW)


def assert_fit_to_send(rendered: Rendered) -> None:
    assert 0 < len(rendered.subject) <= 90
    for part in (rendered.subject, rendered.text, outline(rendered.html).seen):
        assert not re.search(r"[{}\r]|None(?! was)|Decimal|Reason\.|  \.", part)
    for line in rendered.text.splitlines():
        assert line == line.rstrip()
        assert len(line) <= 76 or "http" in line
    assert "\n\n\n" not in rendered.text
    assert rendered.text.endswith("\n")


@pytest.mark.parametrize("link", [LINK, NO_LINK], ids=["with page", "without page"])
@pytest.mark.parametrize("reason", FLAGS)
def test_every_flag_makes_a_mail_about_one_milestone(reason: Reason, link: PageLink) -> None:
    made = one(reason, link)
    assert_fit_to_send(made)
    assert "M-0412" in made.subject
    assert re.search(r"NZ\$|US\$", made.subject)
    for part in (made.text, outline(made.html).seen):
        assert "Example Arts Trust" in part
        assert "If nobody acts" in part


@pytest.mark.parametrize("reason", FLAGS)
def test_every_flag_makes_a_mail_about_several_milestones(reason: Reason) -> None:
    decisions = [decision(reason, replace(MILESTONE, key=f"M-{n}", amount=Decimal(15000 + n))) for n in range(3)]
    made = many(decisions)
    assert_fit_to_send(made)
    assert made.subject.startswith("3 ")
    assert "NZ$" in made.subject
    assert all(f"M-{n}" in made.text and f"M-{n}" in made.html for n in range(3))


@pytest.mark.parametrize("reason", HOLDS)
def test_every_hold_makes_an_alert_that_says_what_to_do(reason: Reason) -> None:
    made = alert(reason)
    assert_fit_to_send(made)
    assert made.subject.startswith("Example Trust: ")
    assert "What to do:" in made.text
    assert "What to do:" in outline(made.html).seen


@pytest.mark.parametrize("kind", list(Choose))
def test_every_choice_makes_a_result_with_who_decided(kind: Choose) -> None:
    made = result(kind, date=dt.date(2026, 7, 1), reason="Agreed", until=dt.date(2026, 9, 30))
    assert_fit_to_send(made)
    for part in (made.text, outline(made.html).seen):
        assert "on 9 July 2026, 10:41" in part
        assert "The bill is approved" in part
        assert "30 September 2026" in part


def test_the_subject_of_a_changed_milestone_asks_which_amount_to_pay() -> None:
    made = one(Reason.BILL_APPROVED)
    assert made.subject == "Example Arts Trust M-0412: pay NZ$12,000.00 or NZ$15,000.00?"


def test_amounts_stand_side_by_side_with_their_difference() -> None:
    text = one(Reason.BILL_APPROVED).text
    assert re.search(r"Amount +NZ\$15,000\.00 +NZ\$12,000\.00 +differs", text)
    assert re.search(r"Difference +\+NZ\$3,000\.00", text)
    assert re.search(r"State +approved, unpaid", text)


def test_a_smaller_milestone_has_a_negative_difference() -> None:
    made = decision(Reason.BILL_APPROVED, replace(MILESTONE, amount=Decimal("11500.50")))
    assert re.search(r"Difference +-NZ\$499\.50", one(Reason.BILL_APPROVED, made=made).text)


def test_a_voided_bill_does_not_count_as_a_difference() -> None:
    assert "Difference" not in one(Reason.BILL_VOIDED).text


def test_the_same_money_is_not_asked_about_twice() -> None:
    made = decision(Reason.BILL_APPROVED, replace(MILESTONE, amount=BILL.total))
    assert one(Reason.BILL_APPROVED, made=made).subject == (
        "Example Arts Trust M-0412: changed after NZ$12,000.00 was approved"
    )


def test_a_lock_that_hits_many_milestones_is_one_mail_with_the_sum_and_the_ten_largest() -> None:
    made = many(locked(14))
    assert made.subject == "14 bills blocked by the lock to 30 June 2026 (NZ$186,400.00)"
    shown = re.findall(r"M-04\d\d", made.text)
    assert shown == [f"M-0{n}" for n in range(433, 443)]
    assert "and 4 more, on the same page." in made.text
    assert "Earliest payment due: 17 July 2026" in made.text
    assert made.text.count(LINK.url) == 1


def test_several_causes_make_one_section_each() -> None:
    others = [decision(reason, replace(MILESTONE, key=reason)) for reason in (Reason.BILL_VOIDED, Reason.REFUSED)]
    made = many([*locked(3), *others])
    assert made.subject == "5 milestones need a decision (NZ$130,500.00)"
    assert outline(made.html).seen.count("Payee and milestone") == 3


def test_different_currencies_are_not_added_up() -> None:
    euros = decision(Reason.REFUSED, replace(MILESTONE, key="M-2", currency="EUR"))
    assert "NZ$15,000.00 + €15,000.00" in many([decision(Reason.REFUSED), euros]).text


def test_with_a_page_there_is_a_link_and_no_command() -> None:
    made = one(Reason.BILL_APPROVED)
    assert LINK.url in made.text
    assert LINK.url in outline(made.html).links
    assert "It works until 8 August 2026, 10:42." in made.text
    assert "billwatch resync" not in made.text + made.html


def test_without_a_page_there_are_commands_and_no_link() -> None:
    made = one(Reason.BILL_APPROVED, NO_LINK)
    for command in ("explain M-0412", "resync M-0412", 'exempt M-0412 --reason "…"'):
        assert f"billwatch {command}" in made.text
        assert f"billwatch {command}" in outline(made.html).seen
    assert "Opening the link" not in made.text + made.html


def test_a_key_is_quoted_for_the_shell() -> None:
    made = decision(Reason.REFUSED, replace(MILESTONE, key="M 1; rm -rf $HOME"))
    assert "billwatch resync 'M 1; rm -rf $HOME'" in one(Reason.REFUSED, NO_LINK, made).text


@pytest.mark.parametrize("reason", FLAGS)
def test_nothing_to_click_is_said_only_where_the_reason_heals_itself(reason: Reason) -> None:
    assert ("nothing to click" in " ".join(one(reason).text.split())) == ("nothing to click" in words(reason).todo)


def test_milestone_application_contract_and_bill_are_linked() -> None:
    made = one(Reason.BILL_APPROVED)
    for url in (*vars_of(MILESTONE.links), f"InvoiceID={BILL.bill_id}"):
        assert url in made.text
        assert any(url in link for link in outline(made.html).links)


def test_each_duplicate_is_listed_and_linked() -> None:
    made = one(Reason.DUPLICATE_BILL)
    assert all(f"INV-{n}" in made.text and f"InvoiceID=b-{n}" in made.text for n in (1, 2))


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        'https://a.example/"onclick=',
        "https://a.example/a b",
        "//x",
        "https://[",
        "https://é.example",
    ],
)
def test_a_link_that_is_no_plain_web_address_is_left_out(url: str) -> None:
    made = one(Reason.REFUSED, made=decision(Reason.REFUSED, replace(MILESTONE, links=Links(url))))
    assert "Milestone:" not in made.text
    assert outline(made.html).links == [LINK.url]


def test_the_page_and_the_mail_use_nothing_from_elsewhere() -> None:
    html = one(Reason.BILL_APPROVED).html
    assert not re.search(r"<(img|script|link|iframe|object)\b|url\(|@import|src=", html)
    assert 'name="color-scheme" content="light dark"' in html
    assert "prefers-color-scheme: dark" in html


def test_tables_have_headers_for_columns_and_rows() -> None:
    attributes = outline(one(Reason.BILL_APPROVED).html).attributes
    assert ("scope", "col") in attributes
    assert ("scope", "row") in attributes


def test_the_others_who_are_asked_are_named_but_not_the_reader() -> None:
    made = decision(Reason.BILL_APPROVED)
    owed = replace(mail(flag(made)), also=("treasurer@example.org",))
    written = render(owed, [made], ORGANISATION, BOOKS, LINK, NOW)
    assert "Also sent to: treasurer@example.org" in written.text
    assert "accounts@example.org" not in written.text


def test_a_result_that_leaves_a_flag_open_does_not_say_that_all_is_done() -> None:
    assert "nothing left to click" in result(Choose.KEEP).text
    assert "nothing left to click" not in result(Choose.RESYNC, decision(Reason.BILL_APPROVED).verdict).text


def test_the_result_of_keeping_names_what_xero_has() -> None:
    assert result(Choose.KEEP).subject == (
        "Example Arts Trust M-0412: Kim Example decided: keep what Xero has (NZ$12,000.00)"
    )


def test_a_choice_about_the_whole_organisation_is_reported_without_milestones() -> None:
    owed = mail(alert_flag(Reason.CAP_REACHED), kind=MailKind.RESULT, choice=choice(Choose.GO_AHEAD))
    made = render(owed, [], ORGANISATION, BOOKS, NO_LINK, NOW)
    assert_fit_to_send(made)
    assert made.subject == "Example Trust: Kim Example decided: go ahead"


def test_a_warning_whose_milestones_are_all_unknown_is_refused() -> None:
    with pytest.raises(ValueError, match="none of them stands"):
        render(mail(flag(decision(Reason.REFUSED))), [], ORGANISATION, BOOKS, LINK, NOW)


def test_a_flag_speaks_by_the_verdict_that_raised_it() -> None:
    raised = decision(Reason.BILL_APPROVED)
    made = render(mail(flag(raised)), [Decision(raised.case, KEPT)], ORGANISATION, BOOKS, LINK, NOW)
    assert "The milestone changed after its bill was approved." in made.text


def vars_of(links: Links) -> tuple[str, ...]:
    return links.milestone, links.application, links.contract


@pytest.mark.parametrize(("name", "made"), list(gallery()), ids=[name for name, _ in gallery()])
def test_every_kind_of_mail_is_fit_to_send_in_both_parts(name: str, made: Rendered) -> None:
    if name != "hostile-names":  # a name that looks like markup is told as it is
        assert_fit_to_send(made)
    assert made.subject == made.subject.strip()
    assert len(made.subject) <= 90
    assert not re.search(r"<(?:img|link|script)\b|url\(|@import", made.html)


@pytest.mark.parametrize(("name", "made"), list(gallery()), ids=[name for name, _ in gallery()])
def test_no_line_ends_within_an_amount_a_date_or_an_address(name: str, made: Rendered) -> None:
    for line, following in zip(made.text.splitlines(), made.text.splitlines()[1:], strict=False):
        assert not re.search(r"(?:NZ\$|A\$|[A-Z]{3} )$", line)
        assert not re.search(r"\b\d{1,2}$", line) or not re.match(r"\s*(?:January|June|July|August)\b", following)
    for link in re.findall(r"https?://\S+", made.text):
        assert link.count("://") == 1


def test_what_is_overdue_is_said_to_be() -> None:
    late = dict(gallery())["warning-one-overdue"].text
    assert "stays unpaid, overdue since 1 July 2026" in re.sub(r"\s+", " ", late)
    assert "falls due" not in late
    old = [
        replace(one, case=replace(one.case, milestone=replace(one.case.milestone, due_date=day)))
        for one, day in zip(locked(3), (dt.date(2026, 7, 1), dt.date(2026, 7, 2), dt.date(2026, 8, 1)), strict=True)
    ]
    assert "Payment of 2 of 3 is overdue, the first since 1 July 2026." in many(old).text


def test_a_group_names_the_bill_in_xero_of_every_milestone_that_it_lists() -> None:
    made = dict(gallery())["warning-several-causes"]
    assert made.text.count("Bill in Xero: https://go.xero.com/") == 3
    assert outline(made.html).seen.count("Bill in Xero") == 3


@given(st.text(max_size=300), st.integers(0, 4))
def test_wrapped_text_loses_nothing_but_line_breaks(text: str, indent: int) -> None:
    plain = " ".join(text.split())
    assert " ".join(wrap(plain, indent).split()) == plain


@given(st.integers(0, 80), st.sampled_from(("30 June 2026", "9 July 2026, 10:42 UTC", "CHF 1,234,567.00", "3 Jul")))
def test_a_date_or_an_amount_stays_on_one_line_wherever_it_falls(before: int, value: str) -> None:
    assert value in wrap(f"{'x' * before} {value} and more words after it that fill the line")
