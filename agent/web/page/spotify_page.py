"""Setting Spotify up: the app, the client ID, the login, the devices."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.errors import AgentError
from agent.translation import _
from agent.web.page.answers import REFUSALS, Answer, Refused, Typed, Words
from agent.web.page.context import Device, PageContext
from agent.web.page.render import Pages

if TYPE_CHECKING:
    from fastapi import APIRouter

_ID = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])", re.IGNORECASE)


class LoginWords(Words):
    """What was pasted, and the page to come back to."""

    client_id: Typed
    back: Literal["spotify", "start"] = "spotify"


def site(context: PageContext, pages: Pages) -> list[Route]:
    """Make the page of this area."""

    def spotify(request: Request) -> Response:
        plays = context.music.in_use() == "spotify"
        return pages.page(
            request, "spotify.html", "moods", back="spotify", plays=plays, **view(context)
        )

    return [Route("/spotify", spotify)]


def api(context: PageContext) -> APIRouter:
    """Make this area's part of the API."""
    from fastapi import APIRouter

    routes = APIRouter()

    @routes.post("/api/spotify/login", response_model=Answer, responses=REFUSALS)
    def login(words: LoginWords) -> Answer:
        """Begin a login; the answer's ``goto`` is where the browser goes on."""
        client_id = find_client_id(words.client_id)
        back = "/spotify" if words.back == "spotify" else "/start?step=music"
        try:
            address = context.spotify.start_login(client_id, context.access.origin + back)
        except AgentError as error:
            raise Refused(error.message, field="client_id") from error
        return Answer(text=_("Spotify asks you to agree…"), goto=address)

    @routes.post("/api/spotify/logout", response_model=Answer, responses=REFUSALS)
    def logout() -> Answer:
        """Remove every trace of Spotify from this computer."""
        return Answer(text=context.spotify.log_out())

    return routes


def view(context: PageContext) -> dict[str, Any]:
    """Collect what the set-up shows."""
    problem, devices = "", list[Device]()
    try:
        state = context.spotify.state()
    except AgentError as error:
        return {"state": None, "problem": error.message, "devices": []}
    if state.logged_in:
        try:
            devices = context.spotify.devices()
        except AgentError as error:
            problem = error.message
    return {"state": state, "problem": problem, "devices": devices}


def find_client_id(text: str, field: str = "client_id") -> str:
    """Find the client ID in what was pasted: itself, or the dashboard's link with it.

    Raises Refused.
    """
    if not text:
        raise Refused(_("Paste your app's client ID here."), field=field, status=422)
    found = _ID.search(text)
    if found is not None:
        return found.group(0)
    raise Refused(
        _(
            "There is no client ID in it. It is the row of 32 letters and digits under "
            "“Client ID” on your app's page; the whole link of that page will do, too."
        ),
        field=field,
        status=422,
    )
