"""The process that decodes a track: what it can do, and what becomes of it and of the music when a
file breaks it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from agent.players import decoding, sound, track
from agent.players.decoding import DAMAGED, HEADER, LONGEST, SILENT
from agent.players.track import FRAME_BYTES, RATE, Track, Unplayable
from agent.store.paths import resources_dir
from tests.fakes.audio import write_tone

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="the processes are of another kind there"
)

LOOP = resources_dir() / "sounds" / "happy.ogg"
TELLS = f"""
import os, signal, struct, sys, time
def tell(seconds=5.0, rate={RATE}, channels=1):
    head = struct.pack({HEADER.format!r}, seconds, rate, channels)
    os.write(1, head + bytes(4_000 * channels))
    time.sleep(600 * (seconds != 5.0 or rate != 44_100 or channels != 1))  # until it is ended
"""
"""What a decoder would begin with, for those below that go wrong."""


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have tracks decoded by another program."""

    def instead(program: str) -> None:
        monkeypatch.setattr(track, "_command", lambda: [sys.executable, "-c", TELLS + program])

    return instead


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60.0
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def rest_of(opened: Track) -> int:
    """How many more bytes it gives."""
    size = 0
    while (part := opened.read(RATE)) != b"":
        size += len(part or b"")
    return size


def has_ended(opened: Track) -> bool:
    """Whether its process is gone, waited for as well."""
    return opened._process.returncode is not None


class TestTrouble:
    def test_a_crash_costs_the_rest_of_the_track(self, decoder: Callable[[str], None]) -> None:
        decoder("tell(); os.kill(os.getpid(), signal.SIGSEGV)")
        opened = Track(LOOP)
        assert rest_of(opened) == 1_000 * FRAME_BYTES
        assert opened.broke
        opened.close()

    def test_the_music_goes_on_and_comes_there_no_more(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        paths = [write_tone(tmp_path / name, 0.2) for name in ("a.wav", "b.wav")]
        command = track._command()
        crashes = [sys.executable, "-c", TELLS + "tell(); os.kill(os.getpid(), signal.SIGSEGV)"]
        started: list[int] = []

        def which() -> list[str]:
            started.append(len(started))
            return crashes if len(started) == 1 else command

        monkeypatch.setattr(track, "_command", which)
        ends: list[None] = []
        deck = sound.Deck(paths, on_end=lambda: ends.append(None))
        assert deck.now is not None
        assert deck.now[0] == paths[0]
        while len(ends) < 3:
            deck.read(2_000)
            if ends:
                assert deck.now[0] == paths[1]
        assert list(deck._bad) == [paths[0]]
        deck.close()

    @pytest.mark.parametrize(
        ("program", "why"),
        [
            ("os.kill(os.getpid(), signal.SIGSEGV)", "broke the decoder"),
            ("sys.exit(1)", "broke the decoder"),
            ("os.write(1, b'abc')", "holds no sound"),
            ("tell(float('nan'))", "broke the decoder"),
            ("tell(float('inf'))", "broke the decoder"),
            ("tell(-1.0)", "broke the decoder"),
            ("tell(0.0)", "broke the decoder"),
            (f"tell({LONGEST + 1})", "broke the decoder"),
            ("tell(rate=0)", "broke the decoder"),
            ("tell(rate=4_000_000_000)", "broke the decoder"),
            ("tell(channels=0)", "broke the decoder"),
            ("tell(channels=9)", "broke the decoder"),
            (f"sys.exit({DAMAGED})", "is damaged"),
            (f"sys.exit({SILENT})", "holds no sound"),
        ],
    )
    def test_what_says_nothing_sensible_is_no_track(
        self, decoder: Callable[[str], None], program: str, why: str
    ) -> None:
        decoder(program)
        with pytest.raises(Unplayable, match=why):
            Track(LOOP)

    def test_one_that_does_not_begin_is_ended(
        self, decoder: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        decoder("time.sleep(600)")
        monkeypatch.setattr(track, "OPENING", 0.3)
        before = psutil.Process().children()
        with pytest.raises(Unplayable, match="too long"):
            Track(LOOP)
        wait_until(lambda: psutil.Process().children() == before)

    def test_one_that_is_late_is_heard_as_silence_and_then_left(
        self, decoder: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        decoder("tell(); time.sleep(600)")
        opened = Track(LOOP)
        while opened.read(1_000) is not None:
            pass
        assert not opened.broke
        monkeypatch.setattr(track, "STUCK", 0.0)
        assert opened.read(1_000) == b""
        assert opened.broke
        wait_until(lambda: has_ended(opened))

    def test_a_process_that_it_left_behind_is_not_listened_to(
        self, decoder: Callable[[str], None]
    ) -> None:
        decoder("tell()\nos.fork()\nwhile True: os.write(1, bytes(10_000))")
        opened = Track(LOOP)
        opened.close()
        wait_until(lambda: all(one.name != "decoder" for one in threading.enumerate()))

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_a_defect_of_ours_ends_the_track(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def breaks(self: track.Conversion, piece: bytes) -> bytes:
            raise ZeroDivisionError

        monkeypatch.setattr(track.Conversion, "next", breaks)
        with pytest.raises(Unplayable, match="broke the decoder"):
            Track(LOOP)

    def test_a_program_that_cannot_be_started(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(track, "_command", lambda: ["/nowhere/to/be/found"])
        with pytest.raises(Unplayable, match="cannot be decoded"):
            Track(LOOP)

    def test_endless_work_is_ended_by_the_system(self) -> None:
        program = "from agent.players import decoding as d\nd._grant_time()\nwhile True: pass"
        done = subprocess.run([sys.executable, "-c", program], timeout=120)
        assert done.returncode == -signal.SIGXCPU

    def test_no_decoder_works_for_ever_whoever_left_it_alone(self) -> None:
        """One that was taken over raises its own bound, and may outlive the agent."""
        program = (
            "import resource; from agent.players import decoding as d\n"
            "d._forgo_all_else(); d._grant_time()\n"
            "soft, hard = resource.getrlimit(resource.RLIMIT_CPU)\n"
            "assert 0 < soft < 10 < hard == d.MOST_WORK_IN_ALL, (soft, hard)"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr


class TestLife:
    def test_a_track_that_is_heard_to_its_end(self) -> None:
        opened = Track(LOOP)
        assert rest_of(opened) / FRAME_BYTES / RATE == pytest.approx(opened.duration, abs=0.01)
        assert not opened.broke
        opened.close()
        opened.close()

    def test_a_closed_one_leaves_nothing(self) -> None:
        opened = Track(LOOP)
        assert opened.read(10)
        opened.close()
        assert opened.read(10) == b""
        wait_until(lambda: has_ended(opened))
        wait_until(lambda: all(one.name != "decoder" for one in threading.enumerate()))
        assert not opened.broke, "it was closed"

    def test_no_more_than_some_seconds_are_decoded_before_they_are_wanted(self) -> None:
        opened = Track(LOOP)
        wait_until(lambda: len(opened._ready) >= track.AHEAD)
        busy = psutil.Process(opened._process.pid)
        wait_until(lambda: busy.status() == psutil.STATUS_SLEEPING)
        assert len(opened._ready) <= track.AHEAD + track.ONCE
        opened.close()

    def test_it_ends_with_the_program_whatever_kills_that(self) -> None:
        program = (
            "import sys; from pathlib import Path; from agent.players.track import Track\n"
            "track = Track(Path(sys.argv[1]))\n"
            "print(track._process.pid, flush=True)\n"
            "sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program, str(LOOP)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as parent:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            child = psutil.Process(pid)
            parent.kill()
        wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)

    def test_no_module_comes_from_the_folder_that_all_was_started_in(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("numpy", "soundfile", "contextlib", "agent"):
            (tmp_path / f"{name}.py").write_text("raise SystemExit(1)")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PYTHONPATH", "")
        Track(LOOP).close()

    def test_nor_from_where_a_library_looks_for_its_own_just_now(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """cv2 has its folder first in sys.path while it is loaded, and a module "typing" there."""
        (tmp_path / "typing.py").write_text("raise SystemExit(1)")
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        track._places.cache_clear()
        Track(LOOP).close()

    def test_a_library_that_is_just_being_loaded_is_found(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By another thread, as in 'doctor': a module of C is there before it says whence."""
        track._places.cache_clear()
        places = track._places()
        for name in ("soundfile", "_soundfile", "_cffi_backend"):
            half = ModuleType(name)
            assert half.__spec__ is None
            monkeypatch.setitem(sys.modules, name, half)
        track._places.cache_clear()
        assert track._places() == places

    def test_the_packaged_program_is_its_own_decoder(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "frozen", True, raising=False)
        words = track._command()[1:]
        program = (
            f"import sys; sys.frozen = True; sys.argv[1:] = {words!r}\n"
            "from agent.__main__ import main; main()"
        )
        with LOOP.open("rb") as file:
            done = subprocess.run([sys.executable, "-c", program], stdin=file, capture_output=True)
        assert done.returncode == 0, done.stderr
        seconds, rate, channels = HEADER.unpack(done.stdout[: HEADER.size])
        assert len(done.stdout) == HEADER.size + round(seconds * rate) * channels * 4


ATTACKS = """
import os, resource, signal, socket, sys
from agent.players import decoding
import ctypes, mmap
decoding._forgo_all_else()
def attempt(name, action):
    try:
        action()
    except (OSError, RuntimeError) as error:
        os.write(1, f"{name}: refused\\n".encode())
    else:
        os.write(1, f"{name}: DONE\\n".encode())
secret, folder, parent = sys.argv[1], sys.argv[2], int(sys.argv[3])
attempt("read", lambda: open(secret).read())
attempt("write", lambda: open(folder + "/new", "w"))
attempt("internet socket", lambda: socket.socket(socket.AF_INET))
attempt("unix socket", lambda: socket.socket(socket.AF_UNIX))
attempt("pipe", os.pipe)
attempt("list", lambda: os.listdir(folder))
attempt("start", lambda: os.execv("/bin/true", ["true"]))
attempt("remove", lambda: os.unlink(secret))
attempt("rename", lambda: os.rename(secret, folder + "/moved"))
attempt("make a folder", lambda: os.mkdir(folder + "/made"))
attempt("signal", lambda: os.kill(parent, signal.SIGUSR1))
attempt("open to others", lambda: os.chmod(folder, 0o777))
attempt("open its file to others", lambda: os.fchmod(0, 0o666))
attempt("times", lambda: os.utime(secret, (0, 0)))
attempt("look", lambda: os.stat(secret))
attempt("limits", lambda: resource.prlimit(parent, resource.RLIMIT_FSIZE, (0, 0)))
attempt("priority", lambda: os.setpriority(os.PRIO_PROCESS, parent, 19))
attempt("group", lambda: os.setpgid(0, 0))
def share():
    if ctypes.CDLL(None).shmget(0, 4096, 0o1600) < 0:
        raise OSError
attempt("share memory", share)
kinds = mmap.MAP_PRIVATE, mmap.MAP_SHARED, mmap.MAP_PRIVATE | 0x100  # one that grows downwards
def fill(kind):
    return [mmap.mmap(-1, 50_000_000, kind | mmap.MAP_ANONYMOUS) for _ in range(9)]
attempt("own memory", lambda: fill(kinds[0]))
attempt("memory for others", lambda: fill(kinds[1]))
attempt("a stack", lambda: fill(kinds[2]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is Linux's")
def test_a_decoder_that_was_taken_over_can_do_nothing(tmp_path: Path) -> None:
    """Whatever runs in it: no file, no connection, no program, no signal."""
    secret, folder = tmp_path / "token", tmp_path / "folder"
    secret.write_text("secret")
    folder.mkdir()
    landlock = ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1)
    with secret.open() as song, subprocess.Popen(["sleep", "600"]) as other:
        done = subprocess.run(
            [sys.executable, "-c", ATTACKS, str(secret), str(folder), str(other.pid)],
            stdin=song,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert other.poll() is None
        other.kill()
    told = dict(line.split(": ") for line in done.stdout.splitlines())
    names = ["read", "write", "internet socket", "unix socket", "pipe", "list", "start"]
    if landlock >= 1:  # the kernel has it; without, a name can be removed
        names += ["remove", "rename", "make a folder"]
    if landlock >= 6:
        names.append("signal")
    if decoding.call_filter(os.uname().machine):
        names = list(told)
        assert len(names) == ATTACKS.count("\nattempt(")
    assert {name: told.get(name) for name in names} == dict.fromkeys(names, "refused"), done.stderr


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "riscv64"])
def test_no_call_of_the_kernel_is_named_twice(machine: str) -> None:
    """A wrong number would most likely be another's."""
    column = decoding._ARCHITECTURES[machine][1]
    numbers = [both[column] for both in decoding._CALLS.values()]
    assert len(set(numbers)) == len(numbers)
    assert len(decoding.call_filter(machine)) == 8 * (2 * len(numbers) + 9)
    assert decoding.call_filter("sparc") == b""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_it_has_its_file_and_its_pipe_and_nothing_else() -> None:
    opened = Track(LOOP)
    folder = Path(f"/proc/{opened._process.pid}/fd")
    has = {int(entry.name): os.readlink(entry) for entry in folder.iterdir()}
    opened.close()
    assert sorted(has) == [0, 1, 2]
    assert has[0] == str(LOOP)
    assert has[1].startswith("pipe:")
    assert has[2] == os.devnull
