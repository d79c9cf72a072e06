"""Where Spotify lies, and what Moodtray asks permission for."""

from __future__ import annotations

from dataclasses import dataclass

SCOPES = (
    "user-read-playback-state",
    "user-modify-playback-state",
    "user-read-currently-playing",
    "playlist-read-private",
)
DASHBOARD = "https://developer.spotify.com/dashboard"
"""Where users make their own app: an app in development mode serves its owner only."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Base addresses without a slash at the end."""

    accounts: str = "https://accounts.spotify.com"
    api: str = "https://api.spotify.com/v1"

    @classmethod
    def at(cls, url: str | None) -> Endpoints:
        """Return the real service, or with ``url`` a stand-in that serves both parts.

        The API at ``url/v1``, the accounts service at ``url/authorize`` and ``url/api/token``.
        """
        if url is None:
            return cls()
        base = url.rstrip("/")
        return cls(accounts=base, api=base + "/v1")
