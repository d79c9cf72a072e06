"""What a stream or a video may cost: pixels of a frame, and memory while it is opened and read.

A server can claim any size, and send without an end; FFmpeg believes it. Its own limit for one
piece of memory keeps a packet small, and while it works a thread looks at the program's whole size.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from agent.opencv import cv2
from agent.vision import MOST_PIXELS

ROOM = 11
"""Bytes for each pixel of the largest frame by which the program may grow: a decoder keeps some."""
WITHOUT_CAMERA = 150_000_000
"""Bytes that the program has at least, once all of it is loaded."""
_PAGES = Path("/proc/self/statm")
"""Of this program, on Linux: the second number counts those that lie in memory, the sixth those
that are its own to write."""
LARGEST_PLANE, LARGEST_PICTURE = 2 * MOST_PIXELS + 100_000, 3 * MOST_PIXELS + 100_000
"""Bytes that FFmpeg may have at once: one plane of such a frame takes them while it is decoded, and
the whole as a picture. There are three planes, so that more would make larger frames."""
NO_MORE = 1
"""FFmpeg's limit in bytes that lets whatever it is about fail."""
LOOK_SECONDS = 0.02
"""Between two looks at how much memory it takes to open or read something."""


class Roof:
    """What may be taken for a source of frames, beside what is there now. Any thread."""

    def __init__(self) -> None:
        self._limit = max(_size(), WITHOUT_CAMERA) + ROOM * MOST_PIXELS
        self.was_reached = False
        """Whether FFmpeg was stopped under it."""

    @property
    def is_reached(self) -> bool:
        """Some microseconds."""
        return _size() > self._limit

    @contextmanager
    def stands(self) -> Iterator[None]:
        """Have whatever FFmpeg is about within fail once it is reached, and give back its memory.

        One packet may name millions of pictures: it does not come back before it knows them all.
        """
        _LOOKOUT.begin(self)
        try:
            yield
        finally:
            _LOOKOUT.end(self)


class _Lookout:
    """One thread for all roofs that stand; it sleeps while none does."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._standing: list[Roof] = []
        self._thread: threading.Thread | None = None

    def begin(self, roof: Roof) -> None:
        with self._changed:
            _limit_pieces(LARGEST_PLANE)
            self._standing.append(roof)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="memory", daemon=True)
                self._thread.start()
            self._changed.notify()

    def end(self, roof: Roof) -> None:
        with self._changed:
            self._standing.remove(roof)
            _limit_pieces(LARGEST_PLANE if self._standing else LARGEST_PICTURE)

    def _look(self) -> None:
        with self._changed:
            while True:
                self._changed.wait(LOOK_SECONDS if self._standing else None)
                for roof in self._standing:
                    if roof.is_reached:
                        roof.was_reached = True
                        _limit_pieces(NO_MORE)


_LOOKOUT = _Lookout()


class Wall:
    """The system's own limit: whoever wants ``more`` bytes than are taken now gets none.

    On Linux alone; elsewhere it holds nothing back. For the whole program, so for commands only.
    """

    def __init__(self, more: int) -> None:
        self._limit = more
        if _PAGES.exists():
            self._limit += int(_PAGES.read_bytes().split()[5]) * os.sysconf("SC_PAGE_SIZE")

    @contextmanager
    def stands(self) -> Iterator[None]:
        """Have it stand within."""
        if sys.platform != "linux":
            yield
            return
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        tightest = min([self._limit, *(n for n in (soft, hard) if n != resource.RLIM_INFINITY)])
        resource.setrlimit(resource.RLIMIT_DATA, (tightest, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _size() -> int:
    """Return the bytes of this program that lie in memory."""
    if _PAGES.exists():  # psutil reads it too, and takes a hundredth of a second to load
        return int(_PAGES.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return int(_process().memory_info().rss)


@cache
def _process() -> Any:
    import psutil

    return psutil.Process()


def _limit_pieces(size: int) -> None:
    library = _avutil()
    if library is not None:
        library.av_max_alloc(ctypes.c_size_t(size))


@cache
def _avutil() -> Any | None:
    """Find the library of FFmpeg that OpenCV has loaded; None where it cannot be reached.

    On Windows it is within one library with OpenCV's part, which exports nothing of FFmpeg's.
    """
    beside = Path(cv2.__file__).resolve().parent
    found = [*beside.glob(".dylibs/libavutil*"), *beside.parent.glob("opencv_*.libs/libavutil*")]
    if sys.platform == "linux":  # also the system's own
        lines = Path("/proc/self/maps").read_text(errors="replace").splitlines()
        found = [Path(line.split(maxsplit=5)[-1]) for line in lines if "libavutil" in line]
    for path in found:
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        if hasattr(library, "av_max_alloc"):
            return library
    return None
