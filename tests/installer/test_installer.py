"""The installers' recipes, held without building: what goes in, where it lies, what it promises.
The built program itself is started by ``make installer``."""

from __future__ import annotations

import ast
import importlib.util
import os
import plistlib
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import agent
from agent.desktop.autostart.windows import RUN_KEY, VALUE

ROOT = Path(__file__).resolve().parents[2]
INSTALLER = ROOT / "installer"


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"installer_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


contents = load(INSTALLER / "contents.py")
build = load(INSTALLER / "build.py")
deb = load(INSTALLER / "linux" / "deb.py")


# --- what goes in


def test_the_shipped_files_lie_where_the_program_looks() -> None:
    found = {(Path(file).name, Path(folder).as_posix()) for file, folder in contents.own_files()}
    assert ("emotion.onnx", "agent/_data/models") in found
    assert ("settings.toml", "agent/_data/resources") in found
    assert ("happy.ogg", "agent/_data/resources/sounds") in found
    assert ("login_done.html", "agent/web/templates") in found
    assert not [name for name, _ in found if name.endswith((".py", ".pyc", ".nbi"))]
    assert not [folder for _, folder in found if "screenshots" in folder or "figures" in folder]


def test_links_to_what_is_left_out_go_with_it() -> None:
    avif = "pillow.libs/libavif-01e67780.so.16.3.0"
    jpeg = "pillow.libs/libjpeg-77ae51ab.so.62.4.0"
    links = [("libjpeg-77ae51ab.so.62.4.0", jpeg, "SYMLINK"), ("libavif.so", avif, "SYMLINK")]
    assert contents.kept([*links, (avif, "/site/x.so", "BINARY")]) == links[:1]


@pytest.mark.parametrize(
    "place",
    [
        "libstdc++.so.6",
        "libglib-2.0.so.0",
        "libgtk-3.so.0",
        "libgirepository-1.0.so.1",
        "PIL/_avif.cpython-311-x86_64-linux-gnu.so",
        "pillow.libs/libavif-01e67780.so.16.3.0",
        "cv2/data/haarcascade_eye.xml",
        "numpy/core/include/numpy/ndarraytypes.h",
        r"numpy\_core\include\numpy\arrayobject.h",
        "pygments.lexers.javascript",
        "cv2/qt/fonts/DejaVuSans.ttf",
        "libmvec.so.1",
    ],
)
def test_what_stays_out(place: str) -> None:
    assert contents.is_left_out(place)


@pytest.mark.parametrize(
    "place",
    [
        "cv2/cv2.abi3.so",
        "cv2/data/haarcascade_frontalface_default.xml",
        "cv2/qt/plugins/platforms/libqxcb.so",
        "opencv_python.libs/libQt5Core-9088e21b.so.5.15.19",
        "opencv_python.libs/libxcb-xinerama-ae147f87.so.0.0.0",
        "numpy.libs/libscipy_openblas64_-32a4b2a6.so",
        "pillow.libs/libjpeg-77ae51ab.so.62.4.0",
        "pillow.libs/libxcb-9065bb12.so.1.1.0",
        "libpython3.11.so.1.0",
        "gi/_gi.cpython-311-x86_64-linux-gnu.so",
        "agent/_data/models/emotion.onnx",
        "pygments.lexers",
        "pygments.lexers._mapping",
        "pygments.lexers.python",
        "numpy.typing",
    ],
)
def test_what_must_stay_in(place: str) -> None:
    assert not contents.is_left_out(place)


def imports_outside_training() -> Iterator[tuple[str, str]]:
    """(dotted name, file) of everything that the program itself imports."""
    for file in (ROOT / "agent").rglob("*.py"):
        if "training" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((alias.name, file.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from ((f"{node.module}.{alias.name}", file.name) for alias in node.names)


def test_nothing_that_the_agent_imports_is_excluded() -> None:
    # gi comes along as plain files; keyring is an extra that people add themselves.
    excluded = set(contents.EXCLUDED) - {"gi", "keyring"}
    wrong = [
        (name, file)
        for name, file in imports_outside_training()
        # These engines are for those who have installed what they run on themselves.
        if file not in ("torch_engine.py", "onnx_runtime_engine.py")
        and any(f"{name}.".startswith(f"{module}.") for module in excluded)
    ]
    assert wrong == []


def test_the_data_file_that_finds_faces_is_there_to_take() -> None:
    import cv2

    file = Path(cv2.__file__).parent / contents.CASCADE
    assert file.is_file()
    assert not contents.is_left_out(f"cv2/{contents.CASCADE}")


def test_torch_stays_out() -> None:
    assert {"torch", "torchvision"} <= set(contents.EXCLUDED)


@pytest.mark.skipif(sys.platform != "linux", reason="the modules of Linux")
def test_the_modules_that_are_named_exist() -> None:
    for name in contents.hidden_imports("linux"):
        top, *rest = name.split(".")
        spec = importlib.util.find_spec(top)  # not the full name: pystray itself wants a display
        assert spec is not None, name
        if not rest:
            continue
        places = [Path(place) for place in spec.submodule_search_locations or ()]
        inside = Path(*rest)
        assert any(
            (place / inside).with_suffix(".py").exists() or (place / inside).is_dir()
            for place in places
        ), name


def test_every_system_names_its_own_modules() -> None:
    assert "pystray._win32" in contents.hidden_imports("win32")
    assert "plyer.platforms.macosx.notification" in contents.hidden_imports("darwin")
    assert "pystray._appindicator" not in contents.hidden_imports("win32")


def test_the_app_asks_for_the_macos_that_its_libraries_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tags = {
        "numpy": "Tag: cp311-cp311-macosx_14_0_arm64",
        "soxr": "Tag: cp311-cp311-macosx_13_4_universal2",
        "opencv-python": "Tag: cp37-abi3-macosx_11_0_arm64\nTag: cp37-abi3-macosx_15_0_arm64",
    }

    class Wheel:
        def __init__(self, name: str) -> None:
            if name == "spotipy":
                raise contents.metadata.PackageNotFoundError(name)
            self.name = name

        def read_text(self, _: str) -> str:
            return tags.get(self.name, "Tag: py3-none-any")

    monkeypatch.setattr(contents.metadata, "distribution", Wheel)
    assert contents.macos_minimum() == "14.0"
    del tags["numpy"]
    assert contents.macos_minimum() == "13.4"
    del tags["soxr"]
    assert contents.macos_minimum() == "12.0"


# --- the recipes


def test_one_version_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert build.version() == agent.__version__
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "agent/__init__.py"


def test_the_recipe_is_python_and_asks_for_the_camera_on_macos() -> None:
    text = (INSTALLER / "moodtray.spec").read_text(encoding="utf-8")
    strings = {
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert "NSCameraUsageDescription" in strings
    assert "LSUIElement" in strings
    assert any("never leave this computer" in s for s in strings)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("/opt/moodtray/moodtray", False),
        ("C:/Program Files/Moodtray/moodtray.exe", False),
        ("C:/Program Files/Moodtray/moodtrayw.exe", True),
    ],
)
def test_a_click_starts_the_agent_and_a_terminal_the_help(
    monkeypatch: pytest.MonkeyPatch, program: str, words: bool
) -> None:
    entry = load(INSTALLER / "entry.py")
    monkeypatch.setattr(sys, "executable", program)
    assert entry._no_terminal() is words


def test_the_library_path_is_given_back_to_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/bundled")
    monkeypatch.delenv("LD_LIBRARY_PATH_ORIG", raising=False)
    load(INSTALLER / "runtime_hook.py")
    assert "LD_LIBRARY_PATH" not in os.environ
    monkeypatch.setenv("LD_LIBRARY_PATH", "/bundled:/own")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/own")
    load(INSTALLER / "runtime_hook.py")
    assert os.environ["LD_LIBRARY_PATH"] == "/own"
    assert "LD_LIBRARY_PATH_ORIG" not in os.environ


def test_windows_start_at_login_is_the_programs_own() -> None:
    text = (INSTALLER / "windows" / "moodtray.iss").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("Root: HKCU")]
    assert len(lines) == 2
    assert all(f'Subkey: "{RUN_KEY}"; ' in line for line in lines)
    assert all(f'ValueName: "{VALUE}"' in line for line in lines)
    assert '"""{app}\\moodtrayw.exe"" run"; Tasks: startup' in lines[0]
    assert "uninsdeletevalue" in lines[1]
    task = next(line for line in text.splitlines() if line.startswith('Name: "startup"'))
    assert "unchecked" in task


def test_windows_ends_a_running_agent_before_its_files_go() -> None:
    text = (INSTALLER / "windows" / "moodtray.iss").read_text(encoding="utf-8")
    uninstall = text[text.index("[UninstallRun]") :]
    assert 'moodtray.exe"; Parameters: "quit"' in uninstall
    code = text[text.index("function PrepareToInstall") :]
    assert "'quit', '', SW_HIDE, ewWaitUntilTerminated" in code


def test_inno_setup_is_found_where_its_installer_puts_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    for name in ("ProgramFiles(x86)", "ProgramFiles", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert build._inno_setup() is None
    compiler = tmp_path / "Programs" / "Inno Setup 6" / "ISCC.exe"
    compiler.parent.mkdir(parents=True)
    compiler.write_bytes(b"")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert build._inno_setup() == str(compiler)


WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


def test_every_file_that_the_workflow_names_is_there() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w./-])(?:installer|\.make|\.ci)/[\w./-]+", text))
    assert {"installer/build.py", "installer/check.py", ".ci/run"} <= named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_workflow_is_right_by_its_own_schema() -> None:
    yaml = pytest.importorskip("yaml")
    jobs = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    systems = {
        name
        for job in jobs.values()
        for name in job.get("strategy", {"matrix": {}})["matrix"].get("system", [])
    }
    assert {"ubuntu-22.04", "windows-latest", "macos-latest"} <= systems
    for job in jobs.values():
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step), step
            if "uses" in step:
                assert re.fullmatch(r"actions/[a-z-]+@(v\d+|[0-9a-f]{40})", step["uses"])


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no sh")
def test_the_macos_script_and_its_permissions() -> None:
    script = INSTALLER / "macos" / "package.sh"
    assert subprocess.run(["sh", "-n", str(script)], timeout=30).returncode == 0
    allowed = plistlib.loads((INSTALLER / "macos" / "entitlements.plist").read_bytes())
    assert allowed["com.apple.security.device.camera"] is True
