"""Every door that takes a path takes the same odd names: another encoding, the longest there are,
line breaks, blanks, dashes, tildes, colons."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent import logs
from agent.desktop import consent
from agent.diagnostics import bundle
from agent.errors import AgentError
from agent.players.local import LocalPlayer, playlist
from agent.settings import LocalSettings
from agent.store.history import SqliteHistory
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from agent.training.data import data_folder
from agent.training.npz_corpora import Column, open_packed
from agent.types import Mood, MoodState, PlayState
from agent.vision.analyze import analyze
from agent.vision.camera import OpenCVCamera
from agent.vision.expression import ExpressionClassifier
from tests.fakes.audio import write_tone
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems allow fewer names")

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NAMES = {
    "latin-1": os.fsdecode(b"v\xe9"),
    "long": "n" * 251,
    "line break": "a\nb",
    "dash": "-name",
    "tilde": "~name",
    "tilde of nobody": "~",
    "colon": "12:30",
    "address": "rtsp:",
    "blanks": " a ",
    "escape": "\x1b[31mred",
    "right to left": "a\u202egnp",
    "percent": "50%s%00",
    "brackets": "[bold]x[*?]",
    "world": "♪ 明るい",
}


@pytest.fixture(scope="module")
def classifier() -> ExpressionClassifier:
    return ExpressionClassifier.load()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "video.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (64, 48))
    for level in (40, 90, 140):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    return path


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return NAMES[request.param]


def named(folder: Path, name: str, suffix: str) -> Path:
    """A file called so; the longest name has room for four more characters."""
    return folder / f"{name}{suffix}"


def test_camera(name: str, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = named(tmp_path, name, ".mp4")
    shutil.copy(video, path)
    monkeypatch.chdir(tmp_path)
    for source in (path, str(path), path.name):
        camera = OpenCVCamera(source)
        camera.open()
        assert camera.read().shape == (48, 64, 3)
        camera.close()
        assert_harmless(camera.name)
    path.unlink()
    with pytest.raises(AgentError) as caught:
        OpenCVCamera(str(path)).open()
    assert_harmless(caught.value.message)


def assert_harmless(text: str) -> None:
    """One line that any terminal, log and notification takes."""
    text.encode("utf-8")
    assert not {"\n", "\x1b", "\u202e"} & set(text)


@pytest.mark.parametrize("kind", ["picture", "video", "text", "nothing"])
def test_analyze(
    name: str, kind: str, video: Path, tmp_path: Path, classifier: ExpressionClassifier
) -> None:
    path = named(tmp_path, name, ".png")
    if kind == "picture":
        path.write_bytes(cv2.imencode(".png", np.full((60, 80, 3), 90, np.uint8))[1].tobytes())
    elif kind == "video":
        shutil.copy(video, path)
    elif kind == "text":
        path.write_text("hello\n" * 100)
    if kind in ("picture", "video"):
        assert_harmless(analyze(path, classifier).summary)
        return
    with pytest.raises(AgentError) as caught:
        analyze(path, classifier)
    assert_harmless(caught.value.message)


def test_music(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    write_tone(named(folder, name, ".wav"), 0.5)
    player = LocalPlayer(LocalSettings(), FakeClock(), null=True)
    try:
        player.play(playlist(str(folder)))
        playback = player.playback()
        assert playback.state is PlayState.PLAYING
        assert_harmless(playback.title or "")
        assert_harmless(playback.context_name or "")
        (playback.track or "").encode("utf-8")
    finally:
        player.close()
    shutil.rmtree(folder)
    with pytest.raises(AgentError) as caught:
        player.play(playlist(str(folder)))
    assert_harmless(caught.value.message)


def test_bundle(name: str, tmp_path: Path) -> None:
    paths = Paths.default()
    paths.ensure()
    made = bundle.make(paths, {"ok": True}, named(tmp_path, name, ".zip"), NOW)
    assert made.stat().st_size > 0
    (tmp_path / name).mkdir()
    assert bundle.make(paths, {"ok": True}, tmp_path / name, NOW).parent == tmp_path / name


def test_home(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOODTRAY_HOME", str(tmp_path / name))
    if {"\n", "\x1b"} & set(name):
        with pytest.raises(AgentError, match="no whole path") as caught:
            Paths.default()
        assert_harmless(caught.value.message)
        return
    paths = Paths.default()
    assert paths.ensure() == []
    assert SettingsFile(paths).load().version == 1
    history = SqliteHistory(paths.history_file)
    history.add_mood(NOW, Mood(MoodState.HAPPY, 0.0, 1.0))
    assert history.counts() == (1, 0)
    history.close()
    consent.give(paths, NOW)
    assert consent.is_given(paths)
    logs.set_up(paths.logs)
    logging.getLogger("agent.test").warning("hello")
    logs.tear_down()
    assert "hello" in (paths.logs / logs.LOG_NAME).read_text(encoding="utf-8")


def test_training_data(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with pytest.raises(AgentError):
        data_folder(folder)
    (folder / "ferplus.npz").write_bytes(b"no numbers")
    assert data_folder(folder) == folder
    with pytest.raises(AgentError):
        open_packed(folder / "ferplus.npz", "blob", {"label": Column(0, 6)})


def test_one_batch_of_all(video: Path, tmp_path: Path) -> None:
    """By the command itself: nothing that is named ends it, and each gets its line."""
    good = [named(tmp_path, name, ".mp4") for name in NAMES.values()]
    for path in good:
        shutil.copy(video, path)
    os.mkfifo(tmp_path / "pipe")
    bad = [tmp_path, tmp_path / "pipe", Path(os.devnull), tmp_path / ("x" * 300), tmp_path / "gone"]
    done = subprocess.run(
        [sys.executable, "-m", "agent", "analyze", "--json", "--", *map(str, [*bad, *good, *bad])],
        capture_output=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    told = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    assert [("error" in line) for line in told] == [True] * 5 + [False] * len(good) + [True] * 5
