"""What is kept for display and to find things again: names and covers of playlists, the device
used last. Never what was listened to."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from agent.errors import StoreError
from agent.players.spotify.documents import Document
from agent.ports import Clock

log = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=1)
"""After that a playlist is looked up again: names and covers change, deleted ones come back."""


class DisplayCache:
    """One document; any thread. A full disk costs the memory of a restart, nothing else."""

    def __init__(self, document: Document, clock: Clock) -> None:
        self._document = document
        self._clock = clock
        self._lock = threading.Lock()
        self._value: dict[str, object] | None = None  # read when first needed

    def name(self, uri: str) -> str | None:
        return _text(self._entry(uri), "name")

    def cover(self, uri: str) -> str | None:
        """Address of the cover; Spotify's addresses last less than a day."""
        return _text(self._entry(uri), "cover")

    def is_gone(self, uri: str) -> bool:
        """True for a playlist that was missing at the latest look, within the last day."""
        return self.is_recent(uri) and self._entry(uri).get("gone") is True

    def is_recent(self, uri: str) -> bool:
        """True when it was looked up within the last day."""
        checked = _text(self._entry(uri), "checked")
        try:
            moment = datetime.fromisoformat(checked) if checked else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            return False
        return timedelta(0) <= self._clock.now() - moment < KEPT_FOR

    def remember(self, uri: str, name: str | None, cover: str | None) -> None:
        self._put(uri, {"name": name, "cover": cover, "gone": False})

    def mark_gone(self, uri: str) -> None:
        self._put(uri, {"name": self.name(uri), "gone": True})

    @property
    def device(self) -> tuple[str, str] | None:
        """(name, type) of the device used last."""
        with self._lock:
            value = self._load().get("device")
        if isinstance(value, dict):
            name, kind = _text(value, "name"), _text(value, "type")
            if name is not None:
                return name, kind or ""
        return None

    def remember_device(self, name: str, kind: str) -> None:
        if self.device == (name, kind):
            return
        with self._lock:
            self._save({**self._load(), "device": {"name": name, "type": kind}})

    def forget(self) -> bool:
        """Remove everything. True when there was something."""
        with self._lock:
            self._value = {}
            return self._document.delete()

    def _entry(self, uri: str) -> dict[str, object]:
        with self._lock:
            playlists = self._load().get("playlists")
        entry = playlists.get(uri) if isinstance(playlists, dict) else None
        return entry if isinstance(entry, dict) else {}

    def _put(self, uri: str, entry: dict[str, object]) -> None:
        entry["checked"] = self._clock.now().isoformat()
        with self._lock:
            value = self._load()
            known = value.get("playlists")
            playlists = {**known, uri: entry} if isinstance(known, dict) else {uri: entry}
            self._save({**value, "playlists": playlists})

    def _load(self) -> dict[str, object]:
        if self._value is None:
            self._value = self._document.load() or {}
        return self._value

    def _save(self, value: dict[str, object]) -> None:
        self._value = value
        try:
            self._document.save(value)
        except StoreError as error:
            log.warning("names of playlists are kept in memory only: %s", error)


def _text(value: dict[str, object], name: str) -> str | None:
    part = value.get(name)
    return part if isinstance(part, str) and part else None
