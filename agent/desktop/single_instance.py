"""One agent for each user: a lock in the runtime folder.

The operating system holds the lock for the process, so that it is gone the moment the process is,
whatever way it went; the file that stays behind means nothing.
"""

from __future__ import annotations

import os
from types import TracebackType

from filelock import FileLock, Timeout

from agent.errors import StoreError
from agent.store.files import make_way
from agent.store.paths import Paths, ensure_folder, refuse_file_of_strangers
from agent.translation import _

LOCK_NAME = "agent.lock"
LOOK_PATIENCE = 0.3
"""Seconds for which a start puts up with a taken lock: :meth:`Instance.is_taken` holds it for a
moment."""


class Instance:
    """The right to be the running agent. The main thread; blocks for LOOK_PATIENCE at most.

    ::

        instance = Instance(paths)
        if not instance.acquire():
            print(hand_over(paths))  # agent.web.door_client
            raise SystemExit(0)
    """

    def __init__(self, paths: Paths) -> None:
        self._folder = paths.runtime
        # Not per thread: the lock belongs to the process. fallback_to_soft would make a file whose
        # mere presence locks, and that one does survive a kill.
        self._lock = FileLock(
            str(paths.runtime / LOCK_NAME), mode=0o600, thread_local=False, fallback_to_soft=False
        )

    def acquire(self) -> bool:
        """Try to be the agent; True when this process is it now, False when another one is.

        Raises StoreError when the runtime folder cannot be used.
        """
        ensure_folder(self._folder)
        try:
            make_way(self._folder / LOCK_NAME)
            self._lock.acquire(timeout=LOOK_PATIENCE, poll_interval=0.02)
        except Timeout:
            return False
        except OSError as error:
            raise StoreError(
                _(
                    "The lock {folder} cannot be used ({why}). Check the "
                    "permissions of its folder, or name another place with the "
                    "variable MOODTRAY_HOME."
                ).format(folder=self._folder / LOCK_NAME, why=error.strerror or error)
            ) from error
        return True

    def is_taken(self) -> bool:
        """Tell whether another process is the agent.

        For commands, which do not want to be it: a lock that cannot be looked at counts as free.
        """
        if not os.path.exists(self._folder / LOCK_NAME):
            return False
        try:
            refuse_file_of_strangers(self._folder / LOCK_NAME)
            self._lock.acquire(timeout=0)
        except Timeout:
            return True
        except (OSError, StoreError):
            return False
        self.release()
        return False

    def release(self) -> None:
        """Let another agent start. May be called twice."""
        self._lock.release(force=True)

    def __enter__(self) -> Instance:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
