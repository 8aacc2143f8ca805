"""Templates to answers. Everything that is filled in is escaped; the stylesheet's address holds its hash."""

import hashlib
from importlib.resources import files

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

STYLE = files("receiver").joinpath("static/billwatch.css").read_bytes()
STYLE_PATH = f"/static/{hashlib.sha256(STYLE).hexdigest()[:16]}.css"

environment = jinja2.Environment(
    loader=jinja2.PackageLoader("receiver"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.globals["style_path"] = STYLE_PATH


def render(template: str, status: int = 200, **values: object) -> HTMLResponse:
    """The template filled in, as an answer."""
    return HTMLResponse(environment.get_template(template).render(values), status)


def message(status: int, title: str, *sentences: str) -> HTMLResponse:
    """A page that only says something."""
    return render("message.html", status, title=title, sentences=sentences)


async def _style(_request: Request) -> Response:
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=31536000, immutable"})


STYLE_ROUTE = Route(STYLE_PATH, _style)
