"""Every fault by name: answers instead of the right one, and right answers spoiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fakes.spotify.service import Reply
    from tests.fakes.spotify.world import Trouble, World

KINDS = (
    "401",  # 'token missing', a passing fault
    "premium",
    "restricted",
    "scope",
    "not registered",
    "no device",
    "device not found",
    "rate",
    "quota",
    "rate without header",
    "500",
    "502",
    "503",
    "html",  # a proxy's page instead of JSON
    "broken json",
    "wrong json",  # JSON, and not what was asked for
    "empty",
    "redirect",
    "drop",
    "drop midway",
    "drop after",  # the command was carried out, its answer is lost
    "slow",  # 2 s
    "hang",  # 60 s
)


def instead_of(trouble: Trouble, world: World) -> Reply | None:
    """The answer of a fault that keeps the request from being carried out; None otherwise."""
    from tests.fakes.spotify.service import Reply, error

    kind = trouble.kind
    assert kind in KINDS, kind
    failed = "Player command failed: "
    answers = {
        "401": lambda: error(401, "No token provided"),
        "premium": lambda: error(403, failed + "Premium required", "PREMIUM_REQUIRED"),
        "restricted": lambda: error(403, failed + "Restriction violated", "UNKNOWN"),
        "scope": lambda: error(403, "Insufficient client scope"),
        "not registered": lambda: Reply(403, b"User not registered in the Developer Dashboard"),
        "no device": lambda: error(404, failed + "No active device found", "NO_ACTIVE_DEVICE"),
        "device not found": lambda: error(404, "Device not found"),
        "rate": lambda: too_many(world, "rate", trouble.seconds),
        "quota": lambda: too_many(world, "quota", trouble.seconds),
        "rate without header": lambda: error(429, "API rate limit exceeded"),
        "500": lambda: error(500, "Server error"),
        "502": lambda: Reply(502, b"<html>Bad gateway</html>", {"content-type": "text/html"}),
        "503": lambda: error(503, "Service unavailable"),
        "redirect": lambda: Reply(302, b"", {"location": "http://login.invalid/"}),
        "drop": lambda: Reply(200, drop="before"),
    }
    return answers[kind]() if kind in answers else None


def spoil(trouble: Trouble, reply: Reply) -> Reply:
    """The right answer, on its way to the client."""
    kind = trouble.kind
    if kind == "html":
        reply.status, reply.body = 200, b"<html>Welcome to the hotel</html>"
    elif kind == "broken json":
        reply.status, reply.body = 200, b'{"device": {"id": "a'
    elif kind == "wrong json":
        reply.status, reply.body = 200, b'["not", "an", "object"]'
    elif kind == "empty":
        reply.status, reply.body = 200, b""
    elif kind == "drop midway":
        reply.drop = "midway"
    elif kind == "drop after":
        reply.drop = "before"
    elif kind == "slow":
        reply.delay = 2.0
    elif kind == "hang":
        reply.delay = trouble.seconds
    return reply


def too_many(world: World, kind: str, seconds: float) -> Reply:
    """429; the ban is noted, so that requests within it are told apart."""
    from tests.fakes.spotify.service import error

    whole = max(1, round(seconds))
    world.banned_until = max(world.banned_until, world.now + whole)
    if kind == "quota":
        return error(429, "Quota exceeded", "QUOTA_EXCEEDED", Retry_After=str(whole))
    return error(429, "API rate limit exceeded", Retry_After=str(whole))
