"""Files on a bill: listed, uploaded, replaced by name, ten at most, and only with the scope for it."""

import pytest

from billwatch.sandbox import Org, Sandbox

from .conftest import Api, a_bill

PDF = {"Content-Type": "application/pdf"}


@pytest.fixture
def files(api: Api) -> str:
    """The path of a new bill's attachments."""
    (made,) = api.write("/Invoices", a_bill(), method="PUT")
    return f"/Invoices/{made['InvoiceID']}/Attachments"


def names(api: Api, files: str) -> list[str]:
    return [one["FileName"] for one in api.get(files).json()["Attachments"]]


def test_a_file_is_kept_listed_and_given_back_and_the_bill_says_that_it_has_one(api: Api, files: str) -> None:
    bill = files.removesuffix("/Attachments")
    before = api.get(bill).json()["Invoices"][0]
    answer = api.call("PUT", f"{files}/final%20report%20%C3%A9.pdf", b"%PDF-1.7", headers=PDF)
    (shown,) = answer.json()["Attachments"]
    assert (shown["FileName"], shown["MimeType"], shown["ContentLength"]) == (
        "final report é.pdf",
        "application/pdf",
        8,
    )
    assert names(api, files) == ["final report é.pdf"]
    given = api.get(f"{files}/{shown['AttachmentID']}")
    assert (given.content, given.headers["content-type"]) == (b"%PDF-1.7", "application/pdf")
    after = api.get(bill).json()["Invoices"][0]
    assert (before["HasAttachments"], after["HasAttachments"]) == (False, True)
    assert after["UpdatedDateUTC"] != before["UpdatedDateUTC"]


def test_the_same_name_again_replaces_the_file(api: Api, files: str) -> None:
    for content in (b"old", b"newer"):
        api.call("PUT", f"{files}/a.pdf", content, headers=PDF)
    assert names(api, files) == ["a.pdf"]
    assert api.get(f"{files}/a.pdf").content == b"newer"


def test_a_bill_takes_ten_files_and_nothing_empty_or_too_large(api: Api, files: str) -> None:
    assert api.call("PUT", f"{files}/empty.pdf", b"").status_code == 400
    assert api.call("PUT", f"{files}/large.pdf", bytes(25 * 1024 * 1024 + 1)).status_code == 413
    answers = [api.call("PUT", f"{files}/{number}.pdf", b"x").status_code for number in range(11)]
    assert answers == [200] * 10 + [400]
    assert len(names(api, files)) == 10


def test_what_does_not_exist_is_not_found(api: Api, files: str) -> None:
    assert api.get(f"{files}/none.pdf").status_code == 404
    assert api.call("PUT", "/Invoices/00000000-0000-4000-8000-000000000000/Attachments/a.pdf", b"x").status_code == 404


def test_files_need_their_own_scope(xero: Sandbox, api: Api, files: str, org: Org) -> None:
    token = xero.tokens("accounting.invoices accounting.attachments.read")["access_token"]
    poor = Api(api.http, org, token)
    assert poor.get(files).status_code == 200
    assert poor.call("PUT", f"{files}/a.pdf", b"x").status_code == 403
