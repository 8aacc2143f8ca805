"""The ceiling: a Starlette route that answers an empty 200 and does nothing else. Prints its port when it serves."""

import asyncio
import socket

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def _webhook(_request: Request) -> Response:
    return Response()


app = Starlette(routes=[Route("/webhooks/xero", _webhook, methods=["POST"])])
listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
print(listening.getsockname()[1], flush=True)  # noqa: T201  how the bench learns the port
config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="error")
asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))
