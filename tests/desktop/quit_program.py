"""A program whose main thread sits in foreign code and never comes back to Python, as an idle
event loop does on macOS: it locks one of C's locks twice. Says when it is asked to end."""

from __future__ import annotations

import ctypes
import os

from agent.desktop.quit_signals import on_quit_signal


def ask_to_end() -> None:
    os.write(1, b"asked to end\n")  # whole, though both ways may come here
    os._exit(7)


on_quit_signal(ask_to_end)
print("ready", flush=True)
lock = ctypes.create_string_buffer(64)  # zeros: a plain lock, not taken
library = ctypes.CDLL(None)
library.pthread_mutex_lock(lock)
library.pthread_mutex_lock(lock)
