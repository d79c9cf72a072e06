"""What becomes of effects, where it is more than handing on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agent import effects
from agent.app.components import Components, WorkerGroup
from agent.app.effect_handler import EffectHandler
from agent.app.options import Options
from agent.settings import Settings
from agent.store.paths import Paths
from agent.types import (
    CameraState,
    Mood,
    MoodState,
    Notification,
    NotificationKind,
    Snapshot,
    Status,
)
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


def test_the_question_to_log_in_goes_with_the_login() -> None:
    nothing: Any = None
    notifier = Withdrawn()
    parts = Components(
        nothing, nothing, nothing, nothing, nothing, WorkerGroup(), notifier=notifier
    )
    handler = EffectHandler(
        parts, Settings(), Options(), Paths.default(), FakeClock(), lambda _: None, lambda: None
    )
    mood = Mood(MoodState.HAPPY, 0.0, 1.0)
    out = Snapshot(Status.NEEDS_LOGIN, mood, None, None, None, CameraState.ON, logged_in=False)
    handler.perform(effects.Publish(replace(out, status=Status.WATCHING, logged_in=True)))
    handler.perform(effects.Publish(out))
    handler.perform(effects.Publish(replace(out, autostart=True)))
    assert notifier.kinds == []
    handler.perform(effects.Publish(replace(out, status=Status.WATCHING, logged_in=True)))
    handler.perform(effects.Publish(replace(out, status=Status.AWAY, logged_in=True)))
    assert notifier.kinds == [NotificationKind.LOGIN]
