"""The desktop session on macOS, asked through the system's own libraries.

Lock state and whose session has the screen: CGSessionCopyCurrentDictionary; idle time:
CGEventSourceSecondsSinceLastEventType; battery: IOPSGetTimeRemainingEstimate. Sleep is not told
beforehand to programs that ask: the agent sleeps with the computer, and the camera's watchdog
opens it anew after waking; so it is with the lid. Whether the screen is shared is told to no
program.
"""

from __future__ import annotations

import sys
from typing import Protocol

from agent.desktop.session.signals import Signals
from agent.errors import DesktopError
from agent.translation import _

UNLIMITED = -2.0
"""IOPSGetTimeRemainingEstimate on mains power."""


class Calls(Protocol):
    """The system calls; None: not known."""

    def session_flag(self, name: str) -> bool | None:
        """Read a flag of the login session; None: it is not set.

        Raises DesktopError where the program runs in no graphical session.
        """
        ...

    def idle_seconds(self) -> float | None:
        """Return the seconds since the last input."""
        ...

    def battery_seconds(self) -> float | None:
        """Estimate the time left; UNLIMITED on mains, -1 while it is being worked out."""
        ...


def ask(calls: Calls) -> Signals:
    """Take one reading."""
    left = calls.battery_seconds()
    return Signals(
        # The flag is there only while the screen is locked.
        locked=calls.session_flag("CGSSessionScreenIsLocked") is True,
        in_background=calls.session_flag("kCGSSessionOnConsoleKey") is False,
        idle_seconds=calls.idle_seconds(),
        on_battery=None if left is None else left != UNLIMITED,
    )


if sys.platform == "darwin":
    import ctypes
    import ctypes.util

    _UTF8 = 0x08000100
    _INT32 = 3  # kCFNumberSInt32Type
    _COMBINED_SESSION_STATE = 0
    _ANY_INPUT = 0xFFFFFFFF

    def _library(name: str) -> ctypes.CDLL:
        found = ctypes.util.find_library(name)
        if found is None:
            raise DesktopError(_("The system library {name} is not there.").format(name=name))
        return ctypes.CDLL(found)

    class SystemCalls:
        """Implements Calls."""

        def __init__(self) -> None:
            self._core = _library("CoreFoundation")
            self._services = _library("ApplicationServices")
            self._power = _library("IOKit")
            self._core.CFStringCreateWithCString.restype = ctypes.c_void_p
            self._core.CFStringCreateWithCString.argtypes = [
                ctypes.c_void_p,
                ctypes.c_char_p,
                ctypes.c_uint32,
            ]
            self._core.CFDictionaryGetValue.restype = ctypes.c_void_p
            self._core.CFDictionaryGetValue.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
            self._core.CFBooleanGetValue.restype = ctypes.c_bool
            self._core.CFBooleanGetValue.argtypes = [ctypes.c_void_p]
            self._core.CFGetTypeID.restype = ctypes.c_ulong
            self._core.CFGetTypeID.argtypes = [ctypes.c_void_p]
            self._core.CFBooleanGetTypeID.restype = ctypes.c_ulong
            self._core.CFNumberGetTypeID.restype = ctypes.c_ulong
            self._core.CFNumberGetValue.restype = ctypes.c_bool
            self._core.CFNumberGetValue.argtypes = [
                ctypes.c_void_p,
                ctypes.c_long,
                ctypes.c_void_p,
            ]
            self._core.CFRelease.argtypes = [ctypes.c_void_p]
            self._core.CFRelease.restype = None
            self._services.CGSessionCopyCurrentDictionary.restype = ctypes.c_void_p
            seconds_since = self._services.CGEventSourceSecondsSinceLastEventType
            seconds_since.restype = ctypes.c_double
            seconds_since.argtypes = [ctypes.c_int32, ctypes.c_uint32]
            self._power.IOPSGetTimeRemainingEstimate.restype = ctypes.c_double

        def session_flag(self, name: str) -> bool | None:
            """Read a flag of the login session."""
            session = self._services.CGSessionCopyCurrentDictionary()
            if not session:
                raise DesktopError(_("There is no graphical session to follow."))
            key = self._core.CFStringCreateWithCString(None, name.encode(), _UTF8)
            try:
                # The value belongs to the dictionary and is not released.
                value = self._core.CFDictionaryGetValue(session, key)
                return self._truth(value) if value else None
            finally:
                self._core.CFRelease(key)
                self._core.CFRelease(session)

        def _truth(self, value: int) -> bool | None:
            # Systems differ in whether a flag is a boolean or a number.
            kind = self._core.CFGetTypeID(value)
            if kind == self._core.CFBooleanGetTypeID():
                return bool(self._core.CFBooleanGetValue(value))
            if kind == self._core.CFNumberGetTypeID():
                number = ctypes.c_int32()
                if self._core.CFNumberGetValue(value, _INT32, ctypes.byref(number)):
                    return number.value != 0
            return None

        def idle_seconds(self) -> float | None:
            """Return the seconds since the last input."""
            return float(
                self._services.CGEventSourceSecondsSinceLastEventType(
                    _COMBINED_SESSION_STATE, _ANY_INPUT
                )
            )

        def battery_seconds(self) -> float | None:
            """Estimate the time left on battery."""
            return float(self._power.IOPSGetTimeRemainingEstimate())
