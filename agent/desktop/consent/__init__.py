"""The user's consent to the camera: its text, and where the answer is kept.

The text has a version. When what is seen, kept or sent changes, VERSION grows and the question is
asked again. How it is asked is ``agent.desktop.consent.dialog`` and the command
``moodtray consent``.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from agent.store.files import parse_json, read_private, unlink, write_private
from agent.store.paths import Paths
from agent.translation import N_, _

VERSION = 3

QUESTION = N_("May Moodtray use the camera?")

LIMIT = 10_000
"""Bytes of the file; ours has 60."""

TEXT = N_(
    """\
Moodtray looks through the camera for a moment every few seconds to tell your mood from your \
face, and chooses music that fits.

What is seen: a few pictures at a time. They are judged in this computer's memory and forgotten \
at once. Only a tiny grey picture of each place where a face was, 24 by 24 dots, stays in memory \
for a while, so that Moodtray can tell a poster, which never moves, from a person. Nobody is \
recognised: whose face it is, Moodtray does not ask and cannot tell.

What is kept: each change of your mood with the time and how likely each of the seven moods was, \
which playlist was started and why, your answers, such as 'Undo' or 'I feel sad', and sixteen \
numbers on how your face at rest is read, by which nobody can be recognised. It lies in files on \
this computer, which you may delete. Beside them lie your settings, a log of troubles and, if you \
use it, your Spotify login.

What is sent: no picture and no mood, to nobody. Spotify, if you use it, is asked what plays and \
told what to play.

While the camera is in use, the tray's icon is a coloured disc or wears a green dot; a camera \
crossed out means that it is off. You can pause it there at any time."""
)
TAKE_BACK = N_("You can take this permission back with 'moodtray consent --withdraw'.")
"""How that is done where the question has no button for it."""


def whole_text() -> str:
    """Write all that is told beside the question, in the language in force."""
    return f"{_(TEXT)} {_(TAKE_BACK)}"


HOW = N_("Moodtray may not use the camera. Read what it does and allow it with 'moodtray consent'.")
"""What to say where nobody can be asked (no display, no terminal)."""


def file_of(paths: Paths) -> Path:
    """Return the path of the file that keeps the answer."""
    return paths.state / "consent.json"


def is_given(paths: Paths) -> bool:
    """Tell whether the user allowed the camera under the present text.

    A file that cannot be read or understood counts as no: asking once more does no harm.
    """
    try:
        kept = parse_json(read_private(file_of(paths), LIMIT))
    except (OSError, ValueError):
        return False
    if not isinstance(kept, dict):
        return False
    try:
        datetime.fromisoformat(kept["given"])
    except (KeyError, TypeError, ValueError):
        return False
    return bool(kept.get("version") == VERSION)


def give(paths: Paths, when: datetime) -> None:
    """Keep the user's yes with its date. Raises StoreError."""
    kept = {"version": VERSION, "given": when.isoformat(timespec="seconds")}
    write_private(file_of(paths), (json.dumps(kept) + "\n").encode())


def withdraw(paths: Paths) -> bool:
    """Take the consent back; True when there was one to take back. Raises StoreError."""
    return unlink(file_of(paths))
