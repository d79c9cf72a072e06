"""The page as one ASGI application; :func:`make_app` is all that the server needs of it."""

from __future__ import annotations

from typing import Any

import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.errors import AgentError
from agent.translation import _
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
from agent.web.page.access import PAGES
from agent.web.page.api import Api
from agent.web.page.context import PageContext
from agent.web.page.guard import ENTER, Guard
from agent.web.page.render import STATIC, Pages

THREADS = 8
"""Requests that may wait for files or a slow service at the same time."""


def make_app(context: PageContext) -> ASGIApp:
    """Make the whole page, behind its guard; ``agent.web.limited`` serves it."""
    pages = Pages(
        context.access,
        lambda: str(context.snapshot().mood.state),
        lambda: now.stamp(context, context.snapshot()),
    )
    api = Api(context)

    def enter(request: Request) -> Response:
        """Lead on from a link that was used; see :meth:`Guard._enter`."""
        to = request.query_params.get("to", "")
        return pages.bare("enter.html", to="/" + (to if to in PAGES else ""))

    app = Starlette(
        routes=[
            *now.site(context, pages, opened=api.prepare),
            *moods.site(context, pages),
            *history_page.site(context, pages),
            *settings_page.site(context, pages),
            *first_steps.site(context, pages),
            *spotify_page.site(context, pages),
            *face.site(context, pages),
            Route(ENTER, enter),
            Mount("/static", _Static(directory=STATIC)),
            Route("/api/{rest:path}", api),
        ],
        exception_handlers={
            answers.Refused: answers.refused,
            AgentError: answers.agent_error,
            HTTPException: _not_there(pages),
        },
    )

    async def few_threads(scope: Scope, receive: Receive, send: Send) -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        await app(scope, receive, send)

    return Guard(few_threads, context.access, pages.error)


class _Static(StaticFiles):
    """Style and script; their addresses change with their content."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        answer = super().file_response(*args, **kwargs)
        answer.headers["Cache-Control"] = "private, max-age=86400"
        return answer


def _not_there(pages: Pages) -> Any:
    async def handler(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code != 404 or request.url.path.startswith("/api/"):
            return await answers.http_error(request, error)
        title = _("There is no such page")
        if "moodtray.session" not in request.scope:  # a stranger asks for style or script
            return pages.error(404, title, _("Open it from Moodtray's icon in the tray."))
        return pages.page(request, "missing.html", "missing", status=404, title=title)

    return handler
