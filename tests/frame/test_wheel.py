"""The wheel: built, installed into an environment of its own, and run from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

import agent
from agent.desktop.palette import MOOD_COLOURS, VIOLET
from agent.store.paths import resources_dir
from agent.types import EMOTIONS
from tests.desktop.x11 import Desktop, missing_packages, wait_for

ROOT = Path(__file__).resolve().parents[2]
LIMIT_MB = 25.0

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
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
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel. Its dependencies are those of this environment, seen
    through a .pth file, which saves minutes; what nobody needs to have is replaced by a trap."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home / "venv", with_pip=False)
    scripts = home / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", str(wheel)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip())
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for name in ("torch", "gi", "dbus_fast"):
        (site / f"{name}.py").write_text(f"raise SystemExit('{name} was imported')\n")
    return scripts


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Run a program of the new environment, in another folder."""

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        env.pop("DISPLAY", None)
        return subprocess.run(
            [str(installed / command[0]), *command[1:]],
            cwd=tmp_path,
            env=env,
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
    done = run("moodtray", "demo", "--seconds", "10", "--headless", "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert "observation" in events


def test_icon_and_menu_without_gtk_on_a_real_panel(installed: Path, tmp_path: Path) -> None:
    """As after `pipx install`: no PyGObject, no compiler, and the menu works."""
    if sys.platform != "linux":
        pytest.skip("Linux's panels")
    missing = missing_packages("xfce4-panel")
    if missing:
        pytest.skip(f"needs the Debian packages {' '.join(missing)}")
    with Desktop(tmp_path / "desktop", panel="xfce4-panel") as desktop:
        program = [str(installed / "moodtray")]
        clip = next((resources_dir() / "demo").glob("clip.*[4vm]"))
        agent_ = subprocess.Popen(
            [*program, "run", "--camera", str(clip), "--player", "local", "--play"],
            env=desktop.env,
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            colours = [*MOOD_COLOURS.values(), VIOLET]
            box = desktop.panel_box()

            def icon() -> tuple[int, int] | None:
                return next((s for c in colours if (s := desktop.find_colour(c, box))), None)

            asked = [*program, "status"]
            wait_for(
                lambda: subprocess.run(asked, env=desktop.env, capture_output=True).returncode == 0,
                "answer to a command",
                timeout=60,
            )
            spot = wait_for(icon, "icon")
            desktop.click(*spot)
            tall = 200  # the tooltip is none
            menu = wait_for(
                lambda: next((b for b in desktop.popups() if b[3] > tall), None), "menu"
            )
            wait_for(lambda: desktop.menu_rows(menu), "lines of the menu")
            x, rows = menu[0] + 60, desktop.menu_rows(menu)
            desktop.move(x - 3, rows[-1])
            desktop.click(x, rows[-1])  # Quit
            assert agent_.wait(20) == 0
        finally:
            agent_.kill()
            _, told = agent_.communicate()
        assert "was imported" not in told
        assert "Traceback" not in told

        done = subprocess.run(
            [*program, "install"], env=desktop.env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        entry = desktop.folder / "home/.local/share/applications/moodtray.desktop"
        assert f"Exec={installed}/moodtray run\n" in entry.read_text()
        done = subprocess.run(
            [*program, "uninstall"], env=desktop.env, capture_output=True, text=True, timeout=60
        )
        assert "pipx uninstall moodtray" in done.stdout
        assert not entry.exists()
