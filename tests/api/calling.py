"""A program that calls the API, as a grants platform would: over HTTP, with a key."""

import dataclasses
from typing import Any

import httpx
from world import KEY, World

from billwatch.platform import api, guard_of
from receiver.app import create_app
from receiver.server import Server
from receiver.webhook import Webhook
from reconciler.callers import Scope, new_key
from reconciler.tickets import token_hash

BASE = "/api/v1"
MILESTONES = f"{BASE}/organisations/{KEY}/milestones"
READ_WRITE = frozenset({Scope.READ, Scope.WRITE})


@dataclasses.dataclass
class Caller:
    """A world, the server of its API, and a client with a key of it."""

    world: World
    server: Server
    client: httpx.Client

    def close(self) -> None:
        self.client.close()
        self.server.stop()

    def key(self, name: str, scopes: Any = READ_WRITE, organisations: Any = None) -> dict[str, str]:
        """The headers of a new key."""
        return new_headers(self.world, name, scopes, organisations)

    def ask(self, method: str, path: str, *, status: int = 200, **more: Any) -> Any:
        """The decoded answer, which must be of that status."""
        answer = self.client.request(method, path, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def put(self, key: str = "M-1", *, status: int = 201, **changes: Any) -> Any:
        return self.ask("PUT", f"{MILESTONES}/{key}", json=self.wish(key) | changes, status=status)

    def wish(self, key: str = "M-1") -> dict[str, Any]:
        """A milestone as a platform would first put it."""
        return {
            "title": f"Stage of {key}",
            "payee": f"Payee of {key}",
            "amount": "1200.00",
            "date": self.world.xero.now().date().isoformat(),
            "stages": ["approved"],
        }

    def get(self, key: str = "M-1") -> Any:
        return self.ask("GET", f"{MILESTONES}/{key}")

    def changes(self, after: str = "") -> Any:
        return self.ask("GET", f"{BASE}/organisations/{KEY}/changes", params={"after": after})


def new_headers(world: World, name: str, scopes: Any = READ_WRITE, organisations: Any = None) -> dict[str, str]:
    text = new_key()
    assert world.house.ledger.apikeys.make(name, scopes, organisations, token_hash(text), world.house.clock())
    return {"Authorization": f"Bearer {text}"}


def serve(world: World) -> Caller:
    """Serve the API of that world."""
    hook = Webhook([], None, world.house.clock)  # type: ignore[arg-type]
    server = Server(create_app(hook, lambda: True, api(world.house, guard_of(world.house)).routes()), port=0)
    server.start()
    url = f"http://{server.host}:{server.port}"
    return Caller(world, server, httpx.Client(base_url=url, headers=new_headers(world, "Platform"), timeout=30))
