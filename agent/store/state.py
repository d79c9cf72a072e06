"""Small facts that a restart should remember (consent, a Retry-After, request counts): one JSON
object a file, readable by its owner alone."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.errors import StoreError
from agent.store.files import write_atomic

log = logging.getLogger(__name__)


class StateFile:
    """One JSON object on disk. Any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def load(self) -> dict[str, Any]:
        """The stored object; empty when there is none.

        State is what can be learned again, so a damaged file is set aside (``.broken``) with a
        warning in the log and the program starts from nothing. Raises StoreError when a file is
        there that may not be read.
        """
        with self._lock:
            try:
                value = json.loads(self.path.read_text(encoding="utf-8"))
            except FileNotFoundError:
                return {}
            except (ValueError, RecursionError):
                value = None
            except OSError as error:
                raise StoreError(
                    f"{self.path} cannot be read ({error.strerror}). Check its permissions."
                ) from error
            if isinstance(value, dict):
                return value
            self._set_aside()
            return {}

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the stored object, atomically, mode 0600. Raises StoreError."""
        data = json.dumps(dict(state), indent=2, ensure_ascii=False) + "\n"
        with self._lock:
            write_atomic(self.path, data.encode("utf-8"))

    def _set_aside(self) -> None:
        broken = self.path.with_name(self.path.name + ".broken")
        try:
            self.path.replace(broken)
        except OSError as error:
            log.warning("%s is damaged and is ignored (%s)", self.path, error.strerror)
        else:
            log.warning("%s was damaged; it is kept as %s", self.path, broken.name)
