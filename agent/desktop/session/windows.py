"""The desktop session on Windows, asked through the system's own libraries.

Lock state: WTSQuerySessionInformation (Windows 8 and newer); idle time: GetLastInputInfo; battery:
GetSystemPowerStatus; presenting: SHQueryUserNotificationState, true while the user shows slides
or told Windows so. Sleep is not told beforehand to programs that ask: the agent sleeps with the
computer, and the camera's watchdog opens it anew after waking. The lid puts the computer to sleep,
or the screen in use is another one.
"""

from __future__ import annotations

import struct
import sys
from typing import Protocol

from agent.desktop.session.signals import Signals

PRESENTING = 4
"""QUNS_PRESENTATION_MODE."""
WTS_SESSION_INFO_EX = 25
_LOCKED = 0  # WTS_SESSIONSTATE_LOCK


class Calls(Protocol):
    """The system calls with their raw answers; None: the call failed."""

    def session_info(self) -> bytes | None:
        """Return the WTSINFOEXW of the present session."""
        ...

    def last_input_age(self) -> int | None:
        """Return the milliseconds since the last input."""
        ...

    def power_status(self) -> bytes | None:
        """Return the SYSTEM_POWER_STATUS."""
        ...

    def notification_state(self) -> int | None:
        """Return the QUERY_USER_NOTIFICATION_STATE."""
        ...


def ask(calls: Calls) -> Signals:
    """Take one reading. What cannot be read counts as not known."""
    age = calls.last_input_age()
    state = calls.notification_state()
    return Signals(
        locked=is_locked(calls.session_info()),
        idle_seconds=None if age is None else age / 1000.0,
        sharing=None if state is None else state == PRESENTING,
        on_battery=runs_on_battery(calls.power_status()),
    )


def is_locked(info: bytes | None) -> bool:
    """Read from WTSINFOEXW whether the session is locked.

    Level (DWORD), padding to eight bytes, then session id, connection state and flags (three
    DWORDs).
    """
    if info is None or len(info) < 20:
        return False
    level, _session, _state, flags = struct.unpack_from("<I4xIII", info)
    return bool(level == 1 and flags == _LOCKED)


def runs_on_battery(status: bytes | None) -> bool | None:
    """Read from SYSTEM_POWER_STATUS whether the computer runs on battery; None: not known.

    Its first byte is 0 on battery, 1 on mains, 255 when unknown.
    """
    if not status:
        return None
    return {0: True, 1: False}.get(status[0])


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    class SystemCalls:
        """Implements Calls."""

        def __init__(self) -> None:
            self._wts = ctypes.WinDLL("wtsapi32")
            self._user = ctypes.WinDLL("user32")
            self._kernel = ctypes.WinDLL("kernel32")
            self._shell = ctypes.WinDLL("shell32")
            self._wts.WTSQuerySessionInformationW.argtypes = [
                wintypes.HANDLE,
                wintypes.DWORD,
                ctypes.c_int,
                ctypes.POINTER(ctypes.c_void_p),
                ctypes.POINTER(wintypes.DWORD),
            ]
            self._wts.WTSFreeMemory.argtypes = [ctypes.c_void_p]
            self._wts.WTSFreeMemory.restype = None
            self._kernel.GetTickCount.restype = wintypes.DWORD

        def session_info(self) -> bytes | None:
            """Read WTSINFOEXW of the present session."""
            buffer = ctypes.c_void_p()
            size = wintypes.DWORD()
            this_session = 0xFFFFFFFF
            if not self._wts.WTSQuerySessionInformationW(
                None, this_session, WTS_SESSION_INFO_EX, ctypes.byref(buffer), ctypes.byref(size)
            ):
                return None
            try:
                return ctypes.string_at(buffer, size.value) if buffer.value else None
            finally:
                self._wts.WTSFreeMemory(buffer)

        def last_input_age(self) -> int | None:
            """Return the milliseconds since the last input."""
            info = (wintypes.DWORD * 2)(8, 0)  # LASTINPUTINFO: its size, then the tick
            if not self._user.GetLastInputInfo(ctypes.byref(info)):
                return None
            # Both count milliseconds in 32 bits and wrap around every 49 days.
            return int((self._kernel.GetTickCount() - info[1]) & 0xFFFFFFFF)

        def power_status(self) -> bytes | None:
            """Read SYSTEM_POWER_STATUS."""
            status = ctypes.create_string_buffer(12)
            return status.raw if self._kernel.GetSystemPowerStatus(status) else None

        def notification_state(self) -> int | None:
            """Ask whether somebody presents or plays in full screen."""
            state = ctypes.c_int()
            failed = self._shell.SHQueryUserNotificationState(ctypes.byref(state))
            return None if failed else state.value
