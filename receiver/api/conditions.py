"""Which version of a milestone a request presumes: ETags, If-Match and If-None-Match (RFC 9110, 13)."""

import re

from starlette.requests import Request

from receiver.api.ports import Condition

_OURS = re.compile(r'"([0-9]{1,9})"')


def etag(version: int) -> str:
    """The ETag of what the platform put; the bill may change without it."""
    return f'"{version}"'


def condition_of(request: Request) -> Condition:
    """What must hold for the request to be done. A tag that is not ours holds of nothing; nor does a weak one."""
    absent = "*" in _tags(request, "if-none-match")
    if "if-match" not in request.headers:
        return Condition(absent=absent)
    tags = _tags(request, "if-match")
    if "*" in tags:
        return Condition(absent=absent, present=True)
    found = (_OURS.fullmatch(tag) for tag in tags)
    return Condition(frozenset(int(each[1]) for each in found if each), absent)


def _tags(request: Request, name: str) -> list[str]:
    return [tag.strip() for value in request.headers.getlist(name) for tag in value.split(",")]
