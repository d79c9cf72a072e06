"""Reads Spotify's JSON.

Whatever may be absent is allowed to be absent; what is there in a wrong shape is an answer that
could not be understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from agent.players.spotify.api_errors import not_understood
from agent.players.spotify.json_models import (
    TEXT_LIMIT,
    AnyName,
    AnyText,
    Few,
    Flag,
    JsonModel,
    M,
    Name,
    Text,
    or_else,
    read,
)
from agent.players.spotify.playlists import canonical_context
from agent.printable import printable
from agent.translation import _
from agent.types import Playback, PlayState

SPOKEN = ("episode", "chapter", "audiobook")
"""Spotify's words for what is no music."""

Milliseconds = Annotated[float, Field(ge=0, le=1e9)] | None
"""Nothing plays for longer than eleven days."""


@dataclass(frozen=True, slots=True)
class ConnectDevice:
    """A Spotify Connect device. ``id`` may change; ``name`` and ``type`` tell it again."""

    id: str | None
    name: str
    type: str
    active: bool
    restricted: bool

    @property
    def usable(self) -> bool:
        """True when commands may be sent to it."""
        return self.id is not None and not self.restricted


@dataclass(frozen=True, slots=True)
class PlaylistInfo:
    """For display."""

    id: str
    name: str
    cover: str | None
    owner: str | None
    tracks: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer of GET /me/player."""

    playback: Playback
    device: ConnectDevice | None
    shuffle: bool | None


class _Device(JsonModel):
    id: Text = None
    name: Name = None
    type: Text = None
    is_active: Flag = False
    is_restricted: Flag = False

    def device(self) -> ConnectDevice:
        return ConnectDevice(
            self.id,
            self.name or _("a device without a name"),
            (self.type or "").lower(),
            self.is_active,
            self.is_restricted,
        )


class _Artist(JsonModel):
    name: AnyName = None


class _Show(JsonModel):
    name: Name = None


class _Item(JsonModel):
    """A track, or an episode of a show."""

    uri: Text = None
    id: Text = None
    name: Name = None
    duration_ms: Milliseconds = None
    artists: Annotated[list[Annotated[_Artist, or_else(_Artist)]], Few, or_else(list[_Artist])] = (
        Field(default_factory=list)
    )
    show: _Show | None = None
    type: AnyText = None

    @property
    def is_spoken(self) -> bool:
        """Whether it is an episode of a podcast or a chapter of an audiobook."""
        by_uri = re.match(r"spotify:(\w+):", self.uri or "")
        return self.type in SPOKEN or (by_uri is not None and by_uri.group(1) in SPOKEN)

    def title(self) -> str | None:
        """Make 'Artist - Title'; for an episode 'Show - Title'."""
        names = [artist.name for artist in self.artists if artist.name is not None]
        by = ", ".join(names) or (None if self.show is None else self.show.name)
        title = f"{by} - {self.name}" if by and self.name else self.name or by
        return title and printable(title)


class _Context(JsonModel):
    uri: Text = None


class _Player(JsonModel):
    """GET /me/player."""

    is_playing: bool
    device: _Device | None = None
    item: _Item | None = None
    context: _Context | None = None
    progress_ms: Milliseconds = None
    currently_playing_type: AnyText = None
    shuffle_state: Annotated[bool | None, or_else(lambda: None)] = None


class _Devices(JsonModel):
    """GET /me/player/devices."""

    devices: Annotated[list[_Device], Few]


class _Image(JsonModel):
    url: Text = None


class _Owner(JsonModel):
    display_name: Name = None


class _Total(JsonModel):
    total: Annotated[int | None, or_else(lambda: None)] = None


class _Playlist(JsonModel):
    """GET /playlists/{id}."""

    id: Annotated[str, Field(max_length=TEXT_LIMIT)]
    name: Annotated[str, AfterValidator(printable)]
    images: Annotated[list[Annotated[_Image, or_else(_Image)]], Few, or_else(list[_Image])] = Field(
        default_factory=list
    )
    owner: _Owner | None = None
    items: Annotated[_Total | None, or_else(lambda: None)] = None
    tracks: Annotated[_Total | None, or_else(lambda: None)] = None
    """The name of ``items`` until 2026."""

    def info(self) -> PlaylistInfo:
        cover = self.images[0].url if self.images else None
        owner = self.owner.display_name if self.owner is not None else None
        held = self.items or self.tracks
        return PlaylistInfo(self.id, self.name, cover, owner, held.total if held else None)


class _Playlists(JsonModel):
    """GET /me/playlists; an entry without id or name (there are such) is left out."""

    items: Annotated[list[Annotated[_Playlist | None, or_else(lambda: None)]], Few]


def read_player(answer: dict[str, Any] | None, now: float) -> Reading:
    """Read what plays at ``now`` (monotonic). ``answer`` None: 204, nothing is available."""
    if answer is None:
        return Reading(Playback(now, PlayState.UNAVAILABLE), None, None)
    player = _understood(_Player, answer)
    device = player.device.device() if player.device is not None else None
    item = player.item or _Item()
    if player.is_playing:
        state = PlayState.PLAYING
    elif player.item is not None:
        state = PlayState.PAUSED
    else:
        state = PlayState.STOPPED
    uri = player.context.uri if player.context is not None else None
    playback = Playback(
        time=now,
        state=state,
        context=canonical_context(uri) if uri else None,
        track=item.uri or item.id,
        title=item.title(),
        position=_seconds(player.progress_ms),
        duration=_seconds(item.duration_ms),
        device=device.name if device else None,
        spoken=item.is_spoken or player.currently_playing_type in SPOKEN,
    )
    return Reading(playback, device, player.shuffle_state)


def read_devices(answer: dict[str, Any]) -> list[ConnectDevice]:
    """Read the devices that Spotify knows."""
    return [found.device() for found in _understood(_Devices, answer).devices]


def read_playlist(answer: dict[str, Any]) -> PlaylistInfo:
    """Read what is shown of a playlist."""
    return _understood(_Playlist, answer).info()


def read_playlists(answer: dict[str, Any]) -> list[PlaylistInfo]:
    """Read one page of the user's playlists."""
    return [found.info() for found in _understood(_Playlists, answer).items if found is not None]


def _understood(model: type[M], answer: object) -> M:
    found = read(model, answer)
    if found is None:
        raise not_understood()
    return found


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000.0
