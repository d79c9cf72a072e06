"""What every request to a server of ours must look like, page and login alike.

It names this very address (a foreign name may have been pointed here), asks or changes by the two
usual methods, and comes from where it may: other sites' pages can lead a browser here, but neither
load anything nor change it (Fetch Metadata, Origin).
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from starlette.types import Scope

from agent.addresses import LOOPBACK

BODY_LIMIT = 262_144
"""Bytes of a request's body: a mapping file with some thousand playlists."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
"""What every answer says, unless it says otherwise itself."""


class Fault(Enum):
    """What is wrong with a request."""

    ADDRESS = "it names another address"
    METHOD = "neither GET nor POST"
    FOREIGN = "another site's page sent it"
    NO_LENGTH = "its length is not known"
    TOO_LONG = "it is too long"


class Request:
    """What is looked at of a request."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            self.headers.setdefault(name.lower(), []).append(value)

    def only(self, name: bytes) -> str:
        """Return a header's value; empty where there is none, "several" where there are more."""
        values = self.headers.get(name, [])
        if len(values) > 1:
            return "several"
        return values[0].decode("latin-1") if values else ""

    def cookies(self, name: str) -> list[str]:
        """List the values of a cookie's name.

        What other servers on this computer have set comes along, in whatever form and number, also
        by this name: the standard library's reader gives up on some, and takes seconds for others.
        """
        pairs = (pair.strip().partition("=") for pair in self.only(b"cookie").split(";"))
        return [value for known, _equals, value in pairs if known == name]


def fault(request: Request, port: int, *, changes: bool) -> Fault | None:
    """Find what no browser of this user would send to ``port``; ``changes``: it is no mere look."""
    if request.only(b"host") != f"{LOOPBACK}:{port}":
        return Fault.ADDRESS
    if request.method not in ("GET", "POST"):
        return Fault.METHOD
    own, origin = f"http://{LOOPBACK}:{port}", request.only(b"origin")
    site = request.only(b"sec-fetch-site")
    if changes:
        good = site in ("", "same-origin")
    else:
        # A link from elsewhere may lead here; without its cookie it only gets so far.
        navigates = request.only(b"sec-fetch-mode") in ("", "navigate")
        good = site in ("", "none", "same-origin") or navigates
    if not good or origin not in ((own,) if request.method == "POST" else ("", own)):
        return Fault.FOREIGN
    length = request.only(b"content-length") or "0"
    if b"transfer-encoding" in request.headers or not (length.isascii() and length.isdigit()):
        return Fault.NO_LENGTH
    return Fault.TOO_LONG if int(length) > BODY_LIMIT else None


def with_headers(given: Any, more: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Add HEADERS and ``more`` to an answer's, which go before."""
    headers = list(given)
    present = {name.lower() for name, _value in headers}
    for name, value in {**HEADERS, **more}.items():
        if name.lower().encode() not in present:
            headers.append((name.lower().encode(), value.encode()))
    return headers
