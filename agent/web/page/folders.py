"""Places of music: looking around in folders, and counting in the background what can be played."""

from __future__ import annotations

import heapq
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from agent.errors import StoreError
from agent.printable import printable
from agent.store.paths import expanded
from agent.store.walk import MOST_ENTRIES
from agent.translation import _

SHOWN = 400
"""Folders of one place that are listed."""
FRESH_SECONDS = 30.0
"""A count that old is made anew; one that was quick sooner, so that what was just added counts."""
FRESH_SHARE = 20.0
"""How many times its own length a count holds."""
REMEMBERED = 1_000
"""Counts that are kept; the page shows at most a hundred for each mood."""
AT_ONCE = 2
"""Folders that are counted at the same time."""
ASKED_SECONDS = 30.0
"""A count that waits is begun only if it was asked for within so many; the page asks sooner."""


@dataclass(frozen=True, slots=True)
class FolderView:
    """A folder and the folders in it. ``unreadable`` names of it cannot be used in the settings."""

    path: str
    parents: tuple[tuple[str, str], ...]  # (name for people, path), the outermost first
    folders: tuple[tuple[str, str], ...]  # (name for people, path)
    more: bool
    unreadable: int


def look_into(text: str) -> FolderView:
    """List a folder. Raises StoreError that says what is wrong with it."""
    path = expanded(text)
    if not path.is_absolute():
        raise StoreError(
            _("“{name}” is no whole path. Begin with / or ~, or choose from the list.").format(
                name=text[:200]
            )
        )
    found: list[str] = []
    unreadable = 0
    try:
        with os.scandir(path) as entries:
            for entry in islice(entries, MOST_ENTRIES):
                if entry.name.startswith("."):
                    continue
                try:
                    if not entry.is_dir():
                        continue
                    entry.name.encode("utf-8")
                except (OSError, UnicodeEncodeError):
                    unreadable += 1
                    continue
                found.append(entry.name)  # not the way there, which may be long
    except FileNotFoundError as error:
        raise StoreError(
            _("The folder {path} is not there (any more). Choose another one.").format(
                path=str(path)[:200]
            )
        ) from error
    except NotADirectoryError as error:
        raise StoreError(
            _("{path} is a file, not a folder. Choose the folder that it lies in.").format(
                path=str(path)[:200]
            )
        ) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise StoreError(
            _("The folder {path} cannot be read ({why}). Check its permissions.").format(
                path=str(path)[:200], why=why
            )
        ) from error
    first = heapq.nsmallest(SHOWN, found, key=lambda name: printable(name).casefold())
    shown = tuple((printable(name), os.path.join(path, name)) for name in first)
    chain = [*reversed(path.parents), path]
    parents = tuple((printable(part.name or str(part)), str(part)) for part in chain)
    return FolderView(str(path), parents, shown, len(found) > SHOWN, unreadable)


@dataclass(slots=True)
class _Count:
    asked: float
    files: int = 0
    done: bool = False
    until: float = 0.0
    told: bool = False  # that it is done

    def is_over(self, now: float) -> bool:
        """Tell whether it is to be counted anew: not before somebody who asked has been told."""
        waited_for = not self.told and now - self.asked <= ASKED_SECONDS
        return self.done and now >= self.until and not waited_for


class Counter:
    """Counts what there is to play. Any thread; each answer comes at once."""

    def __init__(self, pieces: Callable[[str], Iterator[int]], now: Callable[[], float]) -> None:
        """``pieces`` counts a place piece by piece; ``now`` gives monotonic seconds."""
        self._pieces = pieces
        self._now = now
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._waiting: deque[tuple[str, _Count]] = deque()  # the longest first
        self._threads = 0

    def count(self, path: str) -> tuple[int, bool]:
        """Tell how many tracks were found so far, and whether that is all.

        ``path``: as the settings may name it, from ~ on.
        """
        path = str(expanded(path))
        with self._lock:
            now = self._now()
            known = self._counts.get(path)
            if known is None or known.is_over(now):
                known = self._counts[path] = _Count(now)
                self._waiting.append((path, known))
                while len(self._counts) > REMEMBERED:
                    self._counts.popitem(last=False)
                if self._threads < AT_ONCE:
                    threading.Thread(target=self._run, name="count", daemon=True).start()
                    self._threads += 1
            known.asked = now
            known.told = known.done
            self._counts.move_to_end(path)
            return known.files, known.done

    def _run(self) -> None:
        while (wanted := self._next()) is not None:
            path, count = wanted
            began = self._now()
            try:
                for found in self._pieces(path):
                    count.files += found
            except (OSError, ValueError):
                pass  # what cannot be read holds nothing that could be played
            ended = self._now()
            count.until = ended + min(FRESH_SECONDS, max(1.0, FRESH_SHARE * (ended - began)))
            count.done = True

    def _next(self) -> tuple[str, _Count] | None:
        """Take the next count that is still wanted; None: there is none, and the thread ends."""
        with self._lock:
            while self._waiting:
                path, count = self._waiting.popleft()
                if self._counts.get(path) is not count:  # others were asked for meanwhile
                    continue
                if self._now() - count.asked <= ASKED_SECONDS:
                    return path, count
                del self._counts[path]
            self._threads -= 1
            return None
