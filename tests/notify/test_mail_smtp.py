"""The mail server over real sockets: what it accepts, and what its refusals mean."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from mail_doubles import Inbox, MailServer
from test_mail_message import letter

from notify.smtp import Deferred, MailError, Security, Server, Undeliverable, Unreachable

Start = Callable[..., MailServer]
TO = "accounts@example.org"
PASSWORD = "correct horse battery"


def plain(server: MailServer) -> Server:
    return Server("127.0.0.1", server.port, Security.NONE, timeout=5)


def secured(server: MailServer, certificate: Path, password: str = PASSWORD) -> Server:
    return Server("127.0.0.1", server.port, Security.STARTTLS, "billwatch", password, 5, str(certificate))


def refusal(server: Server, recipient: str = TO) -> MailError:
    with pytest.raises(MailError) as caught:
        server.send(letter().message, recipient)
    return caught.value


def test_a_mail_that_is_accepted_has_arrived_whole(inbox: Inbox, mail_server: Start) -> None:
    plain(mail_server()).send(letter().message, TO)
    assert inbox.recipients == [TO]
    assert inbox.messages[0]["Subject"] == letter().rendered.subject


def test_several_mails_share_one_connection(inbox: Inbox, mail_server: Start) -> None:
    with plain(mail_server()).connected() as connection:
        for _ in range(3):
            connection.send(letter().message, TO)
    assert (len(inbox.messages), inbox.connections) == (3, 1)


def test_starttls_and_login_protect_the_mail(
    inbox: Inbox, mail_server: Start, tls: ssl.SSLContext, certificate: Path
) -> None:
    secured(mail_server(tls=tls, password=PASSWORD), certificate).send(letter().message, TO)
    assert len(inbox.messages) == 1


def test_a_wrong_password_is_temporary_and_never_shown(
    mail_server: Start, tls: ssl.SSLContext, certificate: Path
) -> None:
    server = secured(mail_server(tls=tls, password=PASSWORD), certificate, "wrong horse")
    error = refusal(server)
    assert isinstance(error, Unreachable)
    assert str(error).endswith("did not accept user name and password (answer 535).")
    assert "wrong horse" not in f"{error!r} {error.__cause__!r} {server!r}"


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    inbox: Inbox, mail_server: Start, tls: ssl.SSLContext
) -> None:
    server = Server("127.0.0.1", mail_server(tls=tls).port, timeout=5)
    assert "a certificate that is not trusted" in str(refusal(server))
    assert inbox.messages == []


def test_a_server_without_starttls_gets_no_mail_in_the_clear(inbox: Inbox, mail_server: Start) -> None:
    server = Server("127.0.0.1", mail_server().port, Security.STARTTLS, timeout=5)
    assert str(refusal(server)).count('does not offer STARTTLS. Set security to "tls", or to "none"') == 1
    assert inbox.messages == []


def test_a_server_that_is_down_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = refusal(Server("127.0.0.1", port, Security.NONE, timeout=5))
    assert isinstance(error, Unreachable)
    assert str(error) == f"The mail server 127.0.0.1:{port} cannot be reached (Connection refused)."


def test_a_server_that_says_nothing_is_given_up_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = refusal(Server("127.0.0.1", listener.getsockname()[1], Security.NONE, timeout=0.05))
    assert str(error).endswith("did not answer within 0.05 seconds.")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("550 5.1.1 no such user", Undeliverable),
        ("553 mailbox name not allowed", Undeliverable),
        ("550 5.7.1 relaying denied", Deferred),
        ("450 4.2.1 mailbox busy", Deferred),
    ],
)
def test_only_what_is_said_of_the_mailbox_is_final(
    inbox: Inbox, mail_server: Start, answer: str, kind: type[MailError]
) -> None:
    inbox.refuse_recipient[TO] = answer
    error = refusal(plain(mail_server()))
    assert type(error) is kind
    assert str(error) == f"The mail server refused the mail: {answer}"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("550 no such user", Undeliverable), ("554 looks like spam", Deferred), ("451 try later", Deferred)],
)
def test_a_refusal_after_the_text_is_final_only_for_the_mailbox(
    inbox: Inbox, mail_server: Start, answer: str, kind: type[MailError]
) -> None:
    inbox.refuse_data.append(answer)
    assert type(refusal(plain(mail_server()))) is kind


def test_a_refused_mail_leaves_the_connection_good_for_the_next(inbox: Inbox, mail_server: Start) -> None:
    inbox.refuse_recipient["gone@example.org"] = "550 no such user"
    with plain(mail_server()).connected() as connection:
        with pytest.raises(Undeliverable):
            connection.send(letter().message, "gone@example.org")
        connection.send(letter().message, TO)
    assert inbox.recipients == [TO]
