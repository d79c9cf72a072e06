"""``moodtray calibrate``: one lesson, told line by line; the agent's own where one runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from agent.cli.terminal import say
from agent.core.calibration import EVERY, CannotLearn
from agent.store.paths import Paths
from agent.translation import N_, _
from agent.types import LessonStage, LessonView, MoodState
from agent.wording import lesson_line, lesson_reading, parse_mood

LEARNED = N_(
    "Your face is learned: sixteen numbers, no picture. 'moodtray calibrate --forget' undoes it."
)

Ask = Callable[..., dict[str, Any]]
"""Sends a command to the running agent: its name and words."""
Tell = Callable[[str], None]


def in_agent(ask: Ask, tell: Tell, seconds: float) -> str:
    """Let the running agent learn the face; what came of it. Raises AgentError."""
    ask("lesson", do="begin", seconds=seconds)
    try:
        _follow(ask, tell, LessonStage.REST)
        while (emotion := next_expression()) is not None:
            ask("lesson", do="show", emotion=emotion.value)
            _follow(ask, tell, LessonStage.SHOW)
    except KeyboardInterrupt:
        ask("lesson", do="stop")
        raise
    return str(ask("lesson", do="keep")["text"])


def alone(paths: Paths, tell: Tell, seconds: float, camera: int | str | None) -> dict[str, Any]:
    """Learn the face with a camera of one's own and store it; its numbers. Raises AgentError."""
    from agent.app.calibrate import Calibrator, store
    from agent.store.settings_file import SettingsFile

    settings, _problem = SettingsFile(paths).load_or_last_good()
    calibrator = Calibrator(settings.camera, camera)
    person = calibrator.run(lambda seen: tell(_line(seen)), next_expression, seconds=seconds)
    store(paths, calibrator.fingerprint, person)
    return person.as_numbers()


def next_expression() -> MoodState | None:
    """Ask for one of the seven, where somebody can answer; None: that is all."""
    if not sys.stdin.isatty():
        return None
    said = input(_("Smile, or show another of the seven: its name and Enter (Enter alone: done): "))
    if not said.strip():
        return None
    try:
        return parse_mood(said.strip())
    except ValueError as error:
        say(error)
        return next_expression()


def _follow(ask: Ask, tell: Tell, stage: LessonStage) -> None:
    """Tell how a stage goes on until it is over. Raises CannotLearn where it failed."""
    told = ""
    while True:
        seen = ask("status")["lesson"]
        if seen is None or seen["stage"] == LessonStage.FAILED:
            raise CannotLearn(_("It was stopped.") if seen is None else seen["text"])
        if seen["stage"] != stage:
            return
        line = f"{seen['text']}  {seen['reading']}".rstrip()
        if line != told:
            tell(line)
        told = line
        time.sleep(EVERY)


def _line(seen: LessonView) -> str:
    return f"{lesson_line(seen)}  {lesson_reading(seen)}".rstrip()
