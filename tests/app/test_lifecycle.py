"""The whole agent as a process: real clip, real network, real player, no screen."""

from __future__ import annotations

import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from agent.desktop.single_instance import Instance
from agent.store.history import SqliteHistory
from agent.store.paths import Paths
from agent.types import EMOTIONS
from tests.agent_process import CLIP, PATIENCE, SHARED, AgentProcess, Line, run_command
from tests.stranger import NOBODY

pytestmark = pytest.mark.usefixtures("no_display")

QUICK = """
[camera]
interval = 0.5
[mood]
certainty = 0.75
pace = 0.05
away_after = 1.0
[policy]
timing = "now"
cooldown = 1.0
"""


@pytest.fixture
def quick(moodtray_home: Path) -> Paths:
    """Settings with short times, as a user would write them."""
    paths = Paths.below(moodtray_home)
    paths.ensure()
    paths.settings_file.write_text("version = 1\n" + QUICK)
    return paths


def run(*more: str) -> AgentProcess:
    return AgentProcess("run", "--headless", "--events-json", *more)


def test_the_demo_sees_moods_and_plays_to_them() -> None:
    with AgentProcess("demo", "--json", "--headless") as demo:
        assert demo.end(timeout=150) == 0
    states = {line["state"] for line in demo.of("mood")}
    assert "away" in states
    assert len(states & set(EMOTIONS)) >= 2
    played = {line["context"] for line in demo.of("playback") if line["state"] == "playing"}
    assert len(played) >= 2
    assert all(context.startswith("local:") for context in played)
    switches = [line for line in demo.of("decision") if line["playlist"]]
    assert {line["playlist"] for line in switches} >= played
    assert all(line["reason"] for line in demo.of("decision"))
    assert len(demo.of("notification")) >= 2
    assert demo.of("summary")[0]["with_face"] > 10
    times = [line["t"] for line in demo.lines[:-1]]
    assert times == sorted(times)


def test_without_a_display_it_says_so_once_and_runs_on(quick: Paths) -> None:
    with AgentProcess("run", "--events-json", "--camera", str(CLIP)) as agent:
        agent.wait_for(lambda line: line["event"] == "observation" and line["t"] > 3.0)
        assert agent.stop() < 4.0
    assert sum("display" in line.lower() for line in agent.said) == 1


def test_history_is_kept_and_nothing_is_ever_a_picture(quick: Paths, moodtray_home: Path) -> None:
    with run("--camera", str(CLIP), "--play") as agent:
        agent.wait_for(lambda line: line["event"] == "playback" and line["state"] == "playing")
        agent.wait_for(lambda line: line["event"] == "mood")
        agent.stop()
    history = SqliteHistory(quick.history_file)
    assert history.switches()
    assert history.moods()
    history.close()
    kept = [path for path in moodtray_home.rglob("*") if path.is_file()]
    assert {path.suffix for path in kept} <= {
        ".toml", ".last-good", ".sqlite", ".sqlite-wal", ".sqlite-shm", ".log", ".lock", ".json",
    }  # fmt: skip
    assert all(path.stat().st_size < 200_000 for path in kept)
    for folder in (quick.config, quick.data, quick.state):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_it_starts_no_music_unasked(quick: Paths) -> None:
    with run("--camera", str(CLIP)) as agent:
        agent.wait_for(lambda line: line["event"] == "mood")
        agent.wait_for(lambda line: "only when asked" in line.get("reason", ""))
        agent.stop()
    assert not [line for line in agent.of("playback") if line["state"] == "playing"]


def test_no_second_engine_is_loaded(quick: Paths) -> None:
    with run("--camera", str(CLIP)) as agent:
        agent.wait_for(lambda line: line["event"] == "observation")
        maps = Path(f"/proc/{agent.process.pid}/maps").read_text()
        agent.stop()
    assert "cv2" in maps
    assert "libtorch" not in maps
    assert "onnxruntime" not in maps


def test_a_typo_in_the_settings_is_told_and_the_last_good_ones_hold(quick: Paths) -> None:
    with run("--camera", str(CLIP)) as agent:
        agent.wait_for(lambda line: line["event"] == "observation")
        quick.settings_file.write_text(
            quick.settings_file.read_text().replace("certainty", "certanty")
        )
        said = agent.wait_for(lambda line: "certanty" in line.get("body", ""))
        assert "settings.toml" in said["body"]
        before = len(agent.of("observation"))
        agent.wait_for(lambda line: len(agent.of("observation")) > before + 2)
        agent.stop()
    with run("--camera", str(CLIP)) as agent:
        agent.wait_for(lambda line: "certanty" in line.get("body", ""))
        agent.wait_for(lambda line: line["event"] == "observation" and line["t"] < 5.0)
        agent.stop()


def test_new_settings_take_effect_while_it_runs(quick: Paths) -> None:
    quick.settings_file.write_text("version = 1\n[camera]\ninterval = 600.0\n")
    with run("--camera", str(CLIP)) as agent:
        agent.wait_for(lambda line: line["event"] == "observation")
        quick.settings_file.write_text("version = 1\n[camera]\ninterval = 0.5\n")
        agent.wait_for(lambda line: len(agent.of("observation")) >= 3)
        agent.stop()


def test_no_camera_is_told_and_the_agent_runs_on(quick: Paths) -> None:
    missing = str(quick.data / "no such clip.mp4")
    with run("--camera", missing) as agent:
        agent.wait_for(lambda line: "no such clip.mp4" in line.get("body", ""))
        assert agent.process.poll() is None
        assert agent.stop() < 4.0


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/stream"


def test_it_quits_at_once_although_the_camera_hangs(quick: Paths, silent_server: str) -> None:
    with run("--camera", silent_server) as agent:
        agent.wait_for(lambda line: line["event"] == "decision")
        assert agent.stop() < 4.0
    assert agent.process.returncode == 0


def test_an_unwritable_home_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a file"
    file.write_text("x")
    monkeypatch.setenv("MOODTRAY_HOME", str(file / "home"))
    done = run_command("run", "--headless", "--camera", str(CLIP))
    assert done.returncode == 1
    assert str(file) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can give away")
@pytest.mark.parametrize("name", ["config", "data", "logs"])
def test_without_a_folder_that_it_can_do_without_it_runs(quick: Paths, name: str) -> None:
    """Another user has left theirs in its place: what was told at the start is all that happens."""
    folder: Path = getattr(quick, name)
    if name == "config":
        quick.settings_file.unlink()
    os.chown(folder, NOBODY, NOBODY)
    with run("--camera", str(CLIP)) as agent:
        agent.wait_for_word(str(folder))
        agent.wait_for(lambda line: line["event"] == "observation")
        assert run_command("status").returncode == 0
    assert list(folder.iterdir()) == []


class RealFaces:
    """People, not the synthetic actor. Collected only where the clips of them are."""

    def follow(self, clip: str, *moods: str) -> None:
        """See one mood after the other; a clip is shown again and again, however slow we are."""
        with run("--camera", str(SHARED / "data" / "video" / clip)) as agent:
            since = 0.0
            for mood in moods:
                since = agent.wait_for(partial(is_mood, mood, since))["t"]
            agent.stop()

    def test_sad_becomes_happy(self, quick: Paths) -> None:
        self.follow("WolfgangLanger_Pexels.mp4", "sad", "happy")

    def test_a_face_that_leaves_is_away(self, quick: Paths) -> None:
        self.follow("face_noface.mov", "happy", "away")


def is_mood(mood: str, since: float, line: Line) -> bool:
    return line["event"] == "mood" and line["state"] == mood and float(line["t"]) >= since


if SHARED.is_dir():

    class TestRealFaces(RealFaces):
        """The clips are here."""


def test_no_agent_no_status(quick: Paths) -> None:
    for verb in ("status", "pause", "resume", "why", "quit"):
        done = run_command(verb)
        assert done.returncode == 3, verb
        assert "not running" in done.stderr.lower()


def test_a_command_right_after_the_start_is_answered(quick: Paths) -> None:
    with run("--camera", str(CLIP)) as agent:
        wait_until(lambda: Instance(quick).is_taken())
        done = run_command("status")
        assert done.returncode == 0, done.stderr
        assert "Camera:" in done.stdout
        assert agent.stop() < 4.0


def test_an_agent_without_commands_is_no_missing_agent(quick: Paths) -> None:
    with run("--camera", str(CLIP), "--no-control") as agent:
        agent.wait_for(lambda line: line["event"] == "observation")
        done = run_command("status")
        assert done.returncode == 1
        assert "takes no commands" in done.stderr


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_the_commands_rule_the_running_agent(quick: Paths) -> None:
    with run("--camera", str(CLIP)) as agent:
        agent.wait_for(lambda line: line["event"] == "observation")
        again = run_command("run", "--headless", "--camera", str(CLIP))
        assert again.returncode == 0
        assert "running" in again.stdout.lower()
        assert run_command("pause").returncode == 0
        assert "paused" in run_command("status").stdout.lower()
        assert run_command("resume").returncode == 0
        assert run_command("mood", "sad").returncode == 0
        agent.wait_for(lambda line: line["event"] == "mood" and line["by_hand"])
        assert run_command("play").returncode == 0
        agent.wait_for(lambda line: line["event"] == "playback" and line["context"] == "local:sad")
        assert "sad" in run_command("why").stdout
        assert run_command("music", "pause").returncode == 0
        agent.wait_for(lambda line: line["event"] == "playback" and line["state"] == "paused")
        assert run_command("music", "resume").returncode == 0
        assert run_command("quit").returncode == 0
        assert agent.end() == 0


def test_a_killed_agent_is_no_obstacle(quick: Paths) -> None:
    with run("--camera", str(CLIP)) as agent:
        agent.wait_for(lambda line: line["event"] == "observation")
        os.kill(agent.process.pid, 9)
        agent.end()
    for folder in quick.icon_folders:  # as of one with a tray
        folder.mkdir()
        (folder / "watching-sad-24-dark.png").touch()
    with run("--camera", str(CLIP)) as agent:
        agent.wait_for(lambda line: line["event"] == "observation")
        assert not any(folder.exists() for folder in quick.icon_folders)
        assert agent.stop() < 4.0
