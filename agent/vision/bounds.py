"""What a stream or a video may cost: pixels of a frame, and memory while it is opened and read.

A server can claim any size, and send without an end; FFmpeg believes it. Its own limit for one
piece of memory keeps a packet small, and between the pieces the program looks at its whole size.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

MOST_LIVE_PIXELS = 4096 * 3072
"""Of a camera's frame: the largest that are sold have 12 million. Decoded it takes 38 MB."""
ROOM = 11
"""Bytes for each pixel of the largest frame by which the program may grow: a decoder keeps some."""
WITHOUT_CAMERA = 150_000_000
"""Bytes that the program has at least, once all of it is loaded."""
NO_MORE = 1
"""FFmpeg's limit in bytes that lets whatever it is about fail."""


class Roof:
    """What may be taken for a source whose frames have at most ``most_pixels``. Any thread."""

    def __init__(self, most_pixels: int) -> None:
        self.most_pixels = most_pixels
        self._limit = max(_size(), WITHOUT_CAMERA) + ROOM * most_pixels

    @property
    def is_reached(self) -> bool:
        """Some microseconds."""
        return _size() > self._limit

    def bound_pieces(self) -> None:
        """Let FFmpeg have no larger piece of memory at once than such a frame takes."""
        _limit_pieces(3 * self.most_pixels + 100_000)

    def choke(self) -> None:
        """Let FFmpeg have none: what it is opening fails, and gives back what it took."""
        _limit_pieces(NO_MORE)


def jpeg_size(data: NDArray[np.uint8]) -> tuple[int, int] | None:
    """Read (width, height) from the head of a JPEG; None: it is none.

    By ISO/IEC 10918-1, B.1.1: markers, each with its length, up to the frame's header.
    """
    if len(data) < 4 or data[0] != 0xFF or data[1] != 0xD8:
        return None
    place = 2
    while place + 9 <= len(data):
        if data[place] != 0xFF:
            return None
        marker = int(data[place + 1])
        if marker == 0xFF:  # fill
            place += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # without a length
            place += 2
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height = int(data[place + 5]) << 8 | int(data[place + 6])
            width = int(data[place + 7]) << 8 | int(data[place + 8])
            return (width, height) if width and height else None
        else:
            place += 2 + (int(data[place + 2]) << 8 | int(data[place + 3]))
    return None


def _size() -> int:
    """Return the bytes of this program that lie in memory."""
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
    """Find the library of FFmpeg that OpenCV has loaded; None where it cannot be reached."""
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
