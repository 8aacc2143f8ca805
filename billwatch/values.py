"""The kinds of value that options take; each description ends the sentence "but must be …"."""

from typing import Annotated

from msgspec import Meta

from billwatch.secret import Secret

LONGEST_PREFIX = 50

_LOOPBACK = r"(?:localhost|127(?:\.[0-9]+){3}|\[::1\])"
_ATOM = r"[^@.\s,;:<>\"()\[\]\\\x00-\x20\x7f]+"
_ADDRESS = rf"{_ATOM}(?:\.{_ATOM})*@{_ATOM}(?:\.{_ATOM})*"
_LINE = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*\Z"
_REST = r"(?::[0-9]{1,5})?(?:/[^\s?#]*)?\Z"

Slug = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9-]{0,63}\Z",
        description="up to 64 lower-case letters, digits and hyphens, beginning with a letter or digit",
    ),
]
Name = Annotated[str, Meta(pattern=_LINE, max_length=200, description="a name of 1 to 200 characters on one line")]
Text = Annotated[str, Meta(pattern=_LINE, max_length=255, description="a text of 1 to 255 characters on one line")]
Address = Annotated[
    str,
    Meta(
        pattern=rf"^{_ADDRESS}\Z",
        max_length=254,
        description="a mail address such as name@example.org",
    ),
]
AddressOrNone = Annotated[
    str,
    Meta(
        pattern=rf"^(?:{_ADDRESS})?\Z", max_length=254, description="empty or a mail address such as name@example.org"
    ),
]
PublicUrl = Annotated[
    str,
    Meta(
        pattern=r"^(?:https?://[A-Za-z0-9.\-\[\]:]*[A-Za-z0-9\]](?:/[^\s?#]*)?)?\Z",
        description="an address such as https://billwatch.example.org, without query or user name",
    ),
]
ServiceUrl = Annotated[
    str,
    Meta(
        pattern=rf"^(?:https://[A-Za-z0-9.\-]+|http://{_LOOPBACK}){_REST}",
        description="an https address without query or user name (plain http only on this machine)",
    ),
]
ServiceUrlOrNone = Annotated[
    str,
    Meta(
        pattern=rf"^(?:(?:https://[A-Za-z0-9.\-]+|http://{_LOOPBACK})(?::[0-9]{{1,5}})?(?:/[^\s?#]*)?)?\Z",
        description="empty or an https address without query or user name (plain http only on this machine)",
    ),
]
StorageUrl = Annotated[
    str,
    Meta(
        pattern=r"^(?:sqlite:///[^\s?#][^?#]*|postgresql://(?:[^\s:@/?#]+@)?[^\s@/?#]*/[^\s@/?#]+(?:\?[^\s@#]+)?)\Z",
        description='"sqlite:///" and the path of a file, or "postgresql://user@host:5432/database" without a password',
    ),
]
Tenant = Annotated[
    str,
    Meta(
        pattern=r"^(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?\Z",
        description="a tenant id such as 45e4708e-d862-4111-ab3a-dd8cd03913e1",
    ),
]
Currency = Annotated[
    str, Meta(pattern=r"^(?:[A-Z]{3})?\Z", description="a currency code of three capital letters, such as NZD")
]
Prefix = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x1f\x7f]*\Z",
        max_length=LONGEST_PREFIX,
        description=f"a text of at most {LONGEST_PREFIX} characters, so that no bill number exceeds Xero's 255",
    ),
]
HeaderOrNone = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z0-9-]{0,64}\Z", description="empty or the name of a header such as X-Remote-User"),
]
DocumentHost = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?\Z",
        max_length=255,
        description="the name of a host in lower-case letters, such as files.example.org, with a port if need be",
    ),
]
IpAddress = Annotated[
    str, Meta(pattern=r"^[0-9a-fA-F.:]{2,45}\Z", description="the address of a machine, such as 127.0.0.1")
]
HashOrNone = Annotated[
    str,
    Meta(
        pattern=r"^(?:scrypt\$\d{1,8}\$\d{1,3}\$\d{1,3}\$[A-Za-z0-9_-]{22}\$[A-Za-z0-9_-]{43})?\Z",
        description='a hash that "billwatch password" printed',
        extra={"secret": True},
    ),
]
Hours = Annotated[
    str,
    Meta(
        pattern=r"^(?:(?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d)?\Z",
        description='empty or two times of the day such as "18:00-07:30"',
    ),
]
TimeOrNone = Annotated[
    str, Meta(pattern=r"^(?:(?:[01]\d|2[0-3]):[0-5]\d)?\Z", description='empty or a time of the day such as "08:00"')
]
WeeklyOrNone = Annotated[
    str,
    Meta(
        pattern=r"^(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day (?:[01]\d|2[0-3]):[0-5]\d)?\Z",
        description='empty or a day and a time such as "monday 08:00"',
    ),
]
NameOrNone = Annotated[
    str, Meta(pattern=r"^[^\x00-\x1f\x7f]*\Z", max_length=100, description="a name of at most 100 characters")
]
DayOfMonth = Annotated[int, Meta(ge=0, le=31, description="a day of the month from 1 to 31, or 0 for none")]
Port = Annotated[int, Meta(ge=0, le=65535)]
ListeningPort = Annotated[int, Meta(ge=1, le=65535)]
Minutes = Annotated[int, Meta(ge=1, le=10080)]
Seconds = Annotated[int, Meta(ge=1, le=3600)]
Days = Annotated[int, Meta(ge=1, le=365)]
Tracking = Annotated[
    dict[Text, Text],
    Meta(max_length=2, description="a table of at most two categories, each with the name of one of its options"),
]
Keys = Annotated[tuple[Secret, ...], Meta(min_length=1)]
