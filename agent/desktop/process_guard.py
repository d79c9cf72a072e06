"""What the system must not keep of our processes: frames and logins lie in their memory."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

COREDUMP_FILTER = Path("/proc/self/coredump_filter")


def guard_memory() -> None:
    """Let no crash write this process's memory to the disk; children inherit that.

    On Linux the kernel is also told to leave every kind of memory out of a dump, for programs that
    collect dumps need not heed the limit. The process stays 'dumpable': PipeWire and the desktop's
    portals look at /proc/PID/root of their clients, and turn away those that hide it.
    """
    if sys.platform == "win32":  # crash dumps are off there unless somebody switches them on
        return
    import resource

    # The hard limit too: nothing that we load may raise it again.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):  # another system, or a kernel without it
        COREDUMP_FILTER.write_text("0")
