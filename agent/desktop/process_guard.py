"""What others must not get of our processes: frames and logins lie in their memory."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from pathlib import Path

COREDUMP_FILTER = Path("/proc/self/coredump_filter")
_PR_SET_DUMPABLE = 4
"""From Linux's prctl.h."""


def guard_memory() -> None:
    """Let no crash write this process's memory to the disk, and nobody but root look into it.

    Children inherit the limit. On Linux the kernel is also told to leave every kind of memory out
    of a dump, for programs that collect dumps need not heed the limit; and that the process is not
    'dumpable': its files in /proc belong to root then, and no program of the same user may read its
    memory, environment or open files. A program that is started by it begins anew: it has to call
    this itself where it holds a frame.

    Desktop portals and PipeWire tell by such a file whether who asks them runs in a sandbox.
    Nothing here asks a portal: sharing, idleness and sleep come from services that need no such
    proof, a browser is a program of its own. PipeWire's PulseAudio service plays for whom it cannot
    tell; its own protocol, which only ALSA's plugin speaks here, gives such a client the rights of
    a sandbox.
    """
    if sys.platform == "win32":  # crash dumps are off there unless somebody switches them on
        return
    import resource

    # The hard limit too: nothing that we load may raise it again.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):  # another system, or a kernel without it
        COREDUMP_FILTER.write_text("0")
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
