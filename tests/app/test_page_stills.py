"""The camera's stills on the page: a frame is in memory while somebody waits for it, no longer."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from agent.app import page_desks
from agent.app.page import Page
from agent.app.page_desks import CameraView
from agent.app.taps import Taps
from agent.clock import SystemClock
from agent.core.person import STRANGER
from agent.store.history import SqliteHistory
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from agent.types import CameraState, FrameView, Snapshot
from agent.vision.watcher import Tap, Watcher
from tests.web.page.harness import happy_snapshot, wait_until


class Camera:
    """The watcher, as far as a tap goes: ``show`` gives it a frame as the watcher's thread does."""

    def __init__(self) -> None:
        self.tap: Tap | None = None

    def set_tap(self, tap: Tap | None) -> None:
        self.tap = tap

    def show(self) -> bool:
        """Give a frame; True when somebody is there to see it."""
        tap = self.tap
        if tap is not None:
            tap(FrameView(np.zeros((60, 80, 3), np.uint8), (), None, 10.0))
        return tap is not None


@pytest.fixture
def camera() -> Camera:
    return Camera()


@pytest.fixture
def view(camera: Camera) -> CameraView:
    return CameraView(Taps(cast(Watcher, camera)), SystemClock(), lambda: 0)


def asked(view: CameraView, meanwhile: Callable[[], object]) -> list[Any]:
    """What a question gets while something happens."""
    got: list[Any] = []
    asking = threading.Thread(target=lambda: got.append(view.still()))
    asking.start()
    while asking.is_alive():
        meanwhile()
        asking.join(0.02)
    return got


def test_a_frame_is_handed_out_once_and_kept_nowhere(
    camera: Camera, view: CameraView, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[weakref.ref[Any]] = []
    made = page_desks.still_of

    def still(view: FrameView, person: Any) -> Any:
        copies.append(weakref.ref(view.frame))
        return made(view, person)

    monkeypatch.setattr(page_desks, "still_of", still)
    (got,) = asked(view, camera.show)
    assert got is not None
    for _ in range(3):  # the step is left, the camera still runs
        assert camera.show()
    gc.collect()
    assert view._view is None
    assert [copy() for copy in copies] == [None]


def test_frames_are_asked_for_no_longer_although_none_comes_any_more(
    camera: Camera, view: CameraView, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the screen is locked right after the last still."""
    monkeypatch.setattr(page_desks, "STILL_LIFE", 0.3)
    assert asked(view, camera.show) != [None]
    assert camera.tap is not None
    wait_until(lambda: camera.tap is None, "the end of the tap", 5.0)
    wait_until(lambda: "stills" not in [t.name for t in threading.enumerate()], "its thread", 5.0)
    assert asked(view, camera.show) != [None]  # and the step can be gone back to


def test_who_waits_is_told_at_once_when_the_camera_is_let_go(
    camera: Camera, view: CameraView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_desks, "STILL_WAIT", 60.0)
    monkeypatch.setattr(page_desks, "STILL_LIFE", 60.0)
    assert asked(view, lambda: camera.tap and view.let_go()) == [None]
    assert camera.tap is None


@pytest.mark.parametrize("gone", [{"camera": CameraState.OFF}, {"consent": False}])
def test_a_camera_that_is_off_or_not_allowed_any_more_ends_it(
    tmp_path: Path, camera: Camera, gone: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_desks, "STILL_LIFE", 600.0)
    views: list[CameraView] = []

    class Noted(CameraView):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            views.append(self)

    monkeypatch.setattr(page_desks, "CameraView", Noted)
    paths, clock = Paths.below(tmp_path), SystemClock()
    paths.ensure()
    snapshots: list[Snapshot] = [happy_snapshot(clock.monotonic())]
    page = Page(
        paths, clock, lambda _event: None,
        snapshot=lambda: snapshots[-1], settings_file=SettingsFile(paths),
        history=SqliteHistory(paths.history_file), account=cast(Any, SimpleNamespace()),
        taps=Taps(cast(Watcher, camera)), camera_source=lambda: 0,
        person=cast(Any, None), player=None, spotify_url=None, port=0, may_lead=False,
    )  # fmt: skip
    page._make_app(1234)
    (view,) = views
    view._person = lambda: STRANGER
    assert asked(view, camera.show) != [None]
    page.published()
    assert camera.tap is not None
    snapshots.append(replace(snapshots[-1], **gone))
    page.published()
    assert camera.tap is None
