"""What becomes of effects, where it is more than handing on."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from agent import effects
from agent.app.components import Components, WorkerGroup
from agent.app.effect_handler import EffectHandler, _beside
from agent.app.options import Options
from agent.effects import Notification
from agent.settings import Settings
from agent.store.paths import Paths
from agent.types import (
    CameraState,
    LessonStage,
    LessonView,
    Mood,
    MoodState,
    NotificationKind,
    Snapshot,
    Status,
)
from tests.desktop.tray_program import sample_snapshot
from tests.fakes.clock import FakeClock


class Withdrawn:
    """A notifier that notes what is taken down."""

    def __init__(self) -> None:
        self.kinds: list[NotificationKind] = []

    def notify(self, notification: Notification) -> None:
        raise AssertionError(notification)

    def withdraw(self, kind: NotificationKind) -> None:
        self.kinds.append(kind)

    def close(self) -> None: ...


def test_what_holds_no_more_is_withdrawn() -> None:
    nothing: Any = None
    notifier = Withdrawn()
    for shows, kinds in ((None, []), (notifier, [NotificationKind.LOGIN])):
        parts = Components(
            nothing,
            nothing,
            nothing,
            nothing,
            nothing,
            nothing,
            WorkerGroup(),
            nothing,
            notifier=shows,
        )
        handler = EffectHandler(
            parts, Settings(), Options(), Paths.default(), FakeClock(), lambda _: None, lambda: None
        )
        handler.perform(effects.Withdraw(NotificationKind.LOGIN))
        assert notifier.kinds == kinds


def test_the_preview_says_why_there_is_no_picture() -> None:
    """Whatever stands in the way, not of a pause alone: 'off' beside 'resume' would be a riddle."""
    nothing: Any = None
    parts = Components(
        nothing, nothing, nothing, nothing, nothing, nothing, WorkerGroup(), nothing, notifier=None
    )
    handler = EffectHandler(
        parts, Settings(), Options(), Paths.default(), FakeClock(), lambda _: None, lambda: None
    )
    told: list[str] = []
    handler._preview = SimpleNamespace(blank=lambda line, *_more, **_words: told.append(line))  # type: ignore[assignment]
    mood = Mood(MoodState.UNSURE, 0.0, 0.0)
    for camera, line in (
        (CameraState.BUSY, "The camera cannot be used"),
        (CameraState.LOST, "The camera is gone; looking for it"),
        (CameraState.ON, None),
    ):
        told.clear()
        snapshot = Snapshot(Status.WATCHING, mood, None, None, None, camera, preview_open=True)
        handler.perform(effects.Publish(snapshot))
        assert told == ([] if line is None else [line])


def test_which_key_shows_which_mood_is_told_by_the_bars_alone() -> None:
    ready = replace(sample_snapshot(), lesson=LessonView(LessonStage.READY, 1.0))
    told = _beside(ready).keys
    assert "1–7: show a mood" in told
    assert not re.search(r"(?<!–)\b[1-7]: ", told), "the bars have their own order, and say it"
