"""The doctor: each part is looked at for real, broken parts are told with what to do."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from agent.cli.commands import app
from agent.desktop import consent
from agent.desktop.single_instance import Instance
from agent.diagnostics import checks, report
from agent.diagnostics.report import Check
from agent.errors import CameraBusy, CameraError, DesktopError, SettingsError
from agent.players.sound import NULL
from agent.players.spotify import storage
from agent.players.spotify.storage import LIMITS_FILE
from agent.players.spotify.token import LIFETIME, Token
from agent.players.spotify.token_store import FileTokenStore
from agent.settings import CameraSettings, Settings
from agent.store.history import SqliteHistory
from agent.store.jsonfile import JsonFile
from agent.store.paths import Paths, models_dir
from agent.store.settings_file import SettingsFile
from agent.vision.camera import OpenCVCamera
from tests.desktop.x11 import Desktop, missing_packages
from tests.fakes.audio import write_broken, write_tone

NAMES = [
    "system",
    "folders",
    "settings",
    "history",
    "model",
    "finder",
    "camera",
    "tray",
    "notifications",
    "sound",
    "music",
    "player",
    "autostart",
]
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux's desktop")


@pytest.fixture
def paths(moodtray_home: Path) -> Paths:
    return Paths.default()


# --- the frame around the checks


def test_each_check_is_guarded_and_the_others_go_on() -> None:
    def breaks() -> checks.Finding:
        raise ZeroDivisionError("oops")

    def refused() -> checks.Finding:
        raise DesktopError("Do this and that.", title="No desktop")

    results = report.run(
        [("breaks", breaks), ("refused", refused), ("fine", lambda: (True, "all right", ""))],
        limit=5.0,
    )
    assert [check.name for check in results] == ["breaks", "refused", "fine"]
    assert results[0].ok is False
    assert "ZeroDivisionError" in results[0].detail
    assert results[0].advice
    assert results[1] == Check("refused", False, "No desktop", "Do this and that.")
    assert results[2] == Check("fine", True, "all right")


def test_a_check_that_hangs_ends_in_the_report() -> None:
    forever = threading.Event()

    def hangs() -> checks.Finding:
        forever.wait(60.0)
        return True, "too late", ""

    began = time.monotonic()
    hanging, fine = report.run([("hangs", hangs), ("fine", lambda: (True, "", ""))], limit=0.3)
    assert time.monotonic() - began < 30.0
    forever.set()
    assert hanging.ok is False
    assert "no answer" in hanging.detail
    assert hanging.advice
    assert fine.ok is True


def test_the_reports_for_programs_and_for_people() -> None:
    results = [
        Check("folders", True, "here"),
        Check("music", False, "some is gone", "Set [local_playlists] right.\nAnd that."),
        Check("tray", None, "without a menu", "word " * 40),
    ]
    told = report.as_dict(results)
    assert json.loads(json.dumps(told)) == told
    assert told["ok"] is False
    assert told["checks"][1] == {
        "name": "music",
        "ok": False,
        "detail": "some is gone",
        "advice": "Set [local_playlists] right.\nAnd that.",
    }
    assert report.as_dict(results[::2])["ok"] is True, "what works in part has not failed"

    out = StringIO()
    Console(file=out, width=200).print(report.as_text(results))
    text = out.getvalue()
    assert "[local_playlists]" in text, "brackets are no markup"
    assert "1 of 3 checks failed" in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_whole_examination(paths: Paths) -> None:
    results = report.examine(paths)
    assert [check.name for check in results] == NAMES
    broken = [check for check in results if "broke" in check.detail or "no answer" in check.detail]
    assert not broken
    for check in results:
        assert check.detail, check
        assert check.advice or check.ok, f"{check.name} must say what to do"
    by_name = {check.name: check for check in results}
    for name in ("folders", "settings", "history", "model", "music", "player"):
        assert by_name[name].ok is True, by_name[name]
    assert by_name["camera"].ok is None, "nobody has allowed the camera"


@pytest.mark.parametrize("source", ["stream", "webcam"])
def test_no_camera_is_opened_without_consent(
    paths: Paths, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command: a server that listens, and a device whose opening would be seen."""
    opened: list[object] = []
    with monkeypatch.context() as patched, socket.create_server(("127.0.0.1", 0)) as listening:
        patched.setattr(OpenCVCamera, "open", lambda camera: opened.append(camera))
        patched.setattr(OpenCVCamera, "read", lambda _: np.zeros((48, 64, 3), np.uint8))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/video"
        paths.ensure()
        wanted = f'"{address}"' if source == "stream" else "0"
        paths.settings_file.write_text(f"[camera]\nsource = {wanted}\n")
        told = as_lines(paths)["camera"]
        assert opened == []
        assert "you have not allowed the camera yet" in told
        assert "moodtray consent" in told
        consent.give(paths, datetime.now(UTC))
        as_lines(paths)
        assert opened, "with it, it is opened"
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()


# --- folders, settings, history


def test_an_unwritable_place_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MOODTRAY_HOME", str(tmp_path / "file"))
    results = {check.name: check for check in report.examine(Paths.default())}
    assert results["folders"].ok is False
    assert str(tmp_path / "file") in results["folders"].advice
    assert results["settings"].ok is False


def test_a_mistake_in_the_settings_is_told(paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    paths.settings_file.write_text("[mood]\nsteadines = 1\n")
    _, problem = SettingsFile(paths).load_or_last_good()
    assert isinstance(problem, SettingsError)
    ok, detail, advice = checks.settings_file(paths, problem)
    assert ok is False
    assert "last good" in detail
    assert "mood.steadiness" in advice


def test_the_history_is_counted_and_its_damage_told(paths: Paths) -> None:
    assert checks.history(paths) == (True, "empty so far", "")
    assert not paths.history_file.exists()
    journal = SqliteHistory(paths.history_file)
    journal.add_feedback(datetime.now(UTC), "skip", "")
    journal.close()
    ok, detail, _ = checks.history(paths)
    assert ok is True
    assert "0 moods and 0 changes of the music in " in detail
    paths.history_file.write_bytes(b"no database" * 1000)
    ok, _, advice = checks.history(paths)
    assert ok is None
    assert ".broken-" in advice


# --- model and camera


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    for file in models_dir().glob("emotion.*"):
        shutil.copy(file, folder)
    monkeypatch.setattr("agent.vision.expression.models_dir", lambda: folder)
    return folder


def test_the_model_is_checked_and_run(own_models: Path) -> None:
    ok, detail, _ = checks.model(Settings())
    assert ok is True
    assert "checksum" in detail


def test_the_finder_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ok, detail, _ = checks.finder(Settings())
    assert ok is True
    assert "BlazeFace" in detail
    ok, detail, _ = checks.finder(Settings(camera=CameraSettings(finder="haar")))
    assert ok is True
    assert "by the settings" in detail
    shutil.copy(models_dir() / "face-finder.json", tmp_path)
    monkeypatch.setattr("agent.vision.finder_files.models_dir", lambda: tmp_path)
    ok, detail, advice = checks.finder(Settings())
    assert ok is None  # it works, less well
    assert "Haar" in detail
    assert "is missing" in advice
    assert "make setup" in advice


@pytest.mark.parametrize("damage", ["truncated", "swapped", "gone"])
def test_a_bad_model_is_told(own_models: Path, damage: str) -> None:
    file = own_models / "emotion.onnx"
    data = file.read_bytes()
    if damage == "truncated":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "swapped":
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    else:
        file.unlink()
    [check] = report.run([("model", lambda: checks.model(Settings()))], limit=30.0)
    assert check.ok is False
    assert "emotion.onnx" in check.advice
    assert "Install Moodtray again" in check.advice


def camera_settings(source: int | str) -> Settings:
    return Settings(camera=CameraSettings(source=source))


def video(path: Path, brightness: int) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (320, 240))
    noise = np.random.default_rng(7)
    for _ in range(10):
        writer.write(noise.integers(0, brightness, (240, 320, 3), np.uint8))
    writer.release()
    return path


def test_the_camera_gives_a_frame(paths: Paths, tmp_path: Path) -> None:
    bright = video(tmp_path / "bright.avi", 255)
    ok, detail, _ = checks.camera(paths, camera_settings(str(bright)))
    assert ok is True
    assert "320x240" in detail
    dark = video(tmp_path / "dark.avi", 10)
    ok, detail, advice = checks.camera(paths, camera_settings(str(dark)))
    assert ok is None
    assert "dark" in detail
    assert "light" in advice


def test_a_video_that_is_none(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "shopping.mp4").write_text("milk")
    ok, _, advice = checks.camera(paths, camera_settings(str(tmp_path / "shopping.mp4")))
    assert ok is False
    assert "shopping.mp4" in advice


def test_no_camera_is_touched_without_consent(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def must_not_open(self: object) -> None:
        pytest.fail("the camera was opened without consent")

    monkeypatch.setattr("agent.vision.camera.OpenCVCamera.open", must_not_open)
    for source in (0, "1", "/dev/video0"):
        ok, _, advice = checks.camera(paths, camera_settings(source))
        assert ok is None
        assert "moodtray consent" in advice


def test_a_camera_that_is_not_there(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can hold it; one that is there may be held by the program that runs."""
    consent.give(paths, datetime.now(UTC))
    ok, detail, advice = checks.camera(paths, camera_settings(87))
    assert ok is False
    assert detail
    assert "camera 87" in advice.lower()
    assert "running Moodtray" not in advice
    with Instance(paths) as running:
        assert running.acquire()
        assert "running Moodtray" not in checks.camera(paths, camera_settings(87))[2]

        def refuse(_camera: OpenCVCamera) -> None:
            raise CameraBusy("It is busy.")

        monkeypatch.setattr(OpenCVCamera, "open", refuse)
        advice = checks.camera(paths, camera_settings(87))[2]
    assert "running Moodtray" in advice


def test_the_camera_is_let_go_whatever_happens(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []

    def fails(self: object) -> None:
        raise CameraError("It fell off the table.")

    monkeypatch.setattr("agent.vision.camera.OpenCVCamera.read", fails)
    monkeypatch.setattr("agent.vision.camera.OpenCVCamera.close", lambda self: closed.append(True))
    source = str(video(tmp_path / "clip.avi", 200))
    assert checks.camera(paths, camera_settings(source))[0] is False
    assert closed


# --- desktop


def in_desktop(desktop: Desktop, check: str) -> list[Any]:
    """Run one check in a program of its own on that desktop."""
    code = f"import json; from agent.diagnostics import checks as d; print(json.dumps({check}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=desktop.env,
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: list[Any] = json.loads(done.stdout)
    return found


@on_linux
@pytest.mark.skipif(bool(missing_packages("tint2")), reason="needs Xvfb, tint2 and dunst")
def test_tray_and_notifications_on_a_desktop(tmp_path: Path) -> None:
    with Desktop(tmp_path, panel="tint2") as desktop:
        ok, detail, _ = in_desktop(desktop, "d.tray()")
        assert (ok, "icon and menu" in detail) == (True, True), detail
        from_settings = "d.notifications(__import__('agent.settings').settings.Settings())"
        ok, detail, _ = in_desktop(desktop, from_settings)
        assert ok is True
        assert "dunst" in detail


@on_linux
@pytest.mark.skipif(bool(missing_packages(None)), reason="needs Xvfb")
def test_a_desktop_without_a_panel(tmp_path: Path) -> None:
    with Desktop(tmp_path, panel=None, dunst=False, bus=True) as desktop:
        ok, detail, advice = in_desktop(desktop, "d.tray()")
        assert ok is None
        assert "no panel" in detail
        assert "panel" in advice


@on_linux
def test_no_desktop_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    ok, detail, advice = checks.tray()
    assert (ok, detail) == (None, "no tray icon")
    assert "moodtray status" in advice
    ok, _, advice = checks.notifications(Settings())
    assert ok is None
    assert advice


@on_linux
def test_autostart_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agent.desktop.autostart import autostart

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    ok, before, _ = checks.autostart()
    assert ok is True
    autostart().enable()
    ok, after, _ = checks.autostart()
    assert ok is True
    assert after != before
    autostart(["/gone/moodtray", "run"]).enable()
    ok, _, advice = checks.autostart()
    assert ok is None
    assert "/gone/moodtray" in advice


# --- music and player


def test_sound_is_told() -> None:
    ok, detail, advice = checks.sound()
    assert detail
    assert ok is True or (ok is None and advice)


def test_the_users_own_folders(tmp_path: Path) -> None:
    full, empty = tmp_path / "full", tmp_path / "empty"
    empty.mkdir()
    write_tone(full / "song.wav", 0.1)
    ok, detail, _ = checks.music(
        Paths.below(tmp_path / "home"), Settings(local_playlists={"happy": (str(full),)})
    )
    assert ok is True
    assert "happy" in detail
    lists = {"happy": (str(full), str(empty)), "sad": (str(tmp_path / "nowhere"),)}
    ok, _, advice = checks.music(
        Paths.below(tmp_path / "home"), Settings.model_validate({"local_playlists": lists})
    )
    assert ok is False
    assert [line.split(":")[0] for line in advice.splitlines()] == ["happy", "sad"]
    assert str(empty) in advice
    assert str(tmp_path / "nowhere") in advice


def test_folders_that_are_adopted_are_the_users_own(tmp_path: Path) -> None:
    paths = Paths.below(tmp_path)
    assert checks.music(paths, Settings())[:2] == (True, "7 tracks, the Moodtray loops")
    for name in ("one.wav", "two.wav"):
        write_tone(paths.music / "Afraid" / name, 0.1)
    assert checks.music(paths, Settings())[:2] == (True, "8 tracks, of your own for afraid")
    write_tone(paths.music / "Party" / "three.wav", 0.1)
    ok, _found, told = checks.music(paths, Settings())
    assert ok is None
    assert "beside the moods' folders: Party." in told


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes on Linux")
def test_what_is_passed_over_is_told_and_not_counted(tmp_path: Path) -> None:
    folder = tmp_path / "Happy"
    write_tone(folder / "good.wav", 0.1)
    write_broken(folder / "bad.mp3")
    (folder / "other.m4a").write_bytes(b"\0\0\0\x20ftypM4A ")
    os.rename(write_tone(folder / "x.wav", 0.1), os.fsencode(folder) + b"/v\xe9.wav")
    ok, detail, advice = checks.music(
        Paths.below(tmp_path / "home"), Settings(local_playlists={"happy": (str(folder),)})
    )
    assert ok is None
    assert detail.startswith("8 tracks"), "two, and a loop for each of the other six moods"
    assert "bad.mp3 (it is no audio file" in advice
    assert "1 .m4a" in advice
    write_broken(tmp_path / "Sad" / "bad.ogg")
    ok, _, advice = checks.music(
        Paths.below(tmp_path / "home"), Settings(local_playlists={"sad": (str(tmp_path / "Sad"),)})
    )
    assert ok is False
    assert "sad: “Sad”: Cannot be played: bad.ogg" in advice


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes on Linux")
def test_a_home_full_of_mistakes_is_told_mistake_by_mistake(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command itself, as a user calls it."""
    latin, linked, locked = (tmp_path / name for name in ("Latin", "Linked", "Locked"))
    write_tone(latin / "good.wav", 0.1)
    os.rename(write_broken(latin / "x.mp3"), os.fsencode(latin) + b"/v\xe9.mp3")
    linked.mkdir()
    (linked / "album").symlink_to(latin)
    write_tone(locked / "good.wav", 0.1)
    (locked / "closed").mkdir()
    (tmp_path / "radio.m3u").write_text("http://radio.example/stream\n")
    good = f"""
[camera]
source = "{tmp_path}/no-such-clip.mp4"
[local_playlists]
happy = ["{latin}"]
sad = ["{linked}"]
fear = ["{tmp_path}/radio.m3u"]
neutral = ["{locked}"]
[spotify_playlists]
happy = ["{"0" * 22}", "https://spotify.link/AbCdEf"]
"""
    refuse_folder(locked / "closed", monkeypatch)
    paths.ensure()
    paths.settings_file.write_text(good, encoding="utf-8")
    told = as_lines(paths)
    assert "https://spotify.link/AbCdEf' is a short link" in told["settings"]
    assert "line 10" in told["settings"]
    assert "v\N{REPLACEMENT CHARACTER}.mp3" in told["music"]
    assert "sad" in told["music"], "its linked album was looked at"
    assert f"Could not be read: {locked / 'closed'}" in told["music"]
    assert "1 stream" in told["music"]
    assert "no-such-clip.mp4" in told["camera"]

    wrong = good.replace(str(linked), "~no-such-user/Sad").replace(f'"{latin}"', '""')
    wrong += '[notifications]\nquiet_from = "22:00Z"\n'
    paths.settings_file.write_text(wrong, encoding="utf-8")
    told = as_lines(paths)
    assert 'no user "no-such-user"' in told["settings"]
    assert '"" names nothing' in told["settings"]
    assert "time zone" in told["settings"]
    assert "last good settings are in force" in told["settings"]
    assert "1 stream" in told["music"], "those of the last good settings"


def refuse_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system answers anybody but root."""
    scandir = os.scandir

    def refuse(path: str | Path = ".") -> object:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)


def as_lines(paths: Paths) -> dict[str, str]:
    """What 'moodtray doctor' prints, by check."""
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return {
        check["name"]: f"{check['detail']}\n{check['advice']}"
        for check in json.loads(done.stdout)["checks"]
    }


def test_which_player_and_its_login(paths: Paths) -> None:
    auto, spotify = Settings(), Settings(player="spotify")
    assert "own player" in checks.player(paths, Settings(player="local"))[1]
    assert checks.player(paths, auto)[0] is True
    storage.login_note(paths).note_end()
    ok, detail, advice = checks.player(paths, auto)
    assert (ok, detail) == (False, "your login to Spotify has ended")
    assert "moodtray login" in advice
    storage.login_note(paths).note_logout()
    assert checks.player(paths, auto)[0] is True
    ok, _, advice = checks.player(paths, spotify)
    assert ok is False
    assert "moodtray login" in advice

    def log_in(agreed: datetime) -> None:
        paths.config.mkdir(parents=True, exist_ok=True)
        token = Token("a-secret", "r-secret", agreed, agreed, "client", "https://accounts")
        FileTokenStore(storage.token_file(paths)).save(token.to_dict())

    now = datetime.now(UTC)
    log_in(now)
    ok, detail, _ = checks.player(paths, spotify)
    assert ok is None, "no playlists"
    mapped = Settings(player="auto", spotify_playlists={"happy": ("0" * 22,)})
    ok, detail, advice = checks.player(paths, mapped)
    assert ok is True
    assert "happy" in detail
    assert "secret" not in detail + advice
    log_in(now - LIFETIME + timedelta(days=5))
    ok, _, advice = checks.player(paths, mapped)
    assert ok is None
    assert "Renew" in advice


def test_the_requests_to_spotify(paths: Paths) -> None:
    settings = Settings(player="spotify", spotify_playlists={"happy": ("0" * 22,)})
    now = datetime.now().astimezone()
    paths.ensure()
    token = Token("a-secret", "r-secret", now, now, "client", "https://accounts")
    FileTokenStore(storage.token_file(paths)).save(token.to_dict())

    def noted(**state: object) -> tuple[bool | None, str, str]:
        file = JsonFile(paths.state / LIMITS_FILE)
        file.save({"day": f"{now:%Y-%m-%d}", "wait_until": None, "quota": False, **state})
        return checks.player(paths, settings)

    ok, detail, _ = noted(requests=321)
    assert ok is True
    assert "321 of 5000 requests today" in detail
    assert f"logged in until {now + LIFETIME:%d %B %Y}" in detail
    until = now + timedelta(hours=13)
    ok, detail, advice = noted(requests=4321, wait_until=until.isoformat(), quota=True)
    assert ok is None
    assert "4321 of 5000" in detail
    assert f"until {until:%H:%M on %d %B}" in advice
    ok, _, advice = noted(requests=4900)
    assert ok is None
    assert "midnight" in advice
    assert "spotify.daily_requests" in advice
    assert noted(requests=4900, day="2026-01-01")[0] is True, "another day's"


def test_sound_names_the_backend_or_says_that_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent.players.sound.working_backend", lambda: "PulseAudio")
    assert checks.sound() == (True, "PulseAudio", "")
    monkeypatch.setattr("agent.players.sound.working_backend", lambda: NULL)
    ok, detail, advice = checks.sound()
    assert (ok, detail.startswith("no sound output")) == (None, True)
    assert "speakers" in advice


def test_the_environment_of_the_examination_is_left_alone(paths: Paths) -> None:
    before = dict(os.environ)
    report.examine(paths)
    assert {k: v for k, v in os.environ.items() if before.get(k) != v} == {}
