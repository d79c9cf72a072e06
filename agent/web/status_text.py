"""A snapshot in words, for the answers to commands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from agent.ports import Clock
from agent.translation import _, english
from agent.types import EMOTIONS, Decision, Evidence, LessonView, Snapshot
from agent.wording import (
    age,
    alone_words,
    camera_line,
    capital,
    clock_time,
    decided,
    describe,
    face_line,
    full_stop,
    is_reasoned,
    is_unheard,
    is_watching,
    journey_line,
    lesson_line,
    lesson_reading,
    mood_line,
    music_line,
    problem_line,
    track_line,
    why_lines,
)


def as_dict(snapshot: Snapshot, clock: Clock) -> dict[str, Any]:
    """Give the snapshot as JSON values, with ``text`` for people.

    Ages are seconds. Probabilities and pictures stay inside: what leaves is the mood's name, how
    sure it is, and since when.
    """
    playback = snapshot.playback
    now = clock.monotonic()
    going, place = snapshot.journey, snapshot.affect
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
        "held_off": english(snapshot.held_off),
        "preview_open": snapshot.preview_open,
        "player": snapshot.player,
        "logged_in": snapshot.logged_in,
        "autostart": snapshot.autostart,
        "problem": snapshot.problem,
        "stopped": list(snapshot.stopped),
        "mood_until": _iso(snapshot.mood_until),
        "left_alone_until": _iso(snapshot.left_alone_until),
        "undo_to": snapshot.undo_to,
        "on_break": snapshot.on_break,
        "music_rests": snapshot.music_rests,
        "volume": snapshot.volume,
        "valence": None if place is None else round(place[0], 3),
        "arousal": None if place is None else round(place[1], 3),
        "journey": None if going is None else journey_line(going),
        "own_face": snapshot.own_face is not None,
        "face": None if snapshot.own_face is None else snapshot.own_face.value,
        "lesson": None if snapshot.lesson is None else _lesson(snapshot.lesson),
        "text": status_text(snapshot, clock),
    }


def status_text(snapshot: Snapshot, clock: Clock) -> str:
    """Write a few lines: mood, music, camera, and what is wrong, if anything is."""
    lines = [
        _("Mood:   {mood}").format(mood=_mood(snapshot, clock.monotonic())),
        _("Music:  {music}").format(music=_music(snapshot)),
        _("Camera: {camera_line}").format(camera_line=camera_line(snapshot, clock.now())),
    ]
    if is_unheard(snapshot):
        lines.append(_("Sound:  none: no sound device was found; connect one, or switch it on"))
    if snapshot.decision is not None:
        lines.append(_("Why:    {why}").format(why=decided(snapshot.decision, snapshot)))
    if snapshot.journey is not None:
        lines.append(_("Journey: {journey}").format(journey=journey_line(snapshot.journey)))
    if snapshot.guest:
        lines.append(_("Face:   somebody else sits here, and is read like anybody"))
    elif snapshot.own_face is not None:
        lines.append(
            _("Face:   {how}; 'moodtray calibrate --forget' undoes that").format(
                how=face_line(snapshot.own_face)
            )
        )
    if snapshot.lesson is not None and snapshot.lesson.going:
        lines.append(_("Lesson: {lesson}").format(lesson=lesson_line(snapshot.lesson)))
    if snapshot.problem:
        lines.append(_("Trouble: {problem}").format(problem=snapshot.problem))
    return "\n".join(lines)


def evidence(snapshot: Snapshot) -> dict[str, Any]:
    """Give what the latest decision about the music rests on, and the latest change of it.

    Before there is a decision, ``reason`` says why there is none.
    """
    decision, change = snapshot.decision, snapshot.change
    undecided = {"action": None, "mood": None, "reason": why_lines(snapshot)[-1], "playlist": None}
    return {
        **({**undecided, **evidence_of(None)} if decision is None else _decided(decision)),
        "switch": None if change is None else _decided(change),
    }


def _decided(decision: Decision) -> dict[str, Any]:
    return {
        "action": decision.action.value,
        "mood": decision.mood.value,
        "reason": decision.reason,
        "playlist": None if decision.playlist is None else decision.playlist.name,
        **evidence_of(decision.evidence),
    }


def evidence_of(found: Evidence | None) -> dict[str, Any]:
    """Give evidence as JSON values; each is null where nothing was seen."""
    if found is None:
        names = ("probabilities", "runner_up", "mood_seconds", "own_face", "correction")
        return dict.fromkeys((*names, "threshold"))
    return {
        "probabilities": _by_name(found.probabilities),
        "runner_up": None if found.runner_up is None else found.runner_up.value,
        "mood_seconds": round(found.seconds, 1),
        "own_face": found.correction is not None,
        "correction": None if found.correction is None else _by_name(found.correction),
        "threshold": round(found.threshold, 3),
    }


def _by_name(seven: tuple[float, ...]) -> dict[str, float]:
    return dict(zip(EMOTIONS, (round(each, 3) for each in seven), strict=True))


def why_text(snapshot: Snapshot) -> str:
    """Tell what changed the music last and why, what holds now, and what is wrong."""
    lines = [full_stop(line) for line in why_lines(snapshot, evidence=True)]
    return "\n".join([*lines, *filter(None, [problem_line(snapshot)])])


def _lesson(lesson: LessonView) -> dict[str, Any]:
    return {
        "stage": lesson.stage.value,
        "share": lesson.share,
        "asked": None if lesson.asked is None else lesson.asked.value,
        "text": lesson_line(lesson),
        "reading": lesson_reading(lesson),
    }


def _mood(snapshot: Snapshot, now: float) -> str:
    mood = snapshot.mood
    if mood.by_hand:
        until = snapshot.mood_until
        return capital(describe(mood)) + (
            _(", until {time}").format(time=clock_time(until)) if until else ""
        )
    if not is_watching(snapshot):
        return _("Not watching")
    line, since = mood_line(snapshot), age(now - mood.since)
    if not mood.state.is_emotion:
        if snapshot.observation is None or is_reasoned(snapshot):
            return line
        return _("{line}, for {age}").format(line=line, age=since)
    return _("{line}, for {age} ({confidence:.0%} sure)").format(
        line=line, age=since, confidence=mood.confidence
    )


def _music(snapshot: Snapshot) -> str:
    track = None if "player" in snapshot.stopped else track_line(snapshot)
    where = f" ({snapshot.player})" if snapshot.player else ""
    music = music_line(snapshot, alone=False) + (f": {track}" if track else "")
    return music + alone_words(snapshot) + where


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
