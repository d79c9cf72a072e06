"""Keeps the C library from holding on to memory that nobody uses any more.

glibc gives each thread a heap of its own and keeps what was freed in it. A program of ten mostly
sleeping threads, whose start alone frees several megabytes (imports, the first pictures), stays
some 15 MB larger than it is. Other systems and C libraries need none of this.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ARENAS = 2
"""Heaps for all threads: two keep decoding and sound out of each other's way."""
_M_ARENA_MAX = -8
"""From glibc's malloc.h."""


@contextmanager
def importing() -> Iterator[None]:
    """Import within it: modules stay, and none of them is looked through for garbage.

    Python would do so again and again meanwhile, for a tenth of the start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def use_few_heaps() -> None:
    """Call it before the first thread starts. Never raises."""
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Return what is free to the system; some milliseconds. Any thread; never raises."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> Any | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "mallopt") else None
