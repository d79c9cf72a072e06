"""What Spotify can be asked to start: playlists, and what the user listened to before a change.

The contract names albums, artists and playlists as contexts, and single tracks; a place to begin at
is for albums, playlists and single tracks only. Shows and the user's liked songs are no part of it,
and are asked for all the same: Spotify may refuse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from agent.errors import PlayerError, SettingsError
from agent.players.spotify.playlists import canonical
from agent.translation import N_, _
from agent.types import Place, Playlist

_CONTEXT = re.compile(r"spotify:(?P<kind>album|artist|show):[0-9A-Za-z]{22}")
_LIKED = re.compile(r"spotify:(user:[^:]+:)?collection")
_TRACK = re.compile(r"spotify:(track|episode):[0-9A-Za-z]{22}")
_WITH_PLACE = ("playlist", "album")
REFUSED = N_("Spotify cannot start this")


@dataclass(frozen=True, slots=True)
class Start:
    """The body of PUT /me/player/play.

    ``uri`` is what readings then show: the context, or the track where there is none.
    """

    uri: str
    is_playlist: bool = False
    context_uri: str | None = None
    uris: tuple[str, ...] | None = None
    offset: str | None = None  # uri of the track to begin with
    position_ms: int | None = None

    @property
    def has_place(self) -> bool:
        """True when it begins at a place in the playlist."""
        return self.offset is not None or self.position_ms is not None

    def from_the_beginning(self) -> Start:
        """Return the same without the place."""
        return replace(self, offset=None, position_ms=None)


def start_of(playlist: Playlist) -> Start:
    """Make the request. Raises PlayerError for what programs cannot start, in fitting words."""
    uri, place = playlist.uri, playlist.place
    if _TRACK.fullmatch(uri):
        return replace(_at(Start(uri, uris=(uri,)), place), offset=None)
    context = _CONTEXT.fullmatch(uri)
    if context is not None:
        start = Start(uri, context_uri=uri)
        return _at(start, place) if context["kind"] in _WITH_PLACE else start
    if _LIKED.fullmatch(uri):
        return Start(uri, context_uri=uri)
    try:
        uri = canonical(uri)
    except SettingsError as error:
        if uri.startswith("spotify:"):
            raise not_startable(playlist.name) from error
        raise PlayerError(error.message, title=error.title) from error
    return _at(Start(uri, is_playlist=True, context_uri=uri), place)


def not_startable(name: str) -> PlayerError:
    """Make the error for ``name`` as people know it."""
    return PlayerError(
        _("Spotify does not let programs start {name}. Start it by hand in Spotify.").format(
            name=name
        ),
        title=_(REFUSED),
    )


def _at(start: Start, place: Place | None) -> Start:
    """Make the offset; local files and the like have no uri that Spotify would begin with."""
    if place is None or not _TRACK.fullmatch(place.track):
        return start
    return replace(start, offset=place.track, position_ms=max(0, int(place.position * 1000)))
