"""What the agent is told when the page deletes a time of the history."""

from __future__ import annotations

from typing import Any, cast
from unittest.mock import Mock

import pytest

from agent import events
from agent.app.page import Page
from agent.store.history import SqliteHistory
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from tests.fakes.clock import FakeClock


@pytest.mark.parametrize(
    ("since", "until", "told"),
    [
        (-3600.0, 4e10, [events.HistoryDeleted()]),  # the last hour
        (-3600.0, 3600.0, [events.HistoryDeleted()]),  # this hour of the clock
        (-7200.0, -3600.0, []),  # another one: the mood of now has its entry still
    ],
)
def test_the_mood_of_now_is_noted_anew_where_its_entry_may_be_gone(
    since: float, until: float, told: list[events.Event]
) -> None:
    paths, clock = Paths.default(), FakeClock()
    paths.ensure()
    reported: list[Any] = []
    page = Page(
        paths, clock, reported.append,
        snapshot=Mock(), settings_file=SettingsFile(paths),
        history=SqliteHistory(paths.history_file), account=Mock(), taps=Mock(),
        camera_source=lambda: 0, person=cast(Any, None), player=None, spotify_url=None, port=0,
        may_lead=False,
    )  # fmt: skip
    now = clock.now().timestamp()
    paths.tray_icons.mkdir()
    page._forget_between(now + since, now + until)
    assert reported == told
    assert not paths.tray_icons.exists()  # its names and times would tell moods of that time
