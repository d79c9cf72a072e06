"""The gate before every page: only the user's own browser, at this address, gets through.

Checked in this order: the Host (a name that was pointed here is none of ours), the user at the
other end of the connection, the method, where the browser says that the request comes from, the
body's size, the cookie, and for each change the form's token. Every answer gets the headers that
keep a page from doing more than it should.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.translation import _
from agent.web.page.access import Access

BODY_LIMIT = 262_144
"""Bytes of a request's body: a mapping file with some thousand playlists."""
TOKEN_HEADER = b"x-moodtray-token"
ENTER = "/enter"
OPEN_PATHS = ("/static/", "/callback")
"""What is answered without a cookie: style and script, and Spotify's way back (which holds no
cookie because it comes from another site, and does nothing but lead on)."""

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
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}

PeerCheck: TypeAlias = Callable[[int, int], bool]
"""(port of the client, port of ours) -> is that the same user?"""
ErrorPage: TypeAlias = Callable[[int, str, str], Response]
"""(status, title, what to do) -> a page for people."""


class Guard:
    """Let a request through to ``app``, or refuse it."""

    def __init__(
        self, app: ASGIApp, access: Access, error_page: ErrorPage, peer_is_ours: PeerCheck
    ) -> None:
        self._app = app
        self._access = access
        self._error_page = error_page
        self._peer_is_ours = peer_is_ours

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
        headers = list(given)
        present = {name.lower() for name, _value in headers}
        for name, value in HEADERS.items():
            if name.lower().encode() not in present:
                headers.append((name.lower().encode(), value.encode()))
        if b"cache-control" not in present:
            headers.append((b"cache-control", b"no-store"))
        session = request.session
        if session and self._access.wants_renewal(session) and self._access.is_session(session):
            headers.append((b"set-cookie", cookie(self._access, self._access.new_session())))
        return headers

    def _stranger(self, request: _Request) -> Response | None:
        """Refuse what no browser of this user would send."""
        access = self._access
        if request.only(b"host") != f"127.0.0.1:{access.port}":
            return self._refuse(
                request,
                403,
                _("This is not the address of the page"),
                _("Open it as {address}.").format(address=access.origin),
            )
        client = request.scope.get("client")
        if client is not None and not self._peer_is_ours(client[1], access.port):
            return self._refuse(
                request,
                401,
                _("This page is another user's"),
                _("It belongs to somebody else who uses this computer."),
            )
        if request.method not in ("GET", "POST"):
            return JSONResponse({"error": "GET, POST"}, 405, {"allow": "GET, POST"})
        return self._foreign(request) or self._too_long(request)

    def _foreign(self, request: _Request) -> Response | None:
        """Refuse what another site's page had the browser send (Fetch Metadata, Origin)."""
        site, origin = request.only(b"sec-fetch-site"), request.only(b"origin")
        if request.method == "POST":
            good = origin == self._access.origin and site in ("", "same-origin")
        else:
            # A link from elsewhere may lead here; without its cookie it only gets so far.
            navigates = request.only(b"sec-fetch-mode") in ("", "navigate")
            good = site in ("", "none", "same-origin") or navigates
            good = good and origin in ("", self._access.origin)
        if good:
            return None
        return self._refuse(
            request,
            403,
            _("This came from another page"),
            _("Other pages may not use this one. Open it from Moodtray's icon in the tray."),
        )

    def _too_long(self, request: _Request) -> Response | None:
        length = request.only(b"content-length") or "0"
        if b"transfer-encoding" in request.headers or not length.isdigit():
            return JSONResponse({"error": _("The length of this request is not known.")}, 411)
        if int(length) > BODY_LIMIT:
            return JSONResponse({"error": _("This is too long; at most 256 kB can be taken.")}, 413)
        return None

    async def _uninvited(self, request: _Request) -> Response | None:
        """Refuse, slowly, whoever has no valid link, cookie or form token."""
        access, path = self._access, request.path
        if path == ENTER or (path.startswith(OPEN_PATHS) and request.method == "GET"):
            return None
        if path.startswith(ENTER + "/") and request.method == "GET":
            return await self._enter(request)
        request.session = _cookie_of(request, access.cookie_name)
        if not request.session or not access.is_session(request.session):
            had_one, request.session = bool(request.session), ""
            delayed = await self._delayed() if had_one else None
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
                    {"error": _("This page is too old. Load it again.")}, 403
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


class _Request:
    """What the gate looks at."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.session = ""
        self.headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            self.headers.setdefault(name.lower(), []).append(value)

    def only(self, name: bytes) -> str:
        """Return a header's value; empty where there is none, "several" where there are more."""
        values = self.headers.get(name, [])
        if len(values) > 1:
            return "several"
        return values[0].decode("latin-1") if values else ""


def cookie(access: Access, session: str) -> bytes:
    """Make the header that keeps a session in the browser."""
    return (
        f"{access.cookie_name}={session}; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200"
    ).encode()


def _cookie_of(request: _Request, name: str) -> str:
    try:
        found = SimpleCookie(request.only(b"cookie")).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def peer_is_ours(client_port: int, port: int) -> bool:
    """Tell whether the connection's other end belongs to our own user.

    The kernel's list of connections knows; True where there is none (other systems than Linux).
    """
    if not sys.platform.startswith("linux"):
        return True
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            if table == "/proc/net/tcp":
                return True  # a system that hides it hides it from us all
            continue
        for line in lines:
            words = line.split()
            local, remote = words[1].rpartition(":"), words[2].rpartition(":")
            if int(local[2], 16) == client_port and int(remote[2], 16) == port:
                return int(words[7]) == os.getuid()
    return False
