"""The README's pictures of the page, as it looks to somebody who has used it for a week."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from agent.app.page_desks import still_of
from agent.core.person import STRANGER
from agent.types import FrameView, LessonStage, LessonView, Playlist
from agent.vision.faces import FaceTracker
from agent.web.page.context import Card, Still
from tests.browser import chromium, new_page
from tests.web.page.harness import SEVEN, PageServer, fill_history

ROOT = Path(__file__).parents[3]
CLIP = ROOT / "resources" / "demo" / "clip.mp4"
OUT = ROOT / "resources" / "screenshots"
SHOTS: tuple[tuple[str, str, Literal["light", "dark"], int, int], ...] = (
    ("page-now", "", "light", 1180, 730),
    ("page-history", "history?day={yesterday}", "dark", 1180, 900),
    ("page-first-steps", "start?step=camera", "light", 1180, 900),
    ("page-narrow", "", "dark", 390, 844),
    ("page-face", "face", "light", 1180, 760),
)
SAD_AT_REST = (0.02, 0.01, 0.02, 0.05, 0.6, 0.0, 0.3)
AS_LEARNED = (0.01, 0.01, 0.02, 0.1, 0.14, 0.0, 0.72)


def main() -> None:
    """Draw them all."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home  # paths are shown from there
        draw(Path(home))


def draw(home: Path) -> None:
    """Draw them of a page whose data lies in ``home``."""
    with PageServer(home) as server:
        now = server.clock.now().replace(hour=18)
        fill_history(server.history, now)
        _furnish(server)
        yesterday = now.fromtimestamp(now.timestamp() - 86_400).date().isoformat()
        with chromium() as browser:
            for name, area, scheme, width, height in SHOTS:
                if area == "face":
                    _learn(server)
                with new_page(browser, width=width, height=height, scheme=scheme) as page:
                    page.goto(server.access.link())
                    page.wait_for_url(f"{server.url}/")
                    page.goto(f"{server.url}/{area.format(yesterday=yesterday)}")
                    page.wait_for_timeout(1500)
                    page.screenshot(path=OUT / f"{name}.png")


def _learn(server: PageServer) -> None:
    """The face is being learned, and looks sad at rest."""
    server.desk.still = lambda: _still(2.0, SAD_AT_REST)  # type: ignore[method-assign]
    lesson = LessonView(LessonStage.READY, 0.3, None, SAD_AT_REST, AS_LEARNED)
    server.snapshot = replace(server.snapshot, lesson=lesson)


def _still(second: float, seven: tuple[float, ...]) -> Still:
    """One frame of the clip, as the page shows it."""
    clip = cv2.VideoCapture(str(CLIP))
    clip.set(cv2.CAP_PROP_POS_MSEC, 1000 * second)
    there, read = clip.read()
    clip.release()
    assert there
    frame = read.astype(np.uint8)
    return still_of(FrameView(frame, tuple(FaceTracker().search(frame)), seven, 30.0), STRANGER)


def _furnish(server: PageServer) -> None:
    desk = server.desk
    names = {
        "local:happy": Card("local:happy", "Summer on the balcony", "84 songs"),
        "local:surprise": Card("local:surprise", "Road trips", "31 songs"),
        "local:sad": Card("local:sad", "Rain on the window", "52 songs"),
        "local:neutral": Card("local:neutral", "Quiet work", "120 songs"),
    }
    desk.card = lambda player, entry: names[entry]  # type: ignore[method-assign]
    desk.allowed = True
    server.settings.change("local_playlists.happy", ["local:happy", "local:surprise"])
    server.settings.change("local_playlists.sad", ["local:sad"])
    server.settings.change("local_playlists.neutral", ["local:neutral"])
    desk.still = lambda: _still(9.0, SEVEN)  # type: ignore[method-assign]
    switch = server.snapshot.switch
    assert switch is not None
    server.snapshot = replace(
        server.snapshot,
        change=replace(switch, playlist=Playlist("local:happy", "Summer")),
        affect=(0.83, 0.16),
    )


if __name__ == "__main__":
    main()
