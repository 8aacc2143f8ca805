"""`/connect/token`, `/connect/revocation`, the consent page and `/connections` over HTTP."""

import base64
import binascii
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from billwatch.sandbox import wire
from billwatch.sandbox.books import new_id
from billwatch.sandbox.identity import Connection, Grant, Refused, redirect_allowed
from billwatch.sandbox.world import World

TEMPLATES = Jinja2Templates(Path(__file__).parent / "templates")
CONNECTIONS = ("/connections", "/Connections")  # the published description and the official SDKs use the capital


class IdentityRoutes:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/connect/token", self.token, methods=["POST"]),
            Route("/connect/revocation", self.revoke, methods=["POST"]),
            Route("/identity/connect/authorize", self.ask, methods=["GET"]),
            Route("/identity/connect/authorize", self.consent, methods=["POST"]),
            # The published description and the official SDKs write it with a capital; both are answered.
            *(Route(path, self.connections, methods=["GET"]) for path in ("/connections", "/Connections")),
            *(
                Route(f"{path}/{{id}}", self.disconnect, methods=["DELETE"])
                for path in ("/connections", "/Connections")
            ),
        ]

    async def token(self, request: Request) -> Response:
        form = await _form(request)
        with self._world.lock:
            fault = self._world.faults.take("POST", "/connect/token")
            if fault and fault.status:
                return JSONResponse({"error": fault.kind or "invalid_grant"}, fault.status)
            try:
                answer = self._world.identity.token(form, self._world.now())
            except Refused as error:
                return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    async def revoke(self, request: Request) -> Response:
        form = await _form(request)
        with self._world.lock:
            app = self._world.identity.apps.get(form.get("client_id", ""))
            if app is None or app.client_secret != form.get("client_secret"):
                return JSONResponse({"error": "unauthorized_client"}, 400)
            self._world.identity.revoke(app, form.get("token", ""))
        return Response(status_code=200)

    async def ask(self, request: Request) -> Response:
        """The consent page: which organisations the app may reach."""
        asked = dict(request.query_params)
        with self._world.lock:
            if (problem := self._problem(asked)) is not None:
                return HTMLResponse(f"error: {problem}", 400)
            organisations = list(self._world.organisations.values())
        scopes = asked.get("scope", "").split()
        context = {"asked": asked, "organisations": organisations, "scopes": scopes}
        return TEMPLATES.TemplateResponse(request, "consent.html", context)

    async def consent(self, request: Request) -> Response:
        form = await request.form()
        asked = {key: str(value) for key, value in form.items() if key != "tenant"}
        with self._world.lock:
            if (problem := self._problem(asked)) is not None:
                return HTMLResponse(f"error: {problem}", 400)
            answer = self._granted(asked, [str(tenant) for tenant in form.getlist("tenant")])
        answer["state"] = asked.get("state", "")
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 303)

    async def connections(self, request: Request) -> Response:
        with self._world.lock:
            grant = self._grant(request)
            if isinstance(grant, Response):
                return grant
            event = request.query_params.get("authEventId")
            found = self._world.identity.visible(grant)
            shown = [self._shape(one) for one in found if event in (None, one.auth_event_id)]
        return JSONResponse(shown, headers={"xero-correlation-id": new_id()})

    async def disconnect(self, request: Request) -> Response:
        with self._world.lock:
            grant = self._grant(request)
            if isinstance(grant, Response):
                return grant
            wanted = request.path_params["id"].lower()
            known = {one.id for one in self._world.identity.visible(grant)}
            if wanted not in known:
                return Response(status_code=404)
            del self._world.identity.connections[wanted]
        return Response(status_code=204, headers={"xero-correlation-id": new_id()})

    def _problem(self, asked: dict[str, str]) -> str | None:
        """Why consent cannot even be asked for, or None."""
        if asked.get("client_id") not in self._world.identity.apps:
            return "unauthorized_client"
        if asked.get("response_type") != "code":
            return "unsupported_response_type"
        if not redirect_allowed(asked.get("redirect_uri", "")):
            return "invalid_redirect_uri"
        try:
            self._world.identity.scopes(asked.get("scope", ""))
        except Refused as error:
            return str(error)
        return None

    def _granted(self, asked: dict[str, str], tenants: list[str]) -> dict[str, str]:
        if asked.get("answer") != "allow" or not tenants:
            return {"error": "access_denied"}
        identity, now = self._world.identity, self._world.now()
        app = identity.apps[asked["client_id"]]
        scopes = identity.scopes(asked.get("scope", ""))
        code, event = identity.code(app, scopes, asked["redirect_uri"], asked.get("code_challenge", ""), now)
        for tenant in tenants:
            if tenant in self._world.organisations:
                identity.connect(tenant, now, event)
        return {"code": code}

    def _grant(self, request: Request) -> Grant | Response:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        grant = self._world.identity.bearer(token.strip()) if kind.lower() == "bearer" else None
        if grant is None:
            return _unauthorised("AuthenticationUnsuccessful")
        if self._world.now() >= grant.expires:
            return _unauthorised(f"TokenExpired: token expired at {grant.expires:%m/%d/%Y %H:%M:%S}")
        return grant

    def _shape(self, one: Connection) -> dict[str, object]:
        return {
            "id": one.id,
            "authEventId": one.auth_event_id,
            "tenantId": one.tenant_id,
            "tenantType": "ORGANISATION",
            "tenantName": self._world.organisations[one.tenant_id].name,
            "createdDateUtc": _stamp(one.created),
            "updatedDateUtc": _stamp(one.updated),
        }


async def _form(request: Request) -> dict[str, str]:
    """The form, with client id and secret from HTTP Basic if they come that way."""
    form = {key: str(value) for key, value in (await request.form()).items()}
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            form["client_id"], _, form["client_secret"] = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            form["client_id"] = ""
    return form


def _unauthorised(detail: str) -> Response:
    return Response(wire.dump(wire.problem(401, detail)), 401, media_type="application/json; charset=utf-8")


def _stamp(at: datetime) -> str:
    """Seven digits of a second and no zone, as in the published example."""
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}0"
