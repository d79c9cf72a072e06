"""What the page's script asks for and changes: the API, which describes itself as OpenAPI.

FastAPI takes longer to load than all the rest of the page. So pages come without it, and it is
loaded while the first of them is being looked at.
"""

from __future__ import annotations

import threading

import anyio.to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from agent import __version__
from agent.errors import AgentError
from agent.web.loopback import NO_TELEMETRY
from agent.web.page import (
    answers,
    face,
    first_steps,
    history_page,
    moods,
    now,
    settings_page,
    spotify_page,
)
from agent.web.page.context import PageContext


class Api:
    """The API as an ASGI application that is made when it is first asked for."""

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._app: ASGIApp | None = None

    def prepare(self) -> None:
        """Make it in the background, so that the first click need not wait. Any thread."""
        if self._app is None:
            threading.Thread(target=self._made, name="page's API", daemon=True).start()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        app = self._app
        if app is None:
            app = await anyio.to_thread.run_sync(self._made)
        await app(scope, receive, send)

    def _made(self) -> ASGIApp:
        with self._lock:
            app = self._app
            if app is None:
                app = self._app = _make(self._context)
        return app


def _make(context: PageContext) -> ASGIApp:
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    app = FastAPI(
        title="Moodtray",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        telemetry=NO_TELEMETRY,  # an unknown word to older versions, which ignore it
    )
    app.add_exception_handler(answers.Refused, answers.refused)
    app.add_exception_handler(AgentError, answers.agent_error)
    app.add_exception_handler(RequestValidationError, answers.bad_words)
    app.add_exception_handler(HTTPException, answers.http_error)
    for area in (now, moods, history_page, settings_page, first_steps, spotify_page, face):
        app.include_router(area.api(context))
    return app
