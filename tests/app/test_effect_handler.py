"""What the hands do with effects, where it is more than handing on."""

from __future__ import annotations

from typing import Any

from agent import effects
from agent.app.effect_handler import EffectHandler
from agent.types import (
    Notification,
    NotificationKind,
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


def test_what_holds_no_more_is_withdrawn() -> None:
    nothing: Any = None
    handler = EffectHandler(
        report=lambda event: None,
        clock=FakeClock(),
        watcher=nothing,
        music=nothing,
        history=nothing,
        listener=None,
        tell=lambda text: None,
        apply_settings=lambda: None,
        ask_consent=lambda: None,
        restart=lambda: None,
        shut_down=lambda: None,
        keep_setting=lambda key, value: None,
        show_music_folders=lambda: None,
    )
    handler.perform(effects.Withdraw(NotificationKind.LOGIN))  # nobody shows any yet
    notifier = handler.notifier = Withdrawn()
    handler.perform(effects.Withdraw(NotificationKind.LOGIN))
    assert notifier.kinds == [NotificationKind.LOGIN]
