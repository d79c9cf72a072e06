"""Ctrl+C, SIGTERM and their like, noticed whatever the main thread is doing.

Python runs a signal's handler only when the main thread comes back to Python. The tray's event
loops on macOS and Windows do not while nothing happens: an agent told to end would sit there until
the next click. So the signal's number is also written to a socket, at once and by Python's own C
code (``signal.set_wakeup_fd``), and a thread reads it there. (Gtk's loop on Linux puts a socket of
its own in that place and wakes by it; then the handler does the work.)
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable

QUIT_SIGNALS: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)
"""SIGHUP: the terminal or the session is gone. SIGBREAK: Ctrl+Break on Windows."""


def on_quit_signal(callback: Callable[[], None]) -> None:
    """Call ``callback`` soon after each of :data:`QUIT_SIGNALS`, from now to the process's end.

    Possibly twice for one signal, in any thread, so it must be quick and fit for that. A hang-up
    that is ignored (nohup) stays so. The main thread.
    """
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    # A full socket means that the thread has enough to read.
    signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    for number in QUIT_SIGNALS:
        hang_up = number.name == "SIGHUP"
        if not hang_up or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: callback())
    # Both ends belong to the thread, which must not let go of the one that signals are written to.
    threading.Thread(
        target=_listen, args=(reading, writing, callback), name="signals", daemon=True
    ).start()


def _listen(reading: socket.socket, writing: socket.socket, callback: Callable[[], None]) -> None:
    with contextlib.suppress(OSError), reading, writing:
        while numbers := reading.recv(64):
            if any(number in numbers for number in QUIT_SIGNALS):
                callback()
