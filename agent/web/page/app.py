"""The web application of the page."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp

from agent.web.loopback import NO_TELEMETRY
from agent.web.page_server import PageContext


def make_app(context: PageContext) -> ASGIApp:
    """Make the application. Its handlers run in the page's thread."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, telemetry=NO_TELEMETRY)

    @app.get("/")
    async def front() -> Response:
        return PlainTextResponse("Moodtray is running.", headers={"Cache-Control": "no-store"})

    return app
