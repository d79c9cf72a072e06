"""Who else has the webcam open: a good neighbour lets it go when another program wants it.

Of a webcam many programs may have the device open under Linux, but only one gets its pictures: a
second one that keeps it open while we have it wants it, and waits for us. Linux tells that in
/proc, for the processes of the same user, and only of programs that go on holding the device: one
that tries for a moment and gives up is not seen. Windows and macOS do not tell at all: there two
programs either share the camera, or the second one is refused and says so to the user.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from agent.errors import CameraBusy
from agent.ports import Clock
from agent.printable import printable
from agent.translation import _

Holders: TypeAlias = frozenset[tuple[int, str]]
"""Process number and program name."""

SHARE = 0.001
"""Of one core that looking may cost on average: after a look that took 5 ms the next one is 5 s
away."""
SECONDS_BETWEEN = 5.0
"""Not more often than that, be a look ever so cheap."""
LISTERS = frozenset({"wireplumber", "pipewire-media-"})
"""Session services that keep every camera open in order to list it, and never take a picture; as
the kernel cuts their names."""


def holders(device: Path) -> Holders:
    """List the user's other processes that have ``device`` open.

    Any path works, links are followed; none where the system does not tell. Some milliseconds;
    never raises.
    """
    if sys.platform != "linux":
        return frozenset()
    target, me, user = os.path.realpath(device), str(os.getpid()), os.getuid()
    found: set[tuple[int, str]] = set()
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        folder = f"/proc/{pid}"
        try:
            if pid != me and os.stat(folder).st_uid == user and _has_open(folder, target):
                name = Path(folder, "comm").read_text(errors="replace").strip()
                found.add((int(pid), printable(name)))
        except OSError:  # it has just ended, or keeps its files to itself
            continue
    return frozenset(found)


def _has_open(folder: str, target: str) -> bool:
    for number in os.listdir(f"{folder}/fd"):
        try:
            if os.readlink(f"{folder}/fd/{number}") == target:
                return True
        except OSError:  # closed meanwhile
            continue
    return False


class OtherCameraUsers:
    """Tells when to let a webcam go and when it is free again. One thread.

    Who has the device open already while we get pictures does not use it, and is no reason to
    go; who comes later is, and keeps being one until it has closed the device.
    """

    def __init__(self, clock: Clock, look: Callable[[Path], Holders] = holders) -> None:
        self._clock = clock
        self._look_at = look
        self._device: Path | None = None
        self._idle: Holders = frozenset()
        self._preferred: Holders = frozenset()
        self._next_look = 0.0

    def keeping(self, device: Path | None) -> str | None:
        """Return the program that ``device`` was left to and that still has it open, if any.

        To be asked before opening; None: nothing that could be shared.
        """
        if device != self._device:
            self._device, self._preferred = device, frozenset()
        if device is not None and self._preferred:
            self._preferred &= self._look(device)
        return _name(self._preferred)

    def opened(self) -> None:
        """Note that we have the device, and pictures: whoever else has it open takes none."""
        self._preferred = frozenset()
        self._idle = self._look(self._device) if self._device is not None else frozenset()

    def wanting(self) -> str | None:
        """Return the program that wants the device while we have it. Looks only when it may."""
        if self._device is None or self._clock.monotonic() < self._next_look:
            return None
        now = self._look(self._device)
        self._preferred = now - self._idle
        self._idle &= now
        return _name(self._preferred)

    def _look(self, device: Path) -> Holders:
        began = time.thread_time()
        found = self._look_at(device)
        cost = time.thread_time() - began
        self._next_look = self._clock.monotonic() + max(SECONDS_BETWEEN, cost / SHARE)
        return frozenset(holder for holder in found if holder[1] not in LISTERS)


class Wanted(CameraBusy):
    """The webcam is left to another program. What closes the camera is the Worker's release."""

    def __init__(self, program: str) -> None:
        super().__init__(
            _(
                "Another program ({program}) uses the camera, so Moodtray has "
                "let it go and takes it again when it is free."
            ).format(program=program)
        )


def _name(held_by: Holders) -> str | None:
    return min(held_by)[1] if held_by else None
