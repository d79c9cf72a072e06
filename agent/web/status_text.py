"""A snapshot in words, for the answers to commands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from agent.ports import Clock
from agent.types import CameraState, PlayState, Snapshot

_CAMERA = {
    CameraState.OFF: "off",
    CameraState.ON: "on",
    CameraState.BUSY: "cannot be used",  # the problem's own line says why
    CameraState.LOST: "gone, waiting for it to come back",
}


def as_dict(snapshot: Snapshot, clock: Clock) -> dict[str, Any]:
    """Give the snapshot as JSON values, with ``text`` for people.

    Ages are seconds. Probabilities and pictures stay inside: what leaves is the mood's name, how
    sure it is, and since when.
    """
    playback = snapshot.playback
    now = clock.monotonic()
    return {
        "status": snapshot.status.value,
        "mood": snapshot.mood.state.value,
        "confidence": round(snapshot.mood.confidence, 3),
        "mood_seconds": round(max(0.0, now - snapshot.mood.since), 1),
        "by_hand": snapshot.mood.by_hand,
        "playing": None if playback is None else playback.state.value,
        "playlist": None if playback is None else (playback.context_name or playback.context),
        "title": None if playback is None else playback.title,
        "reason": None if snapshot.decision is None else snapshot.decision.reason,
        "camera": snapshot.camera.value,
        "consent": snapshot.consent,
        "camera_paused": snapshot.camera_paused,
        "paused_until": _iso(snapshot.paused_until),
        "held_off": snapshot.held_off,
        "preview_open": snapshot.preview_open,
        "player": snapshot.player,
        "logged_in": snapshot.logged_in,
        "autostart": snapshot.autostart,
        "problem": snapshot.problem,
        "stopped": list(snapshot.stopped),
        "text": status_text(snapshot, clock),
    }


def status_text(snapshot: Snapshot, clock: Clock) -> str:
    """Write a few lines: mood, music, camera, and what is wrong, if anything is."""
    lines = [
        f"Mood:   {_mood(snapshot, clock.monotonic())}",
        f"Music:  {_music(snapshot)}",
        f"Camera: {camera_text(snapshot, clock.now())}",
    ]
    if snapshot.decision is not None:
        lines.append(f"Why:    {snapshot.decision.reason}")
    if snapshot.problem:
        lines.append(f"Trouble: {snapshot.problem}")
    return "\n".join(lines)


def why_text(snapshot: Snapshot) -> str:
    """Tell the latest decision, and the one that changed the music last when it is another."""
    decision, switch = snapshot.decision, snapshot.switch
    if decision is None and switch is None:
        return "Nothing was decided yet: no mood has been seen for long enough."
    told = []
    if switch is not None and switch.playlist is not None:
        told.append(f"'{switch.playlist.name}' was started: {switch.reason}.")
    if decision is not None and decision != switch:
        told.append(f"Now: {decision.reason}.")
    return "\n".join(text.replace("..", ".") for text in told) or f"{switch and switch.reason}."


def camera_text(snapshot: Snapshot, now: datetime) -> str:
    """Write on, or off and for how long or why, and what to do when the user has to."""
    if not snapshot.consent:
        return "not allowed yet; 'moodtray consent' tells what it is for and allows it"
    if "watcher" in snapshot.stopped:
        return "off"
    if snapshot.camera_paused:
        return f"paused {until_text(snapshot.paused_until, now)}"
    if snapshot.held_off is not None:
        return f"off while: {snapshot.held_off}"
    return _CAMERA[snapshot.camera]


def until_text(until: datetime | None, now: datetime) -> str:
    """Write "until 15:30", with the day when it is another one; "until you resume it"."""
    if until is None:
        return "until you resume it"
    local = until.astimezone(now.tzinfo)
    if local.date() == now.date():
        return f"until {local:%H:%M}"
    return f"until {local:%a %d %b, %H:%M}"


def _mood(snapshot: Snapshot, now: float) -> str:
    mood = snapshot.mood
    age = _age(now - mood.since)
    if mood.by_hand:
        return f"{mood.state.value}, as you said {age} ago"
    if not _watching(snapshot):
        return "not watching"
    if not mood.state.is_emotion:
        return f"{mood.state.value} for {age}"
    return f"{mood.state.value} ({mood.confidence:.0%} sure) for {age}"


def _watching(snapshot: Snapshot) -> bool:
    """Tell whether anybody looks: an old estimate is not told as if it were of now."""
    held = snapshot.camera_paused or snapshot.held_off is not None
    blind = snapshot.camera in (CameraState.BUSY, CameraState.LOST)
    return snapshot.consent and not held and not blind and "watcher" not in snapshot.stopped


def _age(seconds: float) -> str:
    minutes = max(0.0, seconds) / 60.0
    if minutes < 1.0:
        return f"{max(0.0, seconds):.0f} s"
    if minutes < 90.0:
        return f"{minutes:.0f} min"
    return f"{minutes / 60.0:.0f} h"


def _music(snapshot: Snapshot) -> str:
    playback, player = snapshot.playback, snapshot.player
    where = f" ({player})" if player else ""
    if "player" in snapshot.stopped:
        return f"out of touch with it{where}"
    if playback is None or playback.state is PlayState.UNAVAILABLE:
        return f"no player answers{where}"
    # A player's own notation of a playlist without a name says nothing to people.
    name = f" '{playback.context_name}'" if playback.context_name else ""
    title = f": {playback.title}" if playback.title else ""
    if playback.state is PlayState.STOPPED:
        name = title = ""
    return f"{playback.state.value}{name}{title}{where}"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
