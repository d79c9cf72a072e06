"""The gate before every page: only the user's own browser, at this address, gets through.

Other users of the computer do not come this far (``agent.web.limited``). Checked here, in this
order: what holds for every request (``agent.web.rules``), the cookie, and for each change the
form's token. Every answer gets the headers that keep a page from doing more than it should.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias, assert_never
from urllib.parse import quote

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.translation import _
from agent.web import rules
from agent.web.page.access import Access
from agent.web.rules import Fault

TOKEN_HEADER = b"x-moodtray-token"
ENTER = "/enter"
STATIC_FILES = "/static/"
"""What is answered without a cookie: style and script."""

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data: https://*.scdn.co https://*.spotifycdn.com",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
ErrorPage: TypeAlias = Callable[[int, str, str], Response]
"""(status, title, what to do) -> a page for people."""


class Guard:
    """Let a request through to ``app``, or refuse it."""

    def __init__(self, app: ASGIApp, access: Access, error_page: ErrorPage) -> None:
        self._app = app
        self._access = access
        self._error_page = error_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = _Request(scope)

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": self._headers(request, message["headers"])}
            await send(message)

        refusal = self._stranger(request) or await self._uninvited(request)
        await (self._app if refusal is None else refusal)(scope, receive, send_marked)

    def _headers(self, request: _Request, given: Any) -> list[tuple[bytes, bytes]]:
        headers = rules.with_headers(given, {"Content-Security-Policy": POLICY})
        session = request.session
        if session and self._access.wants_renewal(session) and self._access.is_session(session):
            headers.append((b"set-cookie", cookie(self._access, self._access.new_session())))
        return headers

    def _stranger(self, request: _Request) -> Response | None:
        """Refuse what no browser of this user would send."""
        match rules.fault(request, self._access.port, changes=request.method == "POST"):
            case Fault.ADDRESS:
                title = _("This is not the address of the page")
                remedy = _("Open it as {address}.").format(address=self._access.origin)
                return self._refuse(request, 403, title, remedy)
            case Fault.METHOD:
                return JSONResponse({"error": "GET, POST"}, 405, {"allow": "GET, POST"})
            case Fault.FOREIGN:
                title = _("This came from another page")
                remedy = _(
                    "Other pages may not use this one. Open it from Moodtray's icon in the tray."
                )
                return self._refuse(request, 403, title, remedy)
            case Fault.NO_LENGTH:
                return JSONResponse({"error": _("The length of this request is not known.")}, 411)
            case Fault.TOO_LONG:
                text = _("This is too long; at most 256 kB can be taken.")
                return JSONResponse({"error": text}, 413)
            case None:
                return None
            case found:
                assert_never(found)

    async def _uninvited(self, request: _Request) -> Response | None:
        """Refuse, slowly, whoever has no valid link, cookie or form token."""
        access, path = self._access, request.path
        if path == ENTER or (path.startswith(STATIC_FILES) and request.method == "GET"):
            return None
        if path.startswith(ENTER + "/") and request.method == "GET":
            return await self._enter(request)
        brought = request.cookies(access.cookie_name)
        request.session = next(filter(access.is_session, brought), "")
        if not request.session:
            delayed = await self._delayed() if any(brought) else None
            return delayed or self._refuse(
                request,
                401,
                _("This page is for you alone"),
                _(
                    "Open it from Moodtray's icon in the tray (Settings… or History…), or with "
                    "the command 'moodtray settings'. It stays open in this browser for half a "
                    "day."
                ),
            )
        request.scope["moodtray.session"] = request.session
        if request.method == "POST":
            token = request.only(TOKEN_HEADER)
            if not access.is_form_token(request.session, token):
                return await self._delayed() or JSONResponse(
                    {"error": _("This page is too old. Load it again."), "stale": True}, 403
                )
        return None

    async def _enter(self, request: _Request) -> Response:
        """Use a link up.

        The cookie comes with a redirect, which leaves the link out of the browser's history; where
        that leads, the page sends the browser on by itself, because a SameSite=Strict cookie is not
        sent in a chain that began elsewhere.
        """
        page = self._access.redeem(request.path.removeprefix(ENTER + "/"))
        if page is None:
            return await self._delayed() or self._refuse(
                request,
                401,
                _("This link has been used or is too old"),
                _(
                    "A link works once and for five minutes. Open the page anew from Moodtray's "
                    "icon in the tray, or with the command 'moodtray settings'."
                ),
            )
        answer = RedirectResponse(f"{ENTER}?to={quote(page)}", 303)
        session = self._access.new_session()
        answer.raw_headers.append((b"set-cookie", cookie(self._access, session)))
        return answer

    async def _delayed(self) -> Response | None:
        """Wait as long as the number of failures asks for; an answer when they are too many."""
        wait = self._access.failed()
        if wait is None:
            return JSONResponse(
                {"error": _("Too many wrong attempts. Wait a minute.")}, 429, {"retry-after": "60"}
            )
        await asyncio.sleep(wait)
        return None

    def _refuse(self, request: _Request, status: int, title: str, remedy: str) -> Response:
        if request.path.startswith("/api/") or request.method == "POST":
            return JSONResponse({"error": f"{title}. {remedy}"}, status)
        return self._error_page(status, title, remedy)


class _Request(rules.Request):
    """What the gate looks at."""

    session = ""
    """The cookie that was found good."""


def cookie(access: Access, session: str) -> bytes:
    """Make the header that keeps a session in the browser."""
    return (
        f"{access.cookie_name}={session}; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200"
    ).encode()
