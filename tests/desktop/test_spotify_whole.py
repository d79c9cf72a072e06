"""From nothing to music that fits, as a new user goes: log in with a real browser, run the agent on
a real desktop with the demo's clip, and the right playlist plays on the right device."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from agent.clock import SystemClock
from tests.agent_process import CLIP, AgentProcess
from tests.browser import new_page
from tests.desktop.conftest import ARTEFACTS
from tests.desktop.x11 import Desktop, wait_for
from tests.fakes.spotify import EMOTIONS, FakeSpotify, World

CLIENT_ID = "0123456789abcdef0123456789abcdef"
SETTINGS = """\
version = 1
[camera]
interval = 0.5
burst_duration = 0.2
[mood]
certainty = 0.75
pace = 0.05
[policy]
timing = "now"
cooldown = 3.0
[spotify]
port = 0
"""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with new_page(browser) as made:
        yield made


@pytest.fixture
def spotify() -> Iterator[FakeSpotify]:
    with FakeSpotify(world=World(SystemClock(), lag=0.5)) as service:
        yield service
        assert service.world.violations == []


def log_in(spotify: FakeSpotify, page: Page, env: dict[str, str]) -> None:
    """``moodtray login`` in a terminal, the browser beside it."""
    command = [sys.executable, "-m", "agent", "login", "--client-id", CLIENT_ID, "--no-browser"]
    with subprocess.Popen(
        [*command, "--spotify-url", spotify.url], stdout=subprocess.PIPE, text=True, env=env
    ) as login:
        assert login.stdout is not None
        url = login.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), "a link of ours, which works once"
        page.goto(url)
        page.locator("#agree").click()
        expect(page.get_by_text("Is this your account?")).to_be_visible(timeout=60_000)
        page.locator("#keep").click()
        expect(page.get_by_text("Done, you may close this")).to_be_visible(timeout=60_000)
        assert login.wait(30) == 0
        assert login.stdout.read() == ""


def test_from_an_empty_home_to_the_right_playlist(
    tint2_desktop: Desktop, spotify: FakeSpotify, page: Page, tmp_path: Path
) -> None:
    world = spotify.world
    home = tmp_path / "home"
    env = {**tint2_desktop.env, "MOODTRAY_HOME": str(home)}
    settings = home / "config" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(SETTINGS)

    log_in(spotify, page, env)
    token = home / "config" / "spotify-token.json"
    assert token.stat().st_mode & 0o777 == 0o600
    assert CLIENT_ID in settings.read_text()

    entries = [f'{e} = ["{world.catalogue[e].uri}"]' for e in EMOTIONS]
    settings.write_text("\n".join([settings.read_text(), "[spotify_playlists]", *entries, ""]))
    world.user.play("angry", device="Kitchen")
    tint2_desktop.forget_notifications()

    with AgentProcess(
        "run", "--events-json", "--camera", str(CLIP), "--spotify-url", spotify.url, env=env
    ) as agent:
        happy = world.catalogue["happy"].uri

        def plays_happy(line: dict[str, object]) -> bool:
            return line["event"] == "playback" and line["context"] == happy

        moved = agent.wait_for(plays_happy)
        assert moved["device"] == "Kitchen"  # where the user was listening
        mood = agent.wait_for(lambda line: line["event"] == "mood" and line["state"] == "happy")
        assert mood["t"] < moved["t"]
        wait_for(tint2_desktop.shown_notifications, "notification")
        tint2_desktop.screenshot(ARTEFACTS / "spotify.png")
        agent.stop()
    assert world.truth().context == happy
    tint2_desktop.dismiss_notifications()
    # Only one notification of a kind a minute: the clip's calm beginning has had it.
    assert [n for n in tint2_desktop.notifications() if " songs" in n["summary"]]
    said = "\n".join(agent.said) + "".join(p.read_text() for p in (home / "logs").glob("*.log"))
    assert "Bearer" not in said
    assert "refresh" not in said
