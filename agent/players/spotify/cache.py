"""What is kept for display and to find things again: names, covers, the device used last.

Never what was listened to.
"""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from agent.errors import StoreError
from agent.players.spotify.json_models import (
    AnyMoment,
    AnyText,
    Flag,
    JsonModel,
    or_else,
    read,
)
from agent.players.spotify.login_state import PersonalFile
from agent.ports import Clock
from agent.store.jsonfile import JsonFile

log = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=1)
"""After that a playlist is looked up again: names and covers change, deleted ones come back."""


class _PlaylistName(JsonModel):
    name: AnyText = None
    cover: AnyText = None
    gone: Flag = False
    checked: AnyMoment = None


class _LastDevice(JsonModel):
    name: Annotated[str, Field(min_length=1)]
    type: Annotated[str, or_else(str)] = ""


class _Names(JsonModel):
    playlists: Annotated[
        dict[str, Annotated[_PlaylistName, or_else(_PlaylistName)]],
        or_else(dict[str, _PlaylistName]),
    ] = Field(default_factory=dict)
    device: Annotated[_LastDevice | None, or_else(lambda: None)] = None


class DisplayCache:
    """One document; any thread. A full disk costs the memory of a restart, nothing else."""

    def __init__(self, document: JsonFile | PersonalFile, clock: Clock) -> None:
        self._document = document
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: _Names | None = None  # read when first needed

    def name(self, uri: str) -> str | None:
        """Return the name of a playlist, None when it is not known."""
        return self._entry(uri).name

    def cover(self, uri: str) -> str | None:
        """Return the address of the cover; Spotify's addresses last less than a day."""
        return self._entry(uri).cover

    def is_gone(self, uri: str) -> bool:
        """Tell whether it was missing at the latest look, within the last day."""
        return self.is_recent(uri) and self._entry(uri).gone

    def is_recent(self, uri: str) -> bool:
        """Tell whether it was looked up within the last day."""
        moment = self._entry(uri).checked
        if moment is None or moment.tzinfo is None:
            return False
        return timedelta(0) <= self._clock.now() - moment < KEPT_FOR

    def remember(self, uri: str, name: str | None, cover: str | None) -> None:
        """Keep name and cover of a playlist that was looked up."""
        self._put(uri, _PlaylistName(name=name, cover=cover, checked=self._clock.now()))

    def mark_gone(self, uri: str) -> None:
        """Note that a playlist was missing."""
        self._put(uri, _PlaylistName(name=self.name(uri), gone=True, checked=self._clock.now()))

    @property
    def device(self) -> tuple[str, str] | None:
        """(name, type) of the device used last."""
        with self._lock:
            device = self._load().device
        return None if device is None else (device.name, device.type)

    def remember_device(self, name: str, kind: str) -> None:
        """Keep the device used last."""
        if not name or self.device == (name, kind):
            return
        with self._lock:
            device = _LastDevice(name=name, type=kind)
            self._save(self._load().model_copy(update={"device": device}))

    def forget(self) -> bool:
        """Remove everything. True when there was something."""
        with self._lock:
            self._kept = _Names()
            return self._document.delete()

    def _entry(self, uri: str) -> _PlaylistName:
        with self._lock:
            return self._load().playlists.get(uri) or _PlaylistName()

    def _put(self, uri: str, entry: _PlaylistName) -> None:
        with self._lock:
            kept = self._load()
            playlists = {**kept.playlists, uri: entry}
            self._save(kept.model_copy(update={"playlists": playlists}))

    def _load(self) -> _Names:
        if self._kept is None:
            self._kept = read(_Names, self._document.load()) or _Names()
        return self._kept

    def _save(self, kept: _Names) -> None:
        self._kept = kept
        try:
            self._document.save(kept.model_dump(mode="json", exclude_none=True))
        except StoreError as error:
            log.warning("names of playlists are kept in memory only: %s", error)
