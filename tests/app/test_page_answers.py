"""What was wished on the page is answered there, and nowhere else."""

from __future__ import annotations

import threading
from typing import Any

from agent import effects, events
from agent.app.components import Components, WorkerGroup
from agent.app.effect_handler import EffectHandler
from agent.app.options import Options
from agent.app.page_answers import PageAnswers
from agent.effects import Notification
from agent.settings import Settings
from agent.store.paths import Paths
from agent.types import NotificationKind
from tests.fakes.clock import FakeClock

ANSWER = Notification(NotificationKind.SWITCH, "♪ Rain plays on", "It is the only one.", asked=True)
CHANGE = Notification(NotificationKind.SWITCH, "♪ Rain", "You look sad.")


class Desktop:
    """A notifier, and the page beside it."""

    def __init__(self, answers: PageAnswers) -> None:
        self.answers = answers
        self.shown: list[Notification] = []
        self.withdrawn: list[NotificationKind] = []

    def notify(self, notification: Notification) -> None:
        self.shown.append(notification)

    def withdraw(self, kind: NotificationKind) -> None:
        self.withdrawn.append(kind)

    def close(self) -> None: ...


def handler_of(desktop: Desktop) -> EffectHandler:
    nothing: Any = None
    parts = Components(
        *(nothing,) * 6,
        WorkerGroup(),
        nothing,
        notifier=desktop,
        page=desktop,  # type: ignore[arg-type]
    )
    return EffectHandler(
        parts, Settings(), Options(), Paths.default(), FakeClock(), lambda _: None, lambda: None
    )


def test_a_wish_on_the_page_is_answered_there_alone() -> None:
    told: list[str | None] = []
    wished = threading.Event()
    desktop = Desktop(PageAnswers(lambda _: wished.set(), patience=10.0))
    handler = handler_of(desktop)
    page = threading.Thread(target=lambda: told.append(desktop.answers.wish(events.NextPlaylist())))
    page.start()
    assert wished.wait(10.0)
    handler.perform(effects.Notify(CHANGE))  # comes by itself
    handler.perform(effects.Notify(ANSWER))
    page.join(10.0)
    assert told == ["♪ Rain plays on. It is the only one."]
    assert desktop.shown == [CHANGE]
    assert desktop.withdrawn == [NotificationKind.SWITCH], "the older one of its kind"


def test_what_nobody_waits_for_is_shown_by_the_desktop() -> None:
    desktop = Desktop(PageAnswers(lambda _: None, patience=0.01))
    assert desktop.answers.wish(events.NextPlaylist()) is None, "it takes long"
    handler_of(desktop).perform(effects.Notify(ANSWER))
    assert desktop.shown == [ANSWER]


def test_a_question_needs_no_full_stop() -> None:
    answers = PageAnswers(lambda _: None)
    asked = Notification(NotificationKind.INFO, "Make folders?", "Seven.", asked=True)
    assert not answers.take(asked)
    taken: list[bool] = []
    answers = PageAnswers(lambda _: taken.append(answers.take(asked)))
    assert answers.wish(events.PlayForMood()) == "Make folders? Seven."
    assert taken == [True]
