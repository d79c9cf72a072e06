"""Templates into answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from agent import __version__
from agent.translation import N_
from agent.web.page import terms
from agent.web.page.access import Access
from agent.web.rendering import environment
from agent.wording import MOODS

HERE = Path(__file__).parent
STATIC = HERE / "static"

NAVIGATION = (
    ("", N_("Now")),
    ("moods", N_("Moods and music")),
    ("history", N_("History")),
    ("face", N_("Your face")),
    ("settings", N_("Settings")),
    ("start", N_("First steps")),
)


class Pages:
    """Renders templates; the server's threads."""

    def __init__(
        self, access: Access, mood: Callable[[], str], stamp: Callable[[], str] = lambda: ""
    ) -> None:
        """``mood`` names the present mood, which gives the page its tint.

        ``stamp`` tells which state of the set-up a page shows; another one makes it anew.
        """
        self._access = access
        self._mood = mood
        self._stamp = stamp
        self._templates = environment(HERE / "templates")
        self._templates.globals.update(
            asset=asset, navigation=NAVIGATION, terms=terms, MOODS=MOODS, version=__version__
        )

    def page(
        self, request: Request, template: str, here: str, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """Answer with a page; ``here`` is its place in the navigation."""
        session = request.scope.get("moodtray.session", "")
        text = self._templates.get_template(template).render(
            here=here,
            token=self._access.form_token(session) if session else "",
            tint=self._mood(),
            stamp=self._stamp(),
            **values,
        )
        return HTMLResponse(text, status)

    def bare(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Answer with a page outside the navigation, for whoever has no cookie."""
        return HTMLResponse(self._templates.get_template(template).render(**values), status)

    def error(self, status: int, title: str, remedy: str) -> HTMLResponse:
        """Answer with what went wrong and what to do."""
        return self.bare("error.html", status, title=title, remedy=remedy)


@lru_cache(maxsize=16)
def asset(name: str) -> str:
    """Return the address of a file in ``static``, which changes with its content."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?{digest}"
