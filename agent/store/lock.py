"""One lock across threads and processes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from agent.errors import StoreError
from agent.store.paths import ensure_folder, refuse_file_of_strangers
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
        refuse_file_of_strangers(self._path)  # whoever owns it could hold it for ever
        with self._threads:
            try:
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
