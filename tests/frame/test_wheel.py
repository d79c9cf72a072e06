"""The wheel: built, installed as users do (pipx, uv; no compiler, no GTK), and run from there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest
from filelock import FileLock

import agent
from agent.desktop.palette import MOOD_COLOURS, VIOLET
from agent.store.paths import resources_dir
from agent.types import EMOTIONS
from tests.desktop import sway
from tests.desktop.x11 import Desktop, missing_packages, wait_for
from tests.desktop.x11_screen import Screen

ROOT = Path(__file__).resolve().parents[2]
LIMIT_MB = 25.0
FEWEST_LINES = 12
"""Of the whole menu, its separators not counted."""
_NOT_THEIRS = ("PYTHON", "VIRTUAL_ENV", "DISPLAY", "WAYLAND", "XDG_", "MOODTRAY", "PIPX")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run of the tests share: one wheel, one installation."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="module")
def wheel(place: Path) -> Path:
    out = place / "wheel"
    with FileLock(place / "wheel.lock"):
        if not list(out.glob("*.whl")):
            subprocess.run(
                [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)],
                cwd=ROOT,
                check=True,
                capture_output=True,
                timeout=150,
            )
    [built] = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bare(place: Path) -> dict[str, str]:
    """The variables of somebody who has just logged in for the first time: an empty home, and
    neither compiler nor pkg-config on the path."""
    home = place / "newcomer"
    keep = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_THEIRS)}
    keep |= {"HOME": str(home), "USERPROFILE": str(home), "PATH": str(home / "programs")}
    with FileLock(place / "newcomer.lock"):
        if not home.exists():
            (home / "programs").mkdir(parents=True)
            for name in ("sh", "env", "dbus-send"):
                if (found := shutil.which(name)) is not None:
                    (home / "programs" / name).symlink_to(found)
    return keep


@pytest.fixture(scope="module")
def installed(wheel: Path, place: Path, bare: dict[str, str]) -> Path:
    """``pipx install`` of the wheel, with all its dependencies from the registry (or from pip's
    cache, which is the user's own, to save the download); returns the folder of its programs."""
    home = Path(bare["HOME"])
    with FileLock(place / "pipx.lock"):
        if not (home / "bin").exists():
            _install_by_pipx(wheel, home, bare)
    return _programs(home)


def _programs(home: Path) -> Path:
    return home / "pipx" / "venvs" / "moodtray" / ("Scripts" if os.name == "nt" else "bin")


def _install_by_pipx(wheel: Path, home: Path, bare: dict[str, str]) -> None:
    cache = subprocess.run(
        [sys.executable, "-m", "pip", "cache", "dir"], check=True, capture_output=True, text=True
    ).stdout.strip()
    places = {"PIPX_HOME": str(home / "pipx"), "PIPX_BIN_DIR": str(home / "bin")}
    done = subprocess.run(
        [sys.executable, "-m", "pipx", "install", "--python", sys.executable, str(wheel)],
        env={**bare, **places, "PIP_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (home / "bin" / ("moodtray.exe" if os.name == "nt" else "moodtray")).exists()
    for name in ("gi", "torch", "dbus", "dbus_fast", "keyring"):
        asked = [str(_programs(home) / "python"), "-c", f"import {name}"]
        told = subprocess.run(asked, env=bare, capture_output=True, text=True).stderr
        assert f"No module named '{name}'" in told, "it would prove nothing"


@pytest.fixture
def run(installed: Path, bare: dict[str, str], tmp_path: Path) -> Run:
    """Run a program of the new environment, in another folder."""

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(installed / command[0]), *command[1:]],
            cwd=tmp_path,
            env={**bare, "MOODTRAY_HOME": str(tmp_path / "moodtray")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_all_that_is_needed_is_inside_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    data = {name.removeprefix("agent/_data/") for name in names if "/_data/" in name}
    assert {"models/emotion.onnx", "models/emotion.json", "resources/settings.toml"} <= data
    weights = json.loads((ROOT / "models" / "face-finder.json").read_text())
    assert {f"models/{name}" for name in (*weights["files"], weights["licence_file"])} <= data
    assert {f"resources/sounds/{emotion}.ogg" for emotion in EMOTIONS} <= data
    assert any(name.startswith("resources/demo/clip.") for name in data)
    assert any(name.startswith("resources/icons/") for name in data)
    assert "agent/cli/commands.py" in names
    assert "agent/py.typed" in names
    foreign = [
        name
        for name in names
        if not name.startswith(("agent/", "moodtray-")) or "__pycache__" in name
    ]
    assert not foreign
    assert wheel.stat().st_size / 1e6 < LIMIT_MB


def test_it_says_its_version(run: Run) -> None:
    done = run("moodtray", "--version")
    assert done.returncode == 0, done.stderr
    assert agent.__version__ in done.stdout


def test_it_runs_from_the_wheel_and_not_from_here(run: Run, installed: Path) -> None:
    code = "import agent; from agent.store.paths import models_dir; print(agent.__file__); "
    done = run("python", "-c", code + "print(models_dir())")
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        assert Path(line).is_relative_to(installed.parent), line


def test_the_doctor_finds_its_parts(run: Run) -> None:
    report = json.loads(run("moodtray", "doctor", "--json").stdout)
    found = {check["name"]: check for check in report["checks"]}
    for name in ("folders", "settings", "model", "music"):
        assert found[name]["ok"] is True, found[name]


def test_a_picture_is_analyzed(run: Run, tmp_path: Path) -> None:
    [clip] = (resources_dir() / "demo").glob("clip.*[4vm]")
    capture = cv2.VideoCapture(str(clip))
    for _ in range(30):
        known, picture = capture.read()
    capture.release()
    assert known
    cv2.imwrite(str(tmp_path / "frame.png"), picture)
    done = run("moodtray", "analyze", "frame.png", "--json")
    assert done.returncode == 0, done.stderr
    [frame] = json.loads(done.stdout)["frames"]
    [face] = frame["faces"]
    assert sum(face["probabilities"].values()) == pytest.approx(1.0, abs=0.01)


def test_the_demo_runs(run: Run) -> None:
    done = run("moodtray", "demo", "--seconds", "30", "--headless", "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert "observation" in events


# --- on real panels, by clicking


@contextmanager
def started(program: str, env: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The agent on a desktop, playing; what it says on its way is looked at in the end."""
    clip = next((resources_dir() / "demo").glob("clip.*[4vm]"))
    agent_ = subprocess.Popen(
        [program, "run", "--camera", str(clip), "--player", "local", "--play"],
        env=env,
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(
            lambda: (
                subprocess.run([program, "status"], env=env, capture_output=True).returncode == 0
            ),
            "answer to a command",
            timeout=60,
        )
        wait_for(
            lambda: (
                '"playing"'
                in subprocess.run(
                    [program, "status", "--json"], env=env, capture_output=True, text=True
                ).stdout
            ),
            "music",
            timeout=60,
        )
        # Xfce cuts a menu off whose lines change just as it opens: the music's have come now.
        time.sleep(3.0)
        yield agent_
    finally:
        agent_.kill()
        _, told = agent_.communicate()
    assert "Traceback" not in told


def quit_by_the_menu(screen: Screen, agent_: subprocess.Popen[str]) -> None:
    """Find the icon, open the menu, see that it is the whole one, and click its last line."""
    colours = [*MOOD_COLOURS.values(), VIOLET]
    box = screen.panel_box()

    def icon() -> tuple[int, int] | None:
        return next((s for c in colours if (s := screen.find_colour(c, box))), None)

    screen.click(*wait_for(icon, "icon", timeout=60))
    menu: tuple[int, int, int, int] = (0, 0, 0, 0)

    def lines() -> list[int]:
        """The whole menu's, once it has come to rest."""
        nonlocal menu
        before, menu = menu, max(screen.popups(), key=lambda box: box[3], default=menu)
        rows = screen.menu_rows(menu) if menu == before and any(menu) else []
        return rows if len(rows) >= FEWEST_LINES else []

    last = wait_for(lines, "whole menu", every=0.3)[-1]
    screen.move(menu[0] + 57, last)
    screen.click(menu[0] + 60, last)
    assert agent_.wait(20) == 0


def test_pipx_gives_icon_and_menu_on_xfces_panel(
    installed: Path, bare: dict[str, str], tmp_path: Path
) -> None:
    _needs_linux(missing_packages("xfce4-panel"))
    program = str(installed / "moodtray")
    with Desktop(tmp_path / "desktop", panel="xfce4-panel") as desktop:
        env = {**desktop.env, "PATH": bare["PATH"]}
        with started(program, env, tmp_path) as agent_:
            quit_by_the_menu(desktop, agent_)
        entry_comes_and_goes(program, env)


def test_uv_gives_icon_and_menu_on_waybar(
    wheel: Path, bare: dict[str, str], tmp_path: Path
) -> None:
    _needs_linux(sway.missing_packages())
    tools = tmp_path / "uv"
    done = subprocess.run(
        [sys.executable, "-m", "uv", "tool", "install", "--python", sys.executable, str(wheel)],
        env={**bare, "UV_TOOL_DIR": str(tools / "tools"), "UV_TOOL_BIN_DIR": str(tools / "bin")},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    program = str(tools / "bin" / "moodtray")
    with sway.SwayDesktop() as desktop:
        env = {**desktop.env, "PATH": bare["PATH"]}
        with started(program, env, tmp_path) as agent_:
            quit_by_the_menu(desktop, agent_)
        # That home belongs to the desktop's own user, and foreign folders are refused.
        own_home = tmp_path / "own"
        own_home.mkdir()
        entry_comes_and_goes(program, {**env, "HOME": str(own_home)})


def entry_comes_and_goes(program: str, env: dict[str, str]) -> None:
    """``install`` writes an entry that starts this very program; ``uninstall`` leaves nothing."""
    home = Path(env["HOME"])
    before = {path for path in home.rglob("*") if path.is_file()}
    done = subprocess.run([program, "install"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    entry = home / ".local/share/applications/moodtray.desktop"
    [called] = [line for line in entry.read_text().splitlines() if line.startswith("Exec=")][:1]
    assert called.endswith("/moodtray run")
    started_ = called.removeprefix("Exec=").removesuffix(" run")
    assert Path(started_).resolve() == Path(program).resolve()
    done = subprocess.run([program, "uninstall"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "uninstall moodtray" in done.stdout
    assert {path for path in home.rglob("*") if path.is_file()} == before


def _needs_linux(missing: list[str]) -> None:
    if sys.platform != "linux":
        pytest.skip("Linux's panels")
    if missing:
        pytest.skip(f"needs the Debian packages {' '.join(missing)}")
