"""Which playlists belong to which emotion: what users paste -> what Spotify is asked to play."""

from __future__ import annotations

import re

from agent.errors import SettingsError
from agent.players.spotify.cache import DisplayCache
from agent.settings import Settings
from agent.types import MoodState, Playlist

_ID = "[0-9A-Za-z]{22}"
_FORMS = (
    re.compile(rf"spotify:playlist:({_ID})"),
    re.compile(rf"spotify:user:[^:]+:playlist:({_ID})"),  # the form of older programs
    re.compile(
        r"(?:https?://)?(?:open|play)\.spotify\.com/(?:intl-[a-z-]+/)?(?:embed/)?"
        rf"(?:user/[^/]+/)?playlist/({_ID})/?(?:[?#].*)?"
    ),
    re.compile(rf"({_ID})"),
)


def playlist_id(text: str) -> str:
    """Find the ID in a URI, a URL or an ID. Raises SettingsError that says what is accepted."""
    cleaned = text.strip()
    for form in _FORMS:
        match = form.fullmatch(cleaned)
        if match:
            return match.group(1)
    raise SettingsError(
        f"'{cleaned[:80]}' is no Spotify playlist. Paste its link (in Spotify: Share, Copy link "
        "to playlist), which looks like https://open.spotify.com/playlist/ and 22 letters and "
        "digits; spotify:playlist:... and the 22 characters alone are fine too."
    )


def canonical(text: str) -> str:
    """Write it as ``spotify:playlist:ID``. Raises SettingsError."""
    return f"spotify:playlist:{playlist_id(text)}"


def canonical_context(uri: str) -> str:
    """Bring a context as Spotify reports it into the notation by which contexts are compared."""
    try:
        return canonical(uri)
    except SettingsError:
        return uri  # an album, an artist, the user's liked songs: itself


def playlists_for(settings: Settings, cache: DisplayCache) -> dict[MoodState, tuple[Playlist, ...]]:
    """Make the mapping, with names as far as they are known and without playlists known to be gone.

    Raises SettingsError that names the emotion of an entry that is no playlist.
    """
    mapping: dict[MoodState, tuple[Playlist, ...]] = {}
    for emotion, entries in settings.spotify_playlists.items():
        found: dict[str, Playlist] = {}
        for entry in entries:
            try:
                uri = canonical(entry)
            except SettingsError as error:
                raise SettingsError(f"spotify_playlists.{emotion}: {error.message}") from error
            if not cache.is_gone(uri):
                found[uri] = Playlist(uri, cache.name(uri) or f"your {emotion} playlist")
        mapping[MoodState(emotion)] = tuple(found.values())
    return mapping
