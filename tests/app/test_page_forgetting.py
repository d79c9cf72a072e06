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
    ("since", "until"),
    [
        (-3600.0, 4e10),  # the last hour
        (-3600.0, 3600.0),  # this hour of the clock
        (-7200.0, -3600.0),  # another one
    ],
)
def test_the_agent_hears_which_time_was_deleted(since: float, until: float) -> None:
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
    assert reported == [events.HistoryDeleted(now + since, now + until)]
    assert not paths.tray_icons.exists()  # its names and times would tell moods of that time
