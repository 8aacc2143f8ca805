"""The sandbox as one Starlette application."""

from starlette.applications import Starlette

from billwatch.sandbox import api
from billwatch.sandbox.control import Control
from billwatch.sandbox.desk import Desk
from billwatch.sandbox.identity_routes import IdentityRoutes
from billwatch.sandbox.page import Page
from billwatch.sandbox.webhooks import Webhooks
from billwatch.sandbox.world import Clock, World


def create_desk(clock: Clock, *, known: bool = False) -> Desk:
    """A new, empty world with its webhook subscription; `clock` gives aware UTC.

    A known one has the ids and secrets of `known`, else they are made by chance.
    """
    world = World(clock, known=known)
    return Desk(world, Webhooks(world))


def create_app(desk: Desk) -> Starlette:
    """Identity server, accounting API, control API and page behind one base URL."""
    return Starlette(
        routes=[
            *IdentityRoutes(desk.world).routes(),
            *api.routes(desk.world),
            *Control(desk).routes(),
            *Page(desk).routes(),
        ]
    )
