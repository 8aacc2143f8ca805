"""`/metrics`, in the form that Prometheus asks for; by default for those alone who have a key for it."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.api.auth import Guard
from receiver.api.problems import Refusal, answer
from reconciler.callers import Scope
from reconciler.errors import StorageError

PATH = "/metrics"


def metrics_route(registry: CollectorRegistry, guard: Guard | None) -> Route:
    """The route; without a guard, everybody may look."""

    def scrape(request: Request) -> Response:
        if guard:
            guard.admit(request, Scope.METRICS)
        encode, media = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=None, headers={"Content-Type": media})

    return Route(PATH, _told(scrape))


def _told(scrape: Callable[[Request], Response]) -> Callable[[Request], object]:
    async def serve(request: Request) -> Response:
        try:
            return await run_in_threadpool(scrape, request)
        except Refusal as refusal:
            return answer(refusal)
        except StorageError:
            return answer(Refusal(503))

    return serve
