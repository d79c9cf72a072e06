"""Giving memory back to the system that the start, or a page, has needed and freed."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Return freed memory to the system: about 14 MB after the start, which glibc would keep at
    hand. Takes milliseconds; does nothing where there is no glibc. Any thread."""
    if not sys.platform.startswith("linux"):
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
