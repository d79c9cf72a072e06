"""The end of the whole agent while everything that can hang hangs.

The player has one thread, which hangs in the network or in the sound device, whichever it uses;
the camera hangs besides. How fast the end is on a quiet machine is told by ``moodtray bench``.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable

import pytest

from agent.clock import SystemClock
from agent.players.spotify import storage
from agent.players.spotify.token import Token
from agent.players.spotify.token_store import FileTokenStore
from agent.store.paths import Paths
from tests.agent_process import PATIENCE, AgentProcess, run_command
from tests.fakes.spotify import EMOTIONS, FakeSpotify
from tests.vision.mjpeg import MjpegServer

GUARD = 5.0
"""Seconds; the agent's own limit is 2, the machine that tests is shared."""

DEAF_SOUND = """
import os
import threading
import agent.players.sound as sound
from agent.__main__ import main

def hang(*_):
    os.write(1, b'\\n{"event": "sound hangs"}\\n')  # a line of its own, whoever writes
    threading.Event().wait()

for name in ("play", "pause", "resume", "close"):
    setattr(sound.Output, name, hang)
main()
"""
"""The agent's own program, with a sound device that never returns."""

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM"),
    pytest.mark.usefixtures("no_display"),
]


@pytest.fixture
def paths(moodtray_home: object) -> Paths:
    found = Paths.default()
    found.ensure()
    found.settings_file.write_text("version = 1\n[camera]\ninterval = 0.5\n")
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the installer removes it")
def test_what_is_deleted_after_an_uninstall_does_not_come_back(paths: Paths) -> None:
    with AgentProcess("run", "--headless") as agent:
        wait_until(lambda: run_command("status").returncode == 0)
        told = run_command("uninstall")
        assert told.returncode == 0, told.stderr
        assert "Moodtray has ended." in told.stdout
        for folder in (paths.config, paths.data, paths.state):
            shutil.rmtree(folder, ignore_errors=True)
        assert agent.end() == 0
    assert not paths.data.exists()
    assert not paths.state.exists()


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def by_signal(agent: AgentProcess) -> None:
    assert agent.stop() < GUARD


def by_command(agent: AgentProcess) -> None:
    assert run_command("quit").returncode == 0
    answered = time.monotonic()  # the command waits for the end for a while itself
    assert agent.end() == 0
    assert time.monotonic() - answered < GUARD


def stall(webcam: MjpegServer, agent: AgentProcess) -> None:
    """The camera was read, and its next picture never comes."""
    agent.wait_for(lambda line: line["event"] == "observation")
    webcam.stalled.set()
    for _patience in range(20):  # pictures that were on their way may still be looked at
        seen = len(agent.of("observation"))
        time.sleep(1.5)  # some intervals
        if len(agent.of("observation")) == seen:
            return
    raise AssertionError("it goes on looking")


@pytest.mark.parametrize("end", [by_signal, by_command])
def test_camera_and_network_hang(
    paths: Paths, webcam: MjpegServer, end: Callable[[AgentProcess], None]
) -> None:
    with FakeSpotify() as spotify:
        log_in(paths, spotify)
        spotify.world.trouble("hang", times=None, seconds=12.0)
        with AgentProcess(
            "run", "--headless", "--events-json", "--camera", webcam.url,
            "--player", "spotify", "--spotify-url", spotify.url,
        ) as agent:  # fmt: skip
            stall(webcam, agent)
            before = len(spotify.world.sent)
            wait_until(lambda: len(spotify.world.sent) > before)  # has begun to hang just now
            end(agent)
        assert agent.process.returncode == 0


@pytest.mark.parametrize("end", [by_signal, by_command])
def test_camera_and_sound_hang(
    paths: Paths, webcam: MjpegServer, end: Callable[[AgentProcess], None]
) -> None:
    with AgentProcess(
        "run", "--headless", "--events-json", "--camera", webcam.url, "--player", "local",
        program=("-c", DEAF_SOUND),
    ) as agent:  # fmt: skip
        stall(webcam, agent)
        assert run_command("mood", "happy").returncode == 0
        assert run_command("play").returncode == 0
        agent.wait_for(lambda line: line["event"] == "sound hangs")
        end(agent)
    assert agent.process.returncode == 0


def log_in(paths: Paths, spotify: FakeSpotify) -> None:
    now = SystemClock().now().isoformat()
    more = {"expires_at": now, "auth_date": now, "client_id": "client", "issuer": spotify.url}
    token = Token.from_dict({**spotify.accounts.give_login(), **more})
    assert token is not None
    FileTokenStore(storage.token_file(paths)).save(token.to_dict())
    entries = [f'{e} = ["{spotify.world.catalogue[e].uri}"]' for e in EMOTIONS]
    with paths.settings_file.open("a") as file:
        file.write("\n".join(["[spotify_playlists]", *entries, ""]))
