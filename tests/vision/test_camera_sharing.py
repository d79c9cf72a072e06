"""The webcam and the programs beside us: real files held open by real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.errors import CameraBusy
from agent.events import CameraChanged
from agent.types import CameraState
from agent.vision import camera
from agent.vision.camera import OpenCVCamera
from agent.vision.camera_sharing import SHARE, Holders, OtherCameraUsers, holders
from tests.fakes.clock import FakeClock
from tests.vision.test_watcher import ScriptedCamera, WatcherHarness

on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells who has a device open"
)


@contextmanager
def another_program(file: Path, called: bytes = b"") -> Iterator[int]:
    """A process that holds ``file`` open; its number."""
    program = "import sys; f = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    if called:
        name_it = f"import ctypes; ctypes.CDLL(None).prctl(15, {called!r}, 0, 0, 0)"  # PR_SET_NAME
        program = f"{name_it}; {program}"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"open"
        try:
            yield process.pid
        finally:
            process.kill()


@pytest.fixture
def device(tmp_path: Path) -> Path:
    path = tmp_path / "video0"
    path.write_text("pictures")
    return path


# --- who has it open


@on_linux
def test_another_process_is_seen_while_it_has_the_file_open(device: Path, tmp_path: Path) -> None:
    link = tmp_path / "by-id"
    link.symlink_to(device)
    with device.open():  # our own does not count
        assert holders(device) == frozenset()
        with another_program(link) as pid:
            ((found, name),) = holders(device)
            assert found == pid
            assert name.startswith("python")
            assert holders(link) == {(pid, name)}
        assert holders(device) == frozenset()
    assert holders(tmp_path / "no such device") == frozenset()


@on_linux
def test_a_program_may_call_itself_anything(device: Path) -> None:
    """A name that is no text hid everybody, and one with orders went to the terminal."""
    with another_program(device, called=b"\x1b[31m\xff"):
        ((_pid, name),) = holders(device)
    assert name == "\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}"


# --- whether to go


class Looks:
    """Who has the device open, as the test says."""

    def __init__(self, *names: str) -> None:
        self.count = 0
        self.say(*names)

    def say(self, *names: str) -> None:
        self.there: Holders = frozenset((100 + len(name), name) for name in names)

    def __call__(self, device: Path) -> Holders:
        self.count += 1
        return self.there


DEVICE = Path("/dev/video0")


def test_who_came_before_is_idle_and_who_comes_later_wants_it() -> None:
    clock, looks = FakeClock(), Looks("browser")
    others = OtherCameraUsers(clock, looks)
    assert others.keeping(DEVICE) is None
    others.opened()
    clock.advance(60)
    assert others.wanting() is None
    looks.say("browser", "meeting")
    clock.advance(60)
    assert others.wanting() == "meeting"
    # It is left alone until it has closed the device; the idle one never mattered.
    assert others.keeping(DEVICE) == "meeting"
    looks.say("browser")
    assert others.keeping(DEVICE) is None
    # An idle one that left and comes again wants it.
    others.opened()
    looks.say()
    clock.advance(60)
    assert others.wanting() is None
    looks.say("browser")
    clock.advance(60)
    assert others.wanting() == "browser"


def test_services_that_only_list_cameras_want_nothing() -> None:
    clock, looks = FakeClock(), Looks()
    others = OtherCameraUsers(clock, looks)
    others.keeping(DEVICE)
    others.opened()
    looks.say("wireplumber")
    clock.advance(60)
    assert others.wanting() is None


def test_another_device_is_left_to_nobody() -> None:
    clock, looks = FakeClock(), Looks()
    others = OtherCameraUsers(clock, looks)
    others.keeping(DEVICE)
    others.opened()
    looks.say("meeting")
    clock.advance(60)
    assert others.wanting() == "meeting"
    assert others.keeping(Path("/dev/video2")) is None
    count = looks.count
    assert others.keeping(None) is None
    others.opened()
    clock.advance(60)
    assert others.wanting() is None
    assert looks.count == count, "a stream or file is no reason to look"


def test_looking_keeps_to_its_share_of_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    used = [0.0]
    monkeypatch.setattr("agent.vision.camera_sharing.time.thread_time", lambda: used[0])
    looks = Looks()

    def costly(device: Path) -> Holders:
        used[0] += 0.04
        return looks(device)

    clock = FakeClock()
    others = OtherCameraUsers(clock, costly)
    others.keeping(DEVICE)
    others.opened()
    for _ in range(10_000):
        clock.advance(0.1)
        others.wanting()
    assert looks.count > 10
    assert used[0] / 1000.0 <= SHARE * 1.1


# --- the watcher


class Webcam(ScriptedCamera):
    def __init__(self, device: Path) -> None:
        super().__init__()
        self.device = device


@on_linux
def test_watcher_lets_go_and_comes_back(device: Path) -> None:
    bench = WatcherHarness(Webcam(device))
    bench.watcher.step()
    bench.clock.advance(60)
    with another_program(device):
        assert bench.watcher.step() == 1.0
        assert not bench.camera.is_open
        change = bench.events[-1]
        assert isinstance(change, CameraChanged)
        assert change.state is CameraState.BUSY
        assert isinstance(change.error, CameraBusy)
        assert "Another program (python" in change.error.message
        assert [bench.watcher.step() for _ in range(5)] == [2.0, 4.0, 5.0, 5.0, 5.0]
        assert bench.camera.opened == 1
    bench.watcher.step()
    assert bench.camera.is_open
    assert bench.states == [CameraState.ON, CameraState.BUSY, CameraState.ON]
    assert len(bench.observations) == 2


@on_linux
def test_watcher_keeps_the_webcam_when_told_so(device: Path) -> None:
    bench = WatcherHarness(Webcam(device), yield_to_others=False)
    bench.watcher.step()
    with another_program(device):
        bench.clock.advance(60)
        bench.watcher.step()
        assert bench.states == [CameraState.ON]
        bench.watcher.set_yield_to_others(True)
        bench.clock.advance(60)
        bench.watcher.step()
        assert bench.states[-1] is CameraState.BUSY
        bench.watcher.set_yield_to_others(False)
        bench.watcher.step()
        assert bench.states[-1] is CameraState.ON


def test_only_webcams_have_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "LINUX", True)
    assert OpenCVCamera(2).device == Path("/dev/video2")
    assert OpenCVCamera("film.mp4").device is None
    assert OpenCVCamera("http://localhost/stream").device is None
    monkeypatch.setattr(camera, "LINUX", False)
    assert OpenCVCamera(2).device is None
