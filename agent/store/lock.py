"""One lock across threads and processes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from agent.errors import StoreError
from agent.store.files import make_way
from agent.store.paths import ensure_folder
from agent.translation import _

LOCK_TIMEOUT = 20.0
"""Seconds to wait for another process that renews the token; its own time-out is shorter."""


class ExclusiveLock:
    """An empty file that one holder at a time has locked.

    May be taken again by the thread that holds it. Two objects for one file keep each other out, in
    one process too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.RLock()
        self._processes = FileLock(path, timeout=LOCK_TIMEOUT, mode=0o600, thread_local=False)

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Wait until it is free, and hold it. Raises StoreError when that takes too long."""
        ensure_folder(self._path.parent)
        with self._threads:
            try:
                make_way(self._path)
                self._processes.acquire()
            except (Timeout, OSError) as error:
                raise StoreError(
                    _(
                        "The file {path} stays locked by another Moodtray. Close the "
                        "other one and try again."
                    ).format(path=self._path)
                ) from error
            try:
                yield
            finally:
                self._processes.release()
