"""The desktop session on Linux, over D-Bus.

Logind (lock, sleep, idle, front), the desktop's screen saver, UPower (battery, lid).

Whether the screen is shared is known on some desktops (``sharing.py``). A call that wants the
camera itself is noticed everywhere, by the camera being busy.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import socket
import weakref
from dataclasses import replace
from typing import Any

from jeepney import FileDescriptor

from agent.desktop.session.bus import Bus, Signal, unwrap
from agent.desktop.session.idle import IdleReader, find_reader
from agent.desktop.session.sharing import screen_is_shared
from agent.desktop.session.signals import LockSense, Signals
from agent.errors import DesktopError
from agent.ports import Clock
from agent.timing import ToldOnce
from agent.translation import _

log = logging.getLogger(__name__)

LOGIN = "org.freedesktop.login1"
LOGIN_PATH = "/org/freedesktop/login1"
LOGIN_MANAGER = "org.freedesktop.login1.Manager"
LOGIN_SESSION = "org.freedesktop.login1.Session"
POWER = "org.freedesktop.UPower"
POWER_PATH = "/org/freedesktop/UPower"
PROPERTIES = "org.freedesktop.DBus.Properties"

RENEW = 1.0
"""Seconds at least between two connections, where another user floods them."""

SAVERS = {
    "org.freedesktop.ScreenSaver": "/org/freedesktop/ScreenSaver",
    "org.gnome.ScreenSaver": "/org/gnome/ScreenSaver",
    "org.cinnamon.ScreenSaver": "/org/cinnamon/ScreenSaver",
    "org.mate.ScreenSaver": "/org/mate/ScreenSaver",
    "org.xfce.ScreenSaver": "/org/xfce/ScreenSaver",
}


class LinuxSession:
    """Implements agent.desktop.session.watch.SessionSource."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._system: Bus | None = None
        self._desktop: Bus | None = None
        self._idle: IdleReader | None = None
        self._lock = LockSense()
        self._signals = Signals()
        self._lid = False
        self._docked = False
        self._session_path = ""
        self._renewed = -RENEW
        self._flood = ToldOnce()
        self._delay: FileDescriptor | None = None  # while it is open, sleep waits for us
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        # A session may be opened again after its close, and is woken by other threads.
        weakref.finalize(self, _close_both, self._wake_read, self._wake_write)

    # -- SessionSource

    def open(self) -> None:
        """Connect to the buses. Raises DesktopError when there is nothing to follow."""
        self._lock = LockSense()
        self._signals = Signals()
        self._lid = self._docked = False
        self._system = _connect("SYSTEM", fds=True)
        self._desktop = _connect("SESSION")
        if self._system is None and self._desktop is None:
            raise DesktopError(
                _(
                    "There is no message bus (D-Bus) here, so a locked screen, "
                    "sleep and an idle session go unnoticed."
                )
            )
        with _bus_loss():
            if self._system is not None:
                self._follow_login(self._system)
                self._follow_power(self._system)
            if self._desktop is not None:
                self._follow_savers(self._desktop)
            self._idle = find_reader(self._desktop)

    def read(self) -> Signals:
        """Read the present state. Raises DesktopError when the bus is lost."""
        with _bus_loss():
            for bus in (self._system, self._desktop):
                for signal in bus.signals() if bus is not None else ():
                    self._take(signal)
            self._renew_flooded()
            idle = self._idle_seconds()
            sharing = None if self._desktop is None else screen_is_shared(self._desktop)
        self._lock.seen(self._clock.monotonic(), idle)
        return replace(
            self._signals,
            idle_seconds=idle,
            sharing=sharing,
            locked=self._lock.locked,
            lid_closed=self._lid and not self._docked,
        )

    def wait(self, timeout: float) -> None:
        """Wait for a change. Raises DesktopError when the bus is lost."""
        watched: list[Any] = [bus for bus in (self._system, self._desktop) if bus is not None]
        if any(bus.has_more for bus in watched):
            return
        with _bus_loss():
            ready, _rest, _rest = select.select([self._wake_read, *watched], [], [], timeout)
        if self._wake_read in ready:
            with contextlib.suppress(BlockingIOError):
                self._wake_read.recv(4096)

    def let_sleep(self) -> None:
        """Let go of the delay of a sleep."""
        delay, self._delay = self._delay, None
        if delay is not None:
            delay.close()

    def interrupt(self) -> None:
        """End the present or the next wait. Any thread."""
        # A full pipe is a wake-up already on its way.
        with contextlib.suppress(BlockingIOError):
            self._wake_write.send(b"!")

    def close(self) -> None:
        """Close the connections."""
        self.let_sleep()
        if self._idle is not None:
            self._idle.close()
            self._idle = None
        for bus in (self._system, self._desktop):
            if bus is not None:
                bus.close()
        self._system = self._desktop = None

    # -- what is there

    def _follow_login(self, bus: Bus) -> None:
        bus.subscribe(sender=LOGIN, interface=LOGIN_MANAGER, member="PrepareForSleep")
        self._take_manager(bus.properties(LOGIN, LOGIN_PATH, LOGIN_MANAGER) or {})
        self._delay_sleep()
        bus.subscribe(sender=LOGIN, interface=PROPERTIES, path=LOGIN_PATH)
        path, session = _own_session(bus)
        self._session_path = path
        if not path:
            log.info("no login session is known: its lock and idle state go unnoticed")
            return
        bus.subscribe(sender=LOGIN, interface=LOGIN_SESSION, path=path)
        bus.subscribe(sender=LOGIN, interface=PROPERTIES, path=path)
        self._take_session(session)

    def _renew_flooded(self) -> None:
        """Ask for everything anew, over a connection that nobody has flooded yet.

        Raises OSError when there is none.
        """
        now, bus = self._clock.monotonic(), self._system
        if bus is None or not bus.is_flooded or now - self._renewed < RENEW:
            return
        self._renewed = now
        if self._flood.is_news():
            log.warning("another user floods the connection to the system's message bus")
        bus.close()
        self._system = _connect("SYSTEM", fds=True)
        if self._system is None:
            raise ConnectionResetError("no new connection to the system's bus")
        self._follow_login(self._system)
        self._follow_power(self._system)

    def _follow_power(self, bus: Bus) -> None:
        bus.subscribe(sender=POWER, interface=PROPERTIES, path=POWER_PATH)
        self._take_power(bus.properties(POWER, POWER_PATH, POWER, start=True) or {})

    def _follow_savers(self, bus: Bus) -> None:
        for name, path in SAVERS.items():
            bus.subscribe(sender=name, interface=name, member="ActiveChanged")
            answer = bus.call(name, path, name, "GetActive", gives="b")
            if answer and answer[0] is True:
                self._lock.saver(True)

    # -- what is told

    def _take(self, signal: Signal) -> None:
        if signal.interface == PROPERTIES and signal.member == "PropertiesChanged":
            about, changed = signal.body[0], unwrap(signal.body[1])
            if about == POWER:
                self._take_power(changed)
            elif about == LOGIN_MANAGER:
                self._take_manager(changed)
            elif about == LOGIN_SESSION and signal.path == self._session_path:
                self._take_session(changed)
        elif signal.interface == LOGIN_MANAGER and signal.member == "PrepareForSleep":
            self._signals = replace(self._signals, asleep=bool(signal.body[0]))
            self._delay_sleep()
        elif signal.interface == LOGIN_SESSION and signal.member in ("Lock", "Unlock"):
            self._lock.requested(signal.member == "Lock")
        elif signal.interface in SAVERS and signal.member == "ActiveChanged":
            self._lock.saver(bool(signal.body[0]))

    def _delay_sleep(self) -> None:
        """Have the next sleep wait until :meth:`let_sleep`, a few seconds at most."""
        if self._signals.asleep or self._delay is not None or self._system is None:
            return
        why = "The camera is let go of first"
        wish = ("sleep", "Moodtray", why, "delay")
        answer = self._system.call(
            LOGIN, LOGIN_PATH, LOGIN_MANAGER, "Inhibit", "ssss", wish, gives="h"
        )
        if answer:
            self._delay = answer[0]
        else:
            log.info("logind does not wait for the camera before it sleeps")

    def _take_manager(self, values: dict[str, Any]) -> None:
        if "PreparingForSleep" in values:
            self._signals = replace(self._signals, asleep=bool(values["PreparingForSleep"]))
        self._docked = bool(values.get("Docked", self._docked))

    def _take_session(self, values: dict[str, Any]) -> None:
        if "LockedHint" in values and bool(values["LockedHint"]) != self._lock.hinted:
            # Only the change: some lockers are known by what was asked of them alone.
            self._lock.hint(bool(values["LockedHint"]))
        if "IdleHint" in values:
            self._signals = replace(self._signals, idle_hint=bool(values["IdleHint"]))
        if "Active" in values:
            self._signals = replace(self._signals, in_background=not values["Active"])

    def _take_power(self, values: dict[str, Any]) -> None:
        if "OnBattery" in values:
            self._signals = replace(self._signals, on_battery=bool(values["OnBattery"]))
        self._lid = bool(values.get("LidIsClosed", self._lid))

    def _idle_seconds(self) -> float | None:
        if self._idle is None:
            return None
        try:
            return self._idle.seconds()
        except OSError:
            raise
        except Exception:
            # Xlib raises its own kinds when the display goes.
            log.warning("the idle time is no longer to be had", exc_info=True)
            self._idle.close()
            self._idle = None
            return None


def _close_both(one: socket.socket, other: socket.socket) -> None:
    one.close()
    other.close()


def _connect(kind: str, *, fds: bool = False) -> Bus | None:
    try:
        return Bus(kind, fds=fds)
    except Exception as error:  # noqa: BLE001 - jeepney raises many kinds for 'no bus here'
        log.info("no D-Bus %s bus: %s", kind.lower(), error)
        return None


def _own_session(bus: Bus) -> tuple[str, dict[str, Any]]:
    """Find path and properties of the session that this program belongs to; ("", {}): none.

    An agent started by the user's service manager is in no session itself; 'auto' and the list lead
    to the one that has the user's screen.
    """
    candidates = []
    for name in (os.environ.get("XDG_SESSION_ID"), "auto"):
        if name:
            answer = bus.call(
                LOGIN, LOGIN_PATH, LOGIN_MANAGER, "GetSession", "s", (name,), gives="o"
            )
            candidates += [answer[0]] if answer else []
    answer = bus.call(LOGIN, LOGIN_PATH, LOGIN_MANAGER, "ListSessions", gives="a(susso)")
    own = [entry for entry in (answer[0] if answer else ()) if entry[1] == os.getuid()]
    # One with a seat (a screen) first.
    candidates += [entry[4] for entry in sorted(own, key=lambda entry: not entry[3])]
    for path in candidates:
        properties = bus.properties(LOGIN, path, LOGIN_SESSION)
        if properties:
            # 'auto' is a name for it; signals come from the real path.
            return _real_path(bus, path, properties), properties
    return "", {}


def _real_path(bus: Bus, path: str, properties: dict[str, Any]) -> str:
    answer = bus.call(
        LOGIN, LOGIN_PATH, LOGIN_MANAGER, "GetSession", "s", (properties.get("Id", ""),), gives="o"
    )
    return str(answer[0]) if answer else path


@contextlib.contextmanager
def _bus_loss() -> Any:
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: the socket is closed
        raise DesktopError(
            _("The connection to the desktop session was lost ({error}).").format(error=error)
        ) from error
