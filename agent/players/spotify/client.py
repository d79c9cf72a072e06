"""The few calls that Moodtray makes, through spotipy."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from typing import Any

import spotipy

from agent.errors import PlaylistGone
from agent.players.spotify.api_errors import UnknownAddress, not_understood, playlist_gone
from agent.players.spotify.parsing import (
    ConnectDevice,
    PlaylistInfo,
    Reading,
    read_devices,
    read_player,
    read_playlist,
    read_playlists,
)
from agent.players.spotify.start_request import Start
from agent.players.spotify.transport import SpotifySession
from agent.ports import Clock

# spotipy's DEBUG lines repeat whole answers: what somebody listens to belongs into no log.
logging.getLogger("spotipy").setLevel(logging.WARNING)

FIELDS = "id,name,images,owner.display_name"
PAGE = 50
"""Playlists of one answer: the most that Spotify gives."""
MAX_PAGES = 10


class SpotifyClient:
    """Each call is one request. The player's thread only.

    Two where a passing fault shows, or the token is renewed. All raise the PlayerError family and
    nothing else.
    """

    def __init__(self, session: SpotifySession, api_url: str, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        # No auth here: the session adds the token, so that spotipy cannot log it.
        self._api = spotipy.Spotify(requests_session=session)
        self._api.prefix = api_url.rstrip("/") + "/"

    def commanding(self) -> AbstractContextManager[None]:
        """Let readings belong to a command (:meth:`SpotifySession.commanding`)."""
        return self._session.commanding()

    def player(self) -> Reading:
        """Read what plays. GET /me/player."""
        answer = self._api.current_playback(additional_types="track,episode")
        return read_player(answer, self._clock.monotonic())

    def devices(self) -> list[ConnectDevice]:
        """List the devices. GET /me/player/devices."""
        return read_devices(_needed(self._api.devices()))

    def playlist(self, identity: str) -> PlaylistInfo:
        """Look a playlist up. Raises PlaylistGone."""
        try:
            return read_playlist(_needed(self._api.playlist(identity, fields=FIELDS)))
        except UnknownAddress as error:
            raise playlist_gone(identity) from error

    def my_playlists(self) -> list[PlaylistInfo]:
        """List the user's playlists. GET /me/playlists, MAX_PAGES times at most."""
        found: list[PlaylistInfo] = []
        for page in range(MAX_PAGES):
            answer = _needed(self._api.current_user_playlists(limit=PAGE, offset=page * PAGE))
            found += read_playlists(answer)
            if not answer.get("next"):
                break
        return found

    def start(self, what: Start, device_id: str) -> None:
        """Start music. Raises PlaylistGone, NoDevice (the device went away), AlreadySo."""
        try:
            self._api.start_playback(
                device_id=device_id,
                context_uri=what.context_uri,
                uris=None if what.uris is None else list(what.uris),
                offset=None if what.offset is None else {"uri": what.offset},
                position_ms=what.position_ms,
            )
        except UnknownAddress as error:
            raise PlaylistGone(error.message) from error

    def resume(self, device_id: str | None = None) -> None:
        """Let the music play on. PUT /me/player/play."""
        self._api.start_playback(device_id=device_id)

    def pause(self) -> None:
        """Pause. PUT /me/player/pause."""
        self._api.pause_playback()

    def next_track(self) -> None:
        """Go on with the next track. Raises NoDevice where nothing is awake."""
        self._api.next_track()

    def shuffle(self, on: bool, device_id: str) -> None:
        """Switch the shuffle. PUT /me/player/shuffle."""
        self._api.shuffle(on, device_id=device_id)

    def close(self) -> None:
        """End the connections."""
        self._session.close()


def _needed(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise not_understood()
    return answer
