"""What the API can do, as one table: routes, checks and the OpenAPI document are all made from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from receiver.api import shapes
from reconciler.callers import Scope

ORGANISATION = "/organisations/{organisation}"
MILESTONES = f"{ORGANISATION}/milestones"
MILESTONE = f"{MILESTONES}/{{key}}"
JSON = "application/json"
LINES = ("application/x-ndjson", "application/jsonl")
SMALL = 128 * 1024
LARGE = 32 * 1024 * 1024
AT_ONCE = 10_000

EXAMPLE = {
    "title": "Second instalment",
    "payee": "Example Community Choir",
    "amount": "1200.00",
    "date": "2026-07-01",
    "stages": ["approved"],
    "links": {"milestone": "https://grants.example.org/milestones/412"},
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the API can do. `body` is the kind of what comes in, `many` whether as a list of up to 10,000.

    `statuses` are those of success; `conditional` says that If-Match and If-None-Match are heeded.
    """

    name: str
    method: str
    path: str
    summary: str
    scope: Scope
    answer: type[Struct]
    statuses: tuple[int, ...] = (200,)
    body: type[Struct] | None = None
    body_needed: bool = True
    many: bool = False
    query: type[Struct] | None = None
    conditional: bool = False
    problems: tuple[int, ...] = ()
    example: Mapping[str, object] | None = None
    told: str = ""
    media: tuple[str, ...] = field(default=(JSON,))

    @property
    def size(self) -> int:
        """The most bytes that its body may have."""
        return LARGE if self.many else SMALL


OPERATIONS = (
    Operation(
        "listOrganisations",
        "GET",
        "/organisations",
        "The organisations that the key reaches",
        Scope.READ,
        shapes.Organisations,
    ),
    Operation(
        "listMilestones",
        "GET",
        MILESTONES,
        "Milestones in the order of their keys",
        Scope.READ,
        shapes.Page,
        query=shapes.ListQuery,
        problems=(404, 422),
    ),
    Operation(
        "putMilestones",
        "POST",
        MILESTONES,
        "Put up to 10,000 milestones",
        Scope.WRITE,
        shapes.Outcomes,
        body=shapes.KeyedWish,
        many=True,
        problems=(400, 404, 408, 413, 415, 422),
        media=(JSON, *LINES),
        example={"key": "M-0412", **EXAMPLE},
        told="Each is judged by itself: one that cannot be used is rejected in the answer, and holds up none of the "
        "others. A key may be given once. Sent again, what is the same stays the same.",
    ),
    Operation(
        "getMilestone",
        "GET",
        MILESTONE,
        "How a milestone stands, and why",
        Scope.READ,
        shapes.Full,
        problems=(404,),
    ),
    Operation(
        "putMilestone",
        "PUT",
        MILESTONE,
        "Put a milestone",
        Scope.WRITE,
        shapes.Full,
        statuses=(200, 201),
        body=shapes.Wish,
        conditional=True,
        problems=(400, 404, 408, 412, 413, 415, 422, 428),
        example=EXAMPLE,
        told="Makes the milestone or replaces it; the same again changes nothing. It is decided within seconds: until "
        "then, `undecided` is true. Where If-Match or If-None-Match does not hold, the answer is 412, and its ETag "
        "names the version that there is.",
    ),
    Operation(
        "previewMilestone",
        "POST",
        f"{MILESTONE}/preview",
        "What would be decided if the milestone were put so",
        Scope.READ,
        shapes.Preview,
        body=shapes.Wish,
        problems=(400, 404, 408, 413, 415, 422),
        example=EXAMPLE,
        told="For a form that warns before saving. Nothing is stored, and Xero is not asked.",
    ),
    Operation(
        "resyncMilestone",
        "POST",
        f"{MILESTONE}/resync",
        "Read Xero again, and sync the milestone if nothing stands in the way",
        Scope.WRITE,
        shapes.Full,
        body=shapes.Resync,
        body_needed=False,
        problems=(400, 404, 408, 409, 413, 415, 422),
        example={"by": "Ana Example"},
    ),
    Operation(
        "exemptMilestone",
        "PUT",
        f"{MILESTONE}/exemption",
        "Exempt a milestone from syncing",
        Scope.WRITE,
        shapes.Full,
        body=shapes.Exempt,
        problems=(400, 404, 408, 409, 413, 415, 422),
        example={"reason": "Paid in kind", "by": "Ana Example"},
        told="Its bill in Xero, if there is one, is not touched.",
    ),
    Operation(
        "endExemption",
        "DELETE",
        f"{MILESTONE}/exemption",
        "Undo an exemption",
        Scope.WRITE,
        shapes.Full,
        problems=(404,),
        told="The milestone is decided again at once. 404 when it is not exempt.",
    ),
    Operation(
        "listChanges",
        "GET",
        f"{ORGANISATION}/changes",
        "What became known since a cursor, in one order",
        Scope.READ,
        shapes.Feed,
        query=shapes.ChangesQuery,
        problems=(404, 410, 422),
        told="Ask on from `next`, now and then, or whenever an event comes in. A cursor stays valid for as long as "
        "changes are kept; after that the answer is 410: read the milestones anew, and then the changes from an empty "
        "`after` on.",
    ),
)
ALWAYS = (401, 403, 429, 500, 503)
