"""Silence for a library that writes to stderr itself and cannot be told not to.

libjpeg, within OpenCV, writes a line for each damaged picture: a bad cable would fill a journal.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_lock = threading.Lock()


@contextmanager
def c_stderr_silenced() -> Iterator[None]:
    """Have what C writes to its stderr go nowhere; what Python and others write to 2 does not.

    Any thread, one at a time. Nothing happens where C's stderr cannot be reached: on Windows, where
    each library has its own, and with a C library that allows no other.
    """
    found = _stderr()
    if found is None:
        yield
        return
    stderr, nowhere = found
    with _lock:
        before, stderr.value = stderr.value, nowhere
        try:
            yield
        finally:
            stderr.value = before


@cache
def _stderr() -> tuple[Any, int] | None:
    """Find the variable that holds C's stderr, and open a stream that leads nowhere."""
    glibc = sys.platform == "linux" and platform.libc_ver()[0] == "glibc"
    if not glibc and sys.platform != "darwin":
        return None
    library = ctypes.CDLL(None)
    name = "stderr" if glibc else "__stderrp"
    library.fopen.restype = ctypes.c_void_p
    nowhere = library.fopen(os.devnull.encode(), b"w")
    if not nowhere:
        return None
    return ctypes.c_void_p.in_dll(library, name), nowhere
