"""A face that looks sad at rest: the running agent learns it, from the terminal and from the page,
reads it as at rest from then on, and as sad again once it is told to forget.

The actor's sad part of the clip is that face; their smile is what must still be read as one.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from agent.app.own_face import NAME
from agent.desktop import consent
from agent.errors import AgentError
from agent.store.paths import Paths
from agent.types import Frame
from agent.web.door_client import call
from tests.agent_process import CLIP, AgentProcess, run_command
from tests.browser import chromium, new_page
from tests.desktop.agent_desktop import jpegs
from tests.vision.mjpeg import MjpegServer

pytestmark = pytest.mark.timeout(560)

SAD, SMILE = (24.0, 29.5), (6.0, 11.0)
PATIENCE = 120.0


@pytest.fixture
def webcam() -> Iterator[MjpegServer]:
    with MjpegServer(fps=15.0, frames=jpegs(CLIP, *SAD)) as server:
        yield server


@pytest.fixture
def agent(moodtray_home: Path, webcam: MjpegServer) -> Iterator[AgentProcess]:
    settings = Paths.default().settings_file
    settings.parent.mkdir(parents=True)
    settings.write_text("[camera]\ninterval = 1.0\n[mood]\nsteadiness = 'quick'\npace = 0.1\n")
    consent.give(Paths.default(), datetime.now(UTC))
    words = ("run", "--headless", "--no-session", "--events-json", "--camera", webcam.url)
    with AgentProcess(*words) as process:
        yield process


def status() -> dict[str, Any]:
    try:
        return call(Paths.default(), "status")
    except AgentError:
        return {}


def wait(wanted: Callable[[dict[str, Any]], object], what: str) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE
    while not wanted(seen := status()):
        assert time.monotonic() < end, f"never: {what}; {seen}"
        time.sleep(0.2)
    return seen


def mood(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda seen: seen.get("mood") == name


def looks_sad(seen: dict[str, Any]) -> bool:
    """Sad, or on the way there: by one look after the other the filter doubts whether it is."""
    return seen.get("mood") in ("sad", "unsure") and (seen["valence"] or 0.0) < -0.3


def flickering(picture: Frame) -> list[bytes]:
    """It with the noise of a camera, which never sends the same picture twice."""
    noise = np.random.default_rng(1)
    frames = [cv2.add(picture, noise.integers(0, 4, picture.shape, np.uint8)) for _ in range(4)]
    return [cv2.imencode(".jpg", frame)[1].tobytes() for frame in frames]


def test_a_face_that_looks_sad_at_rest(agent: AgentProcess, webcam: MjpegServer) -> None:
    wait(looks_sad, "sad, as the network reads it")
    done = run_command("calibrate", "--seconds", "8", timeout=PATIENCE)
    assert (done.returncode, done.stdout.startswith("Your face is learned.")) == (0, True), done
    assert "now: sad" in done.stderr
    assert "as learned: neutral" in done.stderr
    seen = wait(mood("neutral"), "neutral, as it is learned")
    assert seen["own_face"]
    assert "Face:   your face was learned, and is read as such" in seen["text"]
    stored = Paths.default().state / NAME
    assert set(json.loads(stored.read_text())) == {
        "format", "network", "rest", "spread", "looks", "shift"
    }  # fmt: skip
    assert stored.stat().st_size < 1000, "numbers, no picture"

    webcam.show(jpegs(CLIP, *SMILE))
    wait(mood("happy"), "a smile")
    webcam.show(jpegs(CLIP, *SAD))
    wait(mood("neutral"), "neutral again")

    assert "forgotten" in run_command("calibrate", "--forget").stdout
    assert not stored.exists()
    assert not wait(looks_sad, "sad again")["own_face"]


def test_what_cannot_be_learned_is_said_and_nothing_is_stored(
    agent: AgentProcess, webcam: MjpegServer
) -> None:
    wait(looks_sad, "somebody")
    alone = cv2.VideoCapture(str(CLIP))
    alone.set(cv2.CAP_PROP_POS_MSEC, 2000)
    _, frame = alone.read()
    alone.release()
    two = cv2.hconcat([frame[:, 160:480], frame[:, 160:480]])
    for picture, words in ((two, "More than one person"), (frame // 32, "too dark")):
        webcam.show(flickering(np.asarray(picture, np.uint8)))
        done = run_command("calibrate", "--seconds", "60", timeout=PATIENCE)
        assert done.returncode == 1
        assert words in done.stderr
        assert "Nothing was stored" in done.stderr
    assert not (Paths.default().state / NAME).exists()
    call(Paths.default(), "pause")
    done = run_command("calibrate")
    assert done.returncode == 1
    assert "The camera is paused" in done.stderr


def test_the_page_leads_through_it(agent: AgentProcess) -> None:
    wait(looks_sad, "sad, as the network reads it")
    link = call(Paths.default(), "page", page="face", show=False)["url"]
    with chromium() as browser, new_page(browser) as page:
        page.goto(link)
        page.wait_for_url("**/face")
        expect(page.locator("[data-still]")).to_be_visible()
        page.get_by_role("button", name="Learn my face").click()
        expect(page.get_by_role("heading", name="Look as you do when you work")).to_be_visible()
        learned = page.locator("[data-pair=neutral] span").last
        expect(learned).to_have_text(re.compile(r"[5-9]\d %"))
        page.get_by_role("button", name="Keep it").click()
        expect(page.get_by_role("heading", name="Your face is learned.")).to_be_visible()
        assert status()["own_face"]
        page.get_by_role("button", name="Forget what was learned").click()
        page.get_by_role("button", name="Forget it").click()
        expect(page.get_by_role("status")).to_contain_text("Your face is forgotten.")
    wait(lambda seen: not seen["own_face"], "forgotten")
