"""The picture of the whole: what the controller's parts know, as one Snapshot. Pure."""

from __future__ import annotations

from agent.core.camera import Eyes
from agent.core.mood import Impression
from agent.core.music import Dj
from agent.core.workers import Staff
from agent.errors import Offline
from agent.types import MoodState, Snapshot, Status


def take(
    eyes: Eyes,
    impression: Impression,
    dj: Dj,
    staff: Staff,
    *,
    preview_open: bool,
    autostart: bool | None,
    settings_problem: str | None,
) -> Snapshot:
    """All that may be shown of the present state of affairs."""
    return Snapshot(
        status=_status(eyes, impression, dj, staff),
        mood=impression.mood(eyes.watching),
        playback=dj.playback,
        decision=dj.decision,
        switch=dj.switch,
        camera=eyes.camera,
        consent=eyes.consent,
        camera_paused=eyes.paused,
        paused_until=eyes.paused_until,
        held_off=eyes.held_off,
        preview_open=preview_open,
        player=dj.player,
        logged_in=dj.logged_in,
        autostart=autostart,
        problem=_problem(eyes, dj, staff, settings_problem),
        stopped=staff.stopped,
        observation=impression.observation,
    )


def _problem(eyes: Eyes, dj: Dj, staff: Staff, settings: str | None) -> str | None:
    """The one that matters most of those that are open."""
    player = None if dj.error is None else dj.error.message
    first = staff.problem if staff.in_need else None
    return first or eyes.problem or player or settings or staff.problem


def _status(eyes: Eyes, impression: Impression, dj: Dj, staff: Staff) -> Status:
    mood = impression.mood(eyes.watching).state
    if staff.in_need:
        return Status.ERROR
    if not eyes.wanted:
        return Status.PAUSED
    if eyes.blind:
        return Status.CAMERA_BUSY
    if dj.logged_in is False:
        return Status.NEEDS_LOGIN
    if isinstance(dj.error, Offline):
        return Status.OFFLINE
    if impression.is_empty:
        return Status.STARTING
    if mood is MoodState.AWAY:
        return Status.AWAY
    if mood is MoodState.UNSURE:
        return Status.UNSURE
    return Status.WATCHING
