"""The face is learned in the preview, by its keys, with the real program on a real desktop.

A picture of each stage is left in test-artefacts/lesson.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.app.own_face import NAME
from agent.desktop import consent
from agent.desktop.palette import MOOD_COLOURS
from agent.types import MoodState
from tests.desktop.agent_desktop import CLIP, ROOT, AgentDesktop, jpegs
from tests.desktop.conftest import ARTEFACTS
from tests.desktop.x11 import Desktop, wait_for
from tests.vision.mjpeg import MjpegServer

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="X11 is Linux's"),
    pytest.mark.timeout(400),
]

SAD = (24.0, 29.5)
"""Seconds of the demo clip in which the actor looks sad: here their face at rest."""
SETTINGS = """\
version = 1
player = "local"
[camera]
source = "{camera}"
"""


@pytest.fixture
def screen(tint2_desktop: Desktop, tmp_path: Path) -> Iterator[AgentDesktop]:
    with MjpegServer(fps=15.0, frames=jpegs(CLIP, *SAD)) as webcam:
        agent = AgentDesktop(tint2_desktop, tmp_path, SETTINGS.format(camera=webcam.url))
        consent.give(agent.paths, datetime.now(UTC))
        words = [sys.executable, "-m", "agent", "run", "--no-session"]
        with subprocess.Popen(words, env=agent.env, cwd=ROOT) as process:
            try:
                yield agent
            finally:
                process.kill()


def test_by_the_keys_of_the_preview(screen: AgentDesktop) -> None:
    pictures = ARTEFACTS / "lesson"

    def stage(name: str, key: str | None = None) -> dict[str, Any]:
        """Press the key until the lesson has that stage."""

        def there() -> dict[str, Any] | None:
            if key is not None:
                screen.desktop.key(key)
            status = screen.status()
            lesson = None if status is None else status["lesson"]
            return status if lesson is not None and lesson["stage"] == name else None

        return wait_for(there, f"stage {name}", 120.0, every=0.5)

    screen.wait(lambda seen: seen["camera"] == "on", "camera")
    screen.command("preview")
    (window,) = wait_for(lambda: screen.desktop.windows("Moodtray preview"), "preview", 60)
    screen.desktop.focus(window)
    screen.wait(lambda seen: seen["valence"] is not None, "place of the mood")
    screen.desktop.screenshot(pictures / "1-before.png")
    stage("rest", "l")
    wait_for(lambda: (screen.status() or {})["lesson"]["share"] > 0.3, "some of it", 60)
    screen.desktop.screenshot(pictures / "2-rest.png")
    seen = stage("ready")
    assert "now: sad" in seen["lesson"]["reading"]
    assert "as learned: neutral" in seen["lesson"]["reading"]
    screen.desktop.screenshot(pictures / "3-ready.png")
    assert not (screen.paths.state / NAME).exists()
    assert stage("learned", "Return")["own_face"]
    x, y, width, height = screen.desktop.geometry(window)
    face = (x + width // 3, y + height // 5, x + 2 * width // 3, y + 2 * height // 3)
    # The brackets around it have the colour of what is read.
    screen.desktop.wait_for_colour(MOOD_COLOURS[MoodState.NEUTRAL], face, timeout=60)
    screen.desktop.screenshot(pictures / "4-learned.png")
    assert (screen.paths.state / NAME).exists()
