"""Deleting what was noted of the user: from the history and the log, down to the bytes.

The agent may be running: both processes write the same files, and each sees what the other does.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from agent import logs
from agent.app import journey_file, promise_file
from agent.app.own_face import forget_faces
from agent.errors import AgentError, StoreError
from agent.players.spotify import storage
from agent.ports import Clock
from agent.store.files import remove_folder, sweep
from agent.store.history import SqliteHistory
from agent.store.jsonfile import JsonFile
from agent.store.paths import Paths, refuse_ways_of_strangers
from agent.store.settings_file import SettingsFile
from agent.translation import _

log = logging.getLogger(__name__)

LONG_AGO = float("-inf")
FOR_EVER = float("inf")


def forget(paths: Paths, before: datetime | None) -> str:
    """Delete all that was noted before that moment (None: all of it); say what, for people.

    Settings, consent and logins stay. A running agent holds some of it in its memory as well:
    ``events.ForgetEverything`` lets it go of that. Raises StoreError.
    """
    until = FOR_EVER if before is None else before.timestamp()
    deletions: list[Callable[[], None]] = [
        lambda: _forget_history(paths, until),
        lambda: _forget_log(paths, before),
        lambda: forget_icons(paths),
    ]
    if before is None:
        deletions += [
            lambda: forget_faces(paths),
            lambda: journey_file.save(paths, None),
            lambda: promise_file.forget_mood(paths),
            lambda: _forget_names(paths),
        ]
        for folder in paths.own():
            sweep(folder)
    troubles = []
    for deletion in deletions:  # what cannot be deleted keeps nothing else
        try:
            deletion()
        except StoreError as error:
            troubles.append(error.message)
    if troubles:
        raise StoreError(" ".join(troubles), title=_("Not everything could be removed"))
    if before is not None:
        return _(
            "All that was noted before {before:%d %B %Y} is deleted: moods, changes of the music, "
            "your answers, and the log."
        ).format(before=before)
    deleted = _(
        "All that was noted is deleted: moods, changes of the music, your answers, the log, what "
        "was learned of your face, and names of playlists."
    )
    stays = _("Your permission for the camera and your settings stay.")
    if _may_be_logged_in(paths):
        stays = _(
            "Your permission for the camera, your settings and the login to Spotify stay; 'Log out "
            "of Spotify' or 'moodtray logout' removes that login."
        )
    return _("{done} {then}").format(done=deleted, then=stays)


def _may_be_logged_in(paths: Paths) -> bool:
    """Tell whether a login is stored, or lies where only a keyring that is locked could tell."""
    if os.path.exists(storage.token_file(paths)):
        return True
    if not os.path.exists(paths.settings_file):  # which reading would write
        return False
    settings, _error = SettingsFile(paths).load_or_last_good()
    try:
        return settings.spotify.use_keyring and storage.is_logged_in(paths, settings)
    except AgentError:
        return True


def _forget_history(paths: Paths, until: float) -> None:
    history = SqliteHistory(paths.history_file)
    try:
        history.forget_between(LONG_AGO, until)
    finally:
        history.close()


def _forget_log(paths: Paths, before: datetime | None) -> None:
    refuse_ways_of_strangers(paths.logs / logs.LOG_NAME, followed=False)
    logs.forget(paths.logs, before)


def forget_icons(paths: Paths) -> None:
    """Remove the pictures of moods: their names and times tell which was felt when. Never raises.

    They are drawn again when they are needed.
    """
    for folder in paths.icon_folders:
        remove_folder(folder)


def _forget_names(paths: Paths) -> None:
    JsonFile(paths.state / storage.CACHE_FILE).delete()


class Retention:
    """Deletes what is older than the settings allow, once a day. The controller's thread."""

    def __init__(self, history: SqliteHistory, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._done: object = None

    def look(self, keep_days: int) -> None:
        """Return at once; the deleting, where it is due, has a thread of its own."""
        now = self._clock.now()
        if self._done == (now.date(), keep_days):
            return
        self._done = (now.date(), keep_days)
        oldest = (now - timedelta(days=keep_days)).timestamp()
        threading.Thread(target=self._delete, args=(oldest,), name="retention", daemon=True).start()

    def _delete(self, oldest: float) -> None:
        try:
            if self._history.has_older_than(oldest):
                self._history.forget_between(LONG_AGO, oldest)
        except AgentError as error:
            log.warning("what is too old stays for now: %s", error)
