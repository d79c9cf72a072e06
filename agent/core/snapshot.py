"""The picture of the whole: what the controller's parts know, as one Snapshot. Pure."""

from __future__ import annotations

from agent.core.camera import CameraControl
from agent.core.mood import MoodTracker
from agent.core.music import MusicControl
from agent.core.workers import WorkerStates
from agent.errors import Offline
from agent.types import CameraState, MoodState, Snapshot, Status


def take_snapshot(
    camera: CameraControl,
    mood_tracker: MoodTracker,
    music: MusicControl,
    workers: WorkerStates,
    *,
    preview_open: bool,
    autostart: bool | None,
    settings_problem: str | None,
    volume: float,
) -> Snapshot:
    """Gather all that may be shown of the present state of affairs.

    ``volume`` is that of the settings, which only a player of our own obeys: one without a login.
    """
    return Snapshot(
        status=_status(camera, mood_tracker, music, workers),
        mood=mood_tracker.mood(camera.watching),
        playback=music.playback,
        decision=music.decision,
        switch=music.switch,
        change=music.change,
        camera=camera.camera,
        consent=camera.consent,
        camera_paused=camera.paused,
        paused_until=camera.paused_until,
        after_break=camera.after_break,
        paused_since=camera.paused_since,
        on_break=camera.on_break,
        until_back=camera.until_back,
        held_off=camera.off_for,
        preview_open=preview_open,
        player=music.player,
        logged_in=music.logged_in,
        autostart=autostart,
        problem=_problem(camera, music, workers, settings_problem),
        stopped=workers.stopped,
        mood_until=mood_tracker.by_hand_until,
        left_alone_until=music.left_alone_until,
        undo_to=music.undo_to,
        music_rests=music.rests,
        music_waits=music.is_to_begin,
        volume=volume if music.player and music.logged_in is None else None,
        candidate=mood_tracker.candidate,
        observation=mood_tracker.observation,
    )


def _problem(
    camera: CameraControl, music: MusicControl, workers: WorkerStates, settings: str | None
) -> str | None:
    """Return the open problem that matters most."""
    player = None if music.error is None else music.error.message
    first = workers.problem if workers.in_need else None
    return first or camera.problem or player or settings or workers.problem


def _status(
    camera: CameraControl, mood_tracker: MoodTracker, music: MusicControl, workers: WorkerStates
) -> Status:
    mood = mood_tracker.mood(camera.watching).state
    if workers.in_need:
        return Status.ERROR_WATCHING if camera.watching else Status.ERROR
    if not camera.wanted or camera.off_for is not None:
        return Status.PAUSED
    if camera.blind:
        return Status.CAMERA_BUSY
    if music.logged_in is False:
        return Status.NEEDS_LOGIN
    if isinstance(music.error, Offline):
        return Status.OFFLINE
    if mood_tracker.is_empty and camera.camera is not CameraState.ON:
        return Status.STARTING
    if mood is MoodState.AWAY:
        return Status.AWAY
    if mood is MoodState.UNSURE:
        return Status.UNSURE
    return Status.WATCHING
