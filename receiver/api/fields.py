"""The kinds of value that come in; each description ends the sentence "must be …".

The patterns are those of JSON Schema, and say exactly what is taken: whoever keeps to them is not refused.
"""

from typing import Annotated

from msgspec import Meta

_VISIBLE = r"[^\u0000-\u0020\u007f-\u00a0]"
_SIGN = r"[!-~\u00a1-\u00ac\u00ae-\u024f]"
_YEAR = r"(?:19[7-9][0-9]|2[01][0-9]{2})"
_LEAP = r"(?:19(?:7[26]|8[048]|9[26])|20(?:[02468][048]|[13579][26])|21(?:0[48]|[2468][048]|[13579][26]))"
_MONTHS = r"(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
_DAY = rf"(?:{_YEAR}-(?:{_MONTHS}|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)"
_URL = r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?(?:[/?#][!-~]*)?"

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        pattern=_VISIBLE,
        description="a text of 1 to 255 characters, not all of them spaces",
    ),
]
Key = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=rf"^{_SIGN}(?:(?: |{_SIGN})*{_SIGN})?$",
        examples=["M-0412"],
        description="a key of 1 to 200 Latin letters, digits and signs, without spaces at its ends",
    ),
]
Amount = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,12}(?:\.[0-9]{1,2})?$",
        examples=["1200.00"],
        description='a text such as "1200.00": an amount of 0 or more in digits, with at most two decimals',
    ),
]
Day = Annotated[
    str,
    Meta(
        pattern=rf"^{_DAY}$",
        examples=["2026-07-01"],
        description='a day such as "2026-07-01", from 1970 to 2199',
        extra_json_schema={"format": "date"},
    ),
]
Currency = Annotated[
    str,
    Meta(pattern=r"^(?:[A-Z]{3})?$", examples=["NZD"], description="a currency code such as NZD, or empty"),
]
ContactId = Annotated[
    str,
    Meta(
        pattern=r"^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?$",
        description="a ContactID of Xero's, or empty",
    ),
]
Stage = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9-]{0,63}$",
        examples=["approved"],
        description="a stage in lower-case letters, digits and hyphens, such as approved",
    ),
]
Stages = Annotated[tuple[Stage, ...], Meta(max_length=50, description="a list of at most 50 stages")]
Link = Annotated[
    str,
    Meta(
        pattern=rf"^(?:{_URL})?$",
        max_length=2000,
        examples=["https://grants.example.org/milestones/1"],
        description="a web address such as https://grants.example.org/m/1 in ASCII, or empty",
    ),
]
DocumentLink = Annotated[
    str,
    Meta(
        pattern=rf"^{_URL}$",
        max_length=2000,
        examples=["https://files.example.org/contract.pdf"],
        description="the web address of a document, in ASCII",
    ),
]
Documents = Annotated[
    tuple[DocumentLink, ...], Meta(max_length=10, description="a list of at most 10 links to documents")
]
Description = Annotated[str, Meta(max_length=4000, description="a text of at most 4000 characters")]
Account = Annotated[
    str, Meta(max_length=10, examples=["480"], description="an account code of at most 10 characters, or empty")
]
Tax = Annotated[
    str, Meta(max_length=50, examples=["NONE"], description="a tax type of at most 50 characters, or empty")
]
Option = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=_VISIBLE, description="a text of 1 to 100 characters")
]
Tracking = Annotated[
    dict[Option, Option],
    Meta(max_length=2, description="at most two tracking categories, each with the name of an option"),
]
Person = Annotated[
    str,
    Meta(max_length=100, examples=["Ana Example"], description="the name of a person, of at most 100 characters"),
]
Why = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=500,
        pattern=_VISIBLE,
        examples=["Paid in kind"],
        description="a reason of 1 to 500 characters",
    ),
]
Limit = Annotated[int, Meta(ge=1, le=200, description="a whole number from 1 to 200")]
Place = Annotated[str, Meta(max_length=255, description="a cursor from an earlier answer")]
Cursor = Annotated[
    str, Meta(pattern=r"^[0-9]{0,18}$", description="a cursor from an earlier answer, which is a number, or empty")
]
Search = Annotated[str, Meta(max_length=255, description="a text of at most 255 characters")]
