"""Spotify's JSON -> our values. Whatever may be absent is allowed to be absent; what is there in
a wrong shape is an answer that could not be understood."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.players.spotify.api_errors import not_understood
from agent.players.spotify.playlists import canonical_context
from agent.types import Playback, PlayState


@dataclass(frozen=True, slots=True)
class Device:
    """A Spotify Connect device. ``id`` may change; ``name`` and ``type`` tell it again."""

    id: str | None
    name: str
    type: str
    active: bool
    restricted: bool

    @property
    def usable(self) -> bool:
        return self.id is not None and not self.restricted


@dataclass(frozen=True, slots=True)
class PlaylistInfo:
    """For display."""

    id: str
    name: str
    cover: str | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer of GET /me/player."""

    playback: Playback
    device: Device | None
    shuffle: bool | None


def read_player(answer: dict[str, Any] | None, now: float) -> Reading:
    """``answer`` None: 204, nothing is available. ``now`` is the monotonic time of the answer."""
    if answer is None:
        return Reading(Playback(now, PlayState.UNAVAILABLE), None, None)
    device = _device(answer["device"]) if answer.get("device") is not None else None
    playing = answer.get("is_playing")
    if not isinstance(playing, bool):
        raise not_understood()
    item = _mapping(answer, "item")
    context = _mapping(answer, "context")
    if playing:
        state = PlayState.PLAYING
    elif item is not None:
        state = PlayState.PAUSED
    else:
        state = PlayState.STOPPED
    uri = _text(context, "uri")
    shuffle = answer.get("shuffle_state")
    playback = Playback(
        time=now,
        state=state,
        context=canonical_context(uri) if uri else None,
        track=_text(item, "uri") or _text(item, "id"),
        title=_title(item),
        position=_seconds(answer, "progress_ms"),
        duration=_seconds(item, "duration_ms"),
        device=device.name if device else None,
        spoken=_is_spoken(answer, item),
    )
    return Reading(playback, device, shuffle if isinstance(shuffle, bool) else None)


def read_devices(answer: dict[str, Any]) -> list[Device]:
    devices = answer.get("devices")
    if not isinstance(devices, list):
        raise not_understood()
    return [_device(device) for device in devices]


def read_playlist(answer: dict[str, Any]) -> PlaylistInfo:
    identity, name = answer.get("id"), answer.get("name")
    if not isinstance(identity, str) or not isinstance(name, str):
        raise not_understood()
    images = answer.get("images")
    cover = None
    if isinstance(images, list) and images and isinstance(images[0], dict):
        cover = _text(images[0], "url")
    return PlaylistInfo(identity, name, cover, _text(_mapping(answer, "owner"), "display_name"))


def _device(value: object) -> Device:
    if not isinstance(value, dict):
        raise not_understood()
    return Device(
        _text(value, "id"),
        _text(value, "name") or "a device without a name",
        (_text(value, "type") or "").lower(),
        value.get("is_active") is True,
        value.get("is_restricted") is True,
    )


def _is_spoken(answer: Mapping[str, Any], item: Mapping[str, Any] | None) -> bool:
    """Whether an episode of a podcast or a chapter of an audiobook is loaded."""
    kinds = (answer.get("currently_playing_type"), None if item is None else item.get("type"))
    uri = item.get("uri") if item is not None else None
    named = isinstance(uri, str) and re.match(r"spotify:(episode|chapter|audiobook):", uri)
    return bool(named) or any(kind in ("episode", "chapter", "audiobook") for kind in kinds)


def _title(item: Mapping[str, Any] | None) -> str | None:
    """'Artist - Title'; for an episode 'Show - Title'."""
    if item is None:
        return None
    name = _text(item, "name")
    artists = item.get("artists")
    names = [
        artist["name"]
        for artist in (artists if isinstance(artists, list) else [])
        if isinstance(artist, dict) and isinstance(artist.get("name"), str) and artist["name"]
    ]
    by = ", ".join(names) or _text(_mapping(item, "show"), "name")
    return f"{by} - {name}" if by and name else name or by


def _mapping(value: Mapping[str, Any] | None, name: str) -> Mapping[str, Any] | None:
    part = value.get(name) if value is not None else None
    if part is not None and not isinstance(part, dict):
        raise not_understood()
    return part


def _text(value: Mapping[str, Any] | None, name: str) -> str | None:
    part = value.get(name) if value is not None else None
    if part is not None and not isinstance(part, str):
        raise not_understood()
    return part or None


def _seconds(value: Mapping[str, Any] | None, name: str) -> float | None:
    part = value.get(name) if value is not None else None
    if part is None:
        return None
    if not isinstance(part, int | float) or isinstance(part, bool) or part < 0:
        raise not_understood()
    return part / 1000.0
