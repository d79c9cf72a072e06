"""From an empty home to music that follows the mood, all in the browser: a newcomer's whole way,
once with folders of their own and once with Spotify.

With folders nobody touches a file or a terminal between 'moodtray run' and the music: the agent
opens the browser itself. With Spotify the way in is 'moodtray settings --print-url'.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import wave
from pathlib import Path

import cv2
import pytest
from playwright.sync_api import Browser, Page, expect

from agent.clock import SystemClock
from agent.errors import NotRunning
from agent.store.paths import Paths
from agent.web.door_client import call
from tests.agent_process import CLIP, ROOT, AgentProcess, Line
from tests.browser import new_page
from tests.fakes.spotify import FakeSpotify, World
from tests.web.page.harness import wait_until

CLIENT_ID = "0123456789abcdef0123456789abcdef"

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Of a user with some music and nothing else."""
    for name in ("Sunny", "Quiet"):
        folder = tmp_path / "Music" / name
        folder.mkdir(parents=True)
        for number in (1, 2):
            with wave.open(str(folder / f"{number}.wav"), "wb") as song:
                song.setnchannels(1)
                song.setsampwidth(2)
                song.setframerate(8000)
                song.writeframes(bytes(2 * 8000 * 60))
    return {
        **os.environ,
        "HOME": str(tmp_path),
        "MOODTRAY_HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
    }


def with_browser(env: dict[str, str], tmp_path: Path) -> Path:
    """Give the user a browser that notes what it is started with; returns that note."""
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" >>{opened}\n')
    browser.chmod(0o755)
    env |= {"BROWSER": str(browser), "DISPLAY": ":99"}
    return opened


def opened_address(opened: Path) -> str:
    """What the agent opened the browser with, once."""
    wait_until(lambda: opened.exists() and opened.read_text().endswith("\n"), "the browser")
    (address,) = opened.read_text().splitlines()
    return address


def address(env: dict[str, str]) -> str:
    """What 'moodtray settings --print-url' prints."""
    done = subprocess.run(
        [sys.executable, "-m", "agent", "settings", "--print-url"],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/enter/\S+\n", done.stdout)
    return done.stdout.strip()


def to_the_camera(page: Page) -> None:
    """In the first steps: consent, and choose the clip as the camera."""
    expect(page.get_by_role("heading", name="May Moodtray use the camera?")).to_be_visible()
    page.get_by_role("button", name="Allow the camera").click()
    expect(page.get_by_role("heading", name="Which camera?")).to_be_visible()
    page.get_by_text("A network camera or a video file").click()
    page.get_by_label("Address of a stream").fill(str(CLIP))
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("[data-still]")).to_be_visible()
    # A face was found and read, not only a picture shown.
    expect(page.locator("[data-still-text]")).to_have_text(re.compile(r"This look: \w+ \(\d+\s%\)"))
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Where the music comes from")).to_be_visible()


def try_it(page: Page, name: str) -> None:
    """From the step of messages to music that follows the face."""
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Notifications and start")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Try it now")).to_be_visible()
    page.get_by_role("button", name="Start the try-out").click()
    expect(page.locator("#why")).to_contain_text(re.compile(f"{name}.*happy"), timeout=120_000)


def calm(folder: Path) -> Path:
    """The clip's first seconds, in which the actor is neutral: it is shown over and over."""
    clip = cv2.VideoCapture(str(CLIP))
    size = (int(clip.get(cv2.CAP_PROP_FRAME_WIDTH)), int(clip.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    file = folder / "calm.mp4"
    cut = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), 30, size)
    for _ in range(130):
        cut.write(clip.read()[1])
    cut.release()
    clip.release()
    return file


def look_calm(page: Page, face: Path) -> None:
    """Another mood while it is tried out: the music moves on with it."""
    page.get_by_role("button", name="End the try-out").click()
    expect(page.get_by_role("button", name="Start the try-out")).to_be_visible()
    page.get_by_role("link", name="The camera").click()
    page.get_by_label("Address of a stream").fill(str(face))
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("[data-still-text]")).to_contain_text("This look: neutral")
    page.get_by_role("link", name="Try it now").click()
    page.get_by_role("button", name="Start the try-out").click()
    expect(page.locator("#why")).to_contain_text(re.compile("Quiet.*neutral"), timeout=120_000)


def test_folders(browser: Browser, env: dict[str, str], tmp_path: Path) -> None:
    """In through the file that the very first start opens in the user's browser."""
    opened = with_browser(env, tmp_path)
    with (
        AgentProcess("run", "--no-session", "--events-json", env=env) as agent,
        new_page(browser) as page,
    ):
        way_in = opened_address(opened)
        assert way_in.startswith("file://")
        page.goto(way_in)
        page.wait_for_url(re.compile(r"http://127\.0\.0\.1:\d+/start\?step=consent$"))
        to_the_camera(page)
        page.get_by_role("button", name="Music on this computer").click()
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("link", name="Add music for happy").click()
        page.get_by_role("button", name="Add Sunny").click()
        expect(page.get_by_role("status")).to_have_text("“Sunny” was added to the music for happy.")
        page.get_by_role("link", name="← First steps").click()
        page.get_by_role("link", name="Add music for neutral").click()
        page.get_by_role("link", name="Quiet").click()
        expect(page.get_by_text("2 songs")).to_be_visible()
        page.get_by_role("button", name="Add this folder").click()
        expect(page.get_by_text("added", exact=True)).to_be_visible()
        page.get_by_role("link", name="← First steps").click()
        try_it(page, "Sunny")
        sunny = str(tmp_path / "Music" / "Sunny")
        agent.wait_for(lambda line: plays(line, sunny))
        look_calm(page, calm(tmp_path))
        quiet = str(tmp_path / "Music" / "Quiet")
        agent.wait_for(lambda line: plays(line, quiet))


def plays(line: Line, folder: str) -> bool:
    """A playlist sounds."""
    return (line["event"], line.get("state"), line.get("context")) == (
        "playback",
        "playing",
        folder,
    )


def test_an_open_page_goes_on_with_the_next_agent(browser: Browser, env: dict[str, str]) -> None:
    """At a port that the user chose; otherwise each run has another (see test_strangers)."""
    paths = Paths.below(Path(env["MOODTRAY_HOME"]))
    paths.ensure()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    paths.settings_file.write_text(f"[web]\nport = {port}\n")
    run = ("run", "--headless", "--no-session", "--camera", str(CLIP), "--player", "local")
    with new_page(browser) as page:
        with AgentProcess(*run, env=env) as first:
            first.wait_for_word("Moodtray is running")
            page.goto(address(env))
            page.get_by_role("link", name="Settings").click()
            field = page.get_by_role("textbox", name="Pause between changes")
            field.fill("70")
        expect(page.locator("#lost")).to_be_visible()
        field.press("Tab")
        form = page.locator("form", has=field)
        expect(form.locator(".error")).to_contain_text("Nothing was changed.")
        with AgentProcess(*run, env=env):
            expect(page.locator("#lost")).to_be_hidden()
            assert field.input_value() == "70"
            field.press("Enter")
            expect(page.get_by_role("status")).to_have_text("Saved: Pause between changes.")


def test_spotify(browser: Browser, env: dict[str, str]) -> None:
    world = World(SystemClock(), lag=0.3)
    with (
        FakeSpotify(world=world) as spotify,
        AgentProcess(
            "run", "--headless", "--no-session", "--events-json", "--spotify-url", spotify.url,
            env=env,
        ) as agent,
        new_page(browser) as page,
    ):  # fmt: skip
        world.user.play("angry", device="Kitchen")
        agent.wait_for_word("may not use the camera")
        page.goto(address(env))
        page.get_by_role("link", name="First steps").click()
        to_the_camera(page)
        # Another test may have the usual port of the login.
        start = page.url
        page.get_by_role("link", name="Settings").click()
        page.get_by_label("Find a setting").fill("port for the login")  # else it is folded
        page.get_by_role("textbox", name="Port for the login").fill("0")
        page.get_by_role("textbox", name="Port for the login").press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Saved")
        page.goto(start)
        page.get_by_role("button", name="Your Spotify playlists, on any of your devices").click()
        expect(page.locator(".copy code")).to_have_text("http://127.0.0.1/callback")
        field = page.get_by_label("Client ID")
        field.fill("what's that?")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("There is no client ID in it.")).to_be_visible()
        field.fill(f"https://developer.spotify.com/dashboard/{CLIENT_ID}/settings")
        page.get_by_role("button", name="Log in").click()
        page.locator("#agree").click()
        page.locator("#keep").click()
        expect(page.get_by_text("Logged in")).to_be_visible()
        expect(page.get_by_text("Kitchen")).to_be_visible()
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("link", name="Add music for happy").click()
        proposed = page.locator("section", has=page.get_by_role("heading", name="These may fit"))
        proposed.get_by_role("button", name="Add Happy songs").click()
        expect(page.get_by_role("status")).to_have_text(
            "“Happy songs” was added to the music for happy."
        )
        page.get_by_role("link", name="← First steps").click()
        try_it(page, "Happy songs")
        assert world.truth().context == world.catalogue["happy"].uri
        assert world.violations == []


def test_the_very_first_start_opens_the_page(env: dict[str, str], tmp_path: Path) -> None:
    """Once, in the user's browser, by a file for their eyes alone; the link is in no arguments.
    That another command was tried before, which writes the settings' file, takes nothing away."""
    opened = with_browser(env, tmp_path)
    subprocess.run(
        [sys.executable, "-m", "agent", "doctor"], env=env, cwd=ROOT, capture_output=True
    )
    assert Paths.below(Path(env["MOODTRAY_HOME"])).settings_file.exists()
    for start in (1, 2):
        with AgentProcess("run", "--no-session", "--paused", env=env) as agent:
            wait_until(lambda: answers(env), "the agent")
            if start == 1:
                arguments = opened_address(opened)
                assert arguments.startswith("file://")
                file = Path(arguments.removeprefix("file://"))
                assert file.stat().st_mode & 0o777 == 0o600
                assert "/enter/" in file.read_text()
            agent.stop()
    assert opened_address(opened) == arguments
    assert not file.exists(), "its link is dead"


def answers(env: dict[str, str]) -> bool:
    """The agent is up."""
    try:
        call(Paths.below(Path(env["MOODTRAY_HOME"])), "status")
    except NotRunning:
        return False
    return True
