"""The single checks of ``moodtray doctor``.

Each returns (ok, what was found, what to do) or raises an AgentError. Foreign libraries are
imported inside, so that one that is missing fails its own check alone.
"""

from __future__ import annotations

import platform
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import agent
from agent.errors import AgentError, CameraNotFound, PlaylistGone, StoreError
from agent.settings import Settings
from agent.store.paths import Paths, ensure_folder, is_there
from agent.translation import N_, _, ngettext
from agent.types import EMOTIONS, Playlist
from agent.wording import LOGIN_AGAIN, MOODS, mood_word

Finding: TypeAlias = tuple[bool | None, str, str]

_TRAYS = {
    "statusnotifier": N_("StatusNotifierItem over D-Bus"),
    "gtk": N_("GTK, in a tray of the old kind (XEmbed)"),
    "darwin": N_("the menu bar of macOS"),
    "win32": N_("the notification area of Windows"),
}

DEFAULTS = Settings()
MUSIC_SECONDS = 8.0
"""For opening the user's audio files: a thousand in a second from a disk, fewer from a network."""
DARK = 25.0
"""Mean grey level below which a picture is too dark for a face."""


def system() -> Finding:
    """Look at the operating system and Python."""
    frozen = ", packaged" if getattr(sys, "frozen", False) else ""
    python = f"Python {platform.python_version()}{frozen}"
    return (
        True,
        f"Moodtray {agent.__version__}, {python}, {platform.platform(terse=True)}",
        "",
    )


def folders(paths: Paths) -> Finding:
    """Look whether the folders can be written."""
    for folder in (paths.config, paths.data, paths.state, paths.logs, paths.runtime):
        ensure_folder(folder)
    return (
        True,
        _("settings in {config}, history in {data}, log in {logs}").format(
            config=paths.config, data=paths.data, logs=paths.logs
        ),
        "",
    )


def settings_file(
    paths: Paths, problem: AgentError | None, settings: Settings = DEFAULTS
) -> Finding:
    """Look at the settings file, and at what of it cannot be used."""
    if problem is not None:
        return (
            False,
            _("{title}; the last good settings are in force").format(title=problem.title),
            problem.message,
        )
    skipped = _skipped(paths, settings)
    if skipped:
        found = ngettext(
            "{file}; {n} entry is skipped", "{file}; {n} entries are skipped", len(skipped)
        ).format(file=paths.settings_file, n=len(skipped))
        return None, found, "\n".join(skipped)
    return True, str(paths.settings_file), ""


def _skipped(paths: Paths, settings: Settings) -> list[str]:
    """List what stands in the settings and cannot be used, with its line."""
    from agent.players.spotify.playlists import refused
    from agent.store.files import read_own
    from agent.store.settings_errors import line_of
    from agent.store.toml_text import SIZE_LIMIT

    try:
        text = read_own(paths.settings_file, SIZE_LIMIT).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, StoreError):
        text = ""
    told = []
    for entry in refused(settings):
        line = line_of(text, ("spotify_playlists", entry.emotion), entry.entry)
        told.append(
            _("line {line}: {entry}").format(line=line, entry=entry) if line else str(entry)
        )
    return told


def history(paths: Paths) -> Finding:
    """Look at the mood journal."""
    from agent.store.history import SqliteHistory

    if not is_there(paths.history_file):
        return True, _("empty so far"), ""
    told: list[AgentError] = []
    journal = SqliteHistory(paths.history_file, on_set_aside=told.append)
    try:
        moods, switches = journal.counts()
    finally:
        journal.close()
    if told:
        return None, told[0].title, told[0].message
    return (
        True,
        _("{moods} and {changes} of the music in {history_file}").format(
            moods=ngettext("{n} mood", "{n} moods", moods).format(n=moods),
            changes=ngettext("{n} change", "{n} changes", switches).format(n=switches),
            history_file=paths.history_file,
        ),
        "",
    )


def model(settings: Settings) -> Finding:
    """Look whether the network can be loaded."""
    import numpy as np

    from agent.vision.expression import ExpressionClassifier, describe_model

    described = describe_model()
    classifier = ExpressionClassifier.load(engine=settings.camera.engine)
    answer = classifier.predict([np.full((48, 48), 127, np.uint8)])
    if answer.shape != (1, len(EMOTIONS)) or not np.isclose(answer.sum(), 1.0, atol=1e-3):
        return False, _("the model answers nonsense"), _("Install Moodtray again to restore it.")
    checksum = str(described.get("sha256", ""))[:12]
    return (
        True,
        _("{name}, checksum {checksum} is right, it answers").format(
            name=classifier.name, checksum=checksum
        ),
        "",
    )


def finder(settings: Settings) -> Finding:
    """Look at the face finder's weights."""
    from agent.vision.blazeface import BlazeFinder
    from agent.vision.faces import load_cascade

    load_cascade()
    if settings.camera.finder == "haar":
        return True, _("OpenCV's Haar cascade, by the settings"), ""
    try:
        BlazeFinder().load()
    except AgentError as error:
        return None, _("OpenCV's Haar cascade: BlazeFace's weights cannot be used"), error.message
    return True, _("BlazeFace, both checksums are right"), ""


def camera(paths: Paths, settings: Settings) -> Finding:
    """Look whether the camera gives a picture."""
    from agent.desktop import consent
    from agent.vision.camera import OpenCVCamera
    from agent.vision.sources import Kind, parse_source

    source = settings.camera.source
    if parse_source(source).kind is not Kind.FILE and not consent.is_given(paths):
        return None, _("not looked at: you have not allowed the camera yet"), _(consent.HOW)
    eye = OpenCVCamera(source)
    try:
        eye.open()
        frame = eye.read()
    except AgentError as error:
        advice = error.message
        if _is_running(paths) and not isinstance(error, CameraNotFound):
            advice += _(
                " The running Moodtray itself may be using it: 'moodtray pause' lets it go."
            )
        return False, error.title, advice
    finally:
        eye.close()
    height, width = frame.shape[:2]
    found = _("{name} gives {width}x{height}").format(name=eye.name, width=width, height=height)
    if float(frame.mean()) < DARK:
        return (
            None,
            _("{found}, but the picture is very dark").format(found=found),
            _("Give it light, or open its shutter."),
        )
    return True, found, ""


def tray() -> Finding:
    """Look which tray this desktop has."""
    from agent.desktop.tray.backend import choose_backend

    backend = choose_backend()
    if backend.name is None:
        return None, _("no tray icon"), backend.notice
    if not backend.menu:
        return None, _("an icon without a menu ({name})").format(name=backend.name), backend.notice
    if backend.waiting:
        return None, _("no panel shows tray icons here"), backend.notice
    way = (
        _(_TRAYS[backend.name])
        if backend.name in _TRAYS
        else _("the {name} way").format(name=backend.name)
    )
    return True, _("icon and menu by {way}").format(way=way), backend.better


def notifications(settings: Settings) -> Finding:
    """Look who shows notifications."""
    from agent.desktop.notifications import notifier

    works, told = notifier.available()
    if not works:
        return None, _("there is no notification service"), told
    if not settings.notifications.enabled:
        return True, _("{told}; switched off in the settings").format(told=told), ""
    return True, told, ""


def sound() -> Finding:
    """Look for a sound device."""
    from agent.players.sound import NULL, working_backend

    name = working_backend()
    if name == NULL:
        return (
            None,
            _("no sound output: Moodtray's own player plays unheard"),
            _(
                "Connect speakers or headphones, or check that the sound "
                "service runs. Spotify plays on its own devices and does not "
                "need this."
            ),
        )
    return True, name, ""


def music(paths: Paths, settings: Settings) -> Finding:
    """Open what Moodtray's own player would play: the user's folders and the shipped loops."""
    from agent.players.local import beside_moods, mood_folders, playlists_for

    survey = MusicSurvey()
    adopted = mood_folders(paths.music)
    for emotion, playlists in playlists_for(settings, adopted).items():
        for playlist in playlists:
            survey.look(emotion, playlist)
    beside = beside_moods(paths.music, settings)
    survey.passed_over += [beside] if beside else []
    theirs = {*settings.local_playlists, *adopted}
    own = ", ".join(mood_word(mood) for mood in MOODS if mood.value in theirs)
    whose = _("of your own for {own}").format(own=own) if own else _("the Moodtray loops")
    found = _("{count} tracks, {whose}").format(count=survey.count, whose=whose)
    if survey.missing:
        return (
            False,
            _("some music is not there"),
            "\n".join([*survey.missing, *survey.passed_over]),
        )
    if survey.passed_over:
        return None, found, "\n".join(survey.passed_over)
    return True, found, ""


class MusicSurvey:
    """Counts what plays.

    ``missing``: entries of which nothing does; ``passed_over``: what of the others does not. Files
    are opened for MUSIC_SECONDS in all and believed after that.
    """

    def __init__(self) -> None:
        self.missing: list[str] = []
        self.passed_over: list[str] = []
        self._plays = 0
        self._believed = False
        self._end = time.monotonic() + MUSIC_SECONDS

    @property
    def count(self) -> str:
        """How many play, for people."""
        return _("about {plays}").format(plays=self._plays) if self._believed else str(self._plays)

    def look(self, emotion: str, playlist: Playlist) -> None:
        """Look at one entry."""
        from agent.players.local import look_at
        from agent.players.sound import listed

        try:
            found = look_at(playlist)
        except PlaylistGone as error:
            self.missing.append(f"{emotion}: {error.message}")
            return
        bad = {path: why for path in found.tracks if (why := self._fault(path))}
        self._plays += len(found.tracks) - len(bad)
        told = _("Cannot be played: {listed}. ").format(listed=listed(bad)) if bad else ""
        told += found.troubles
        if told:
            whole = len(bad) == len(found.tracks)
            where = self.missing if whole else self.passed_over
            where.append(f"{emotion}: “{playlist.name}”: {told.strip()}")

    def _fault(self, path: Path) -> str | None:
        from agent.players.track import Track, Unplayable

        if time.monotonic() > self._end:
            self._believed = True
            return None
        try:
            Track(path).close()
        except Unplayable as error:
            return str(error)
        return None


def player(paths: Paths, settings: Settings) -> Finding:
    """Look which player will be used, and at the stored login; asks no server."""
    if settings.player == "local":
        return True, _("Moodtray's own player, by setting"), ""
    from agent.clock import SystemClock
    from agent.players.polling import Budget
    from agent.players.spotify.login_state import LoginChange
    from agent.players.spotify.playlists import entries, refused
    from agent.players.spotify.storage import ledger, login_note, stored_login

    login, noted = stored_login(settings, paths), login_note(paths).read()
    if login is None and noted is not None and noted.what is LoginChange.ENDED:
        return False, _("your login to Spotify has ended"), _(LOGIN_AGAIN)
    if login is None and settings.player == "auto":
        return True, _("Moodtray's own player; for Spotify run 'moodtray login'"), ""
    if login is None:
        return False, _("Spotify is set, but nobody is logged in"), _("Run 'moodtray login'.")
    requests = ledger(settings, paths, SystemClock())
    until = _("logged in until {ends:%d %B %Y}, {today} of {daily_requests} requests today").format(
        ends=login.ends.astimezone(),
        today=requests.today,
        daily_requests=settings.spotify.daily_requests,
    )
    if not settings.spotify_playlists:
        return (
            None,
            _("Spotify, {until}, but no playlists").format(until=until),
            _("Choose some under 'Music for my moods'."),
        )
    usable = dict.fromkeys(emotion for emotion, _rest, _rest in entries(settings))
    if not usable:
        return (
            None,
            _("Spotify, {until}, but no entry under [spotify_playlists] can be used").format(
                until=until
            ),
            "\n".join(map(str, refused(settings))),
        )
    found = _("Spotify, {until}, playlists for {usable}").format(
        until=until, usable=", ".join(usable)
    )
    if (wait := requests.blocked_until) is not None:
        return (
            None,
            found,
            _("Spotify asked for silence until {wait:%H:%M on %d %B}.").format(
                wait=wait.astimezone()
            ),
        )
    if Budget(requests.daily_budget, requests.today, requests.resets_in).for_reading == 0:
        return (
            None,
            found,
            _(
                "Today's requests are used up; Moodtray goes on at midnight. "
                "How many it may send is the setting spotify.daily_requests."
            ),
        )
    if login.needs_reminder(datetime.now().astimezone()):
        return None, found, _("The login ends soon. Renew it with 'moodtray login'.")
    return True, found, ""


def autostart() -> Finding:
    """Look at the entry that starts Moodtray at login."""
    from agent.desktop import autostart

    status = autostart.autostart().status()
    if status.enabled and (status.gone or status.moved):
        return None, _("on, but it starts something else"), status.describe()
    return True, status.describe(), ""


# -- inside


def _is_running(paths: Paths) -> bool:
    from agent.desktop.single_instance import Instance

    instance = Instance(paths)
    if not instance.acquire():
        return True
    instance.release()
    return False
