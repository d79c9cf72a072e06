"""Moodtray among the desktop's programs, and gone again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from agent.desktop import launcher
from agent.desktop.autostart.linux import split_exec
from agent.errors import DesktopError, StoreError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's desktops")

COMMAND = ("/home/me/my tools/bin/moodtray",)


@pytest.fixture
def data(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")}


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def tool(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"the package {package} is missing")
    return found


def test_entry_icons_and_description_are_written(data: dict[str, str]) -> None:
    entry = launcher.install(COMMAND, data)
    share = Path(data["XDG_DATA_HOME"])
    assert entry == share / "applications" / "moodtray.desktop"
    (line,) = [word for word in entry.read_text().splitlines() if word.endswith(" run")]
    assert split_exec(line.removeprefix("Exec=")) == (*COMMAND, "run")
    with Image.open(share / "icons/hicolor/48x48/apps/moodtray.png") as icon:
        assert icon.size == (48, 48)
    assert (share / "icons/hicolor/scalable/apps/moodtray.svg").is_file()
    assert len(below(share)) == 2 + len(launcher.ICON_SIZES) + 1


def test_the_entry_is_valid(data: dict[str, str]) -> None:
    entry = launcher.install(COMMAND, data)
    check = tool("desktop-file-validate", "desktop-file-utils")
    told = subprocess.run([check, str(entry)], capture_output=True, text=True, timeout=30)
    assert told.stdout + told.stderr == ""


def test_the_description_is_valid(data: dict[str, str]) -> None:
    launcher.install(COMMAND, data)
    file = Path(data["XDG_DATA_HOME"]) / "metainfo" / f"{launcher.APP_ID}.metainfo.xml"
    check = tool("appstreamcli", "appstream")
    told = subprocess.run(
        [check, "validate", "--no-net", "--no-color", str(file)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert told.returncode == 0, told.stdout


def test_a_second_time_replaces_the_first(data: dict[str, str]) -> None:
    launcher.install(("/old/moodtray",), data)
    entry = launcher.install(("/new/moodtray",), data)
    assert "/old/" not in entry.read_text()


def test_all_is_taken_away_and_nothing_else(data: dict[str, str]) -> None:
    share = Path(data["XDG_DATA_HOME"])
    other = share / "icons" / "hicolor" / "48x48" / "apps" / "other.png"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"theirs")
    launcher.install(COMMAND, data)
    assert len(launcher.uninstall(data)) == 2 + len(launcher.ICON_SIZES) + 1
    assert below(share) == [str(other.relative_to(share))]
    assert not (share / "applications").exists()
    assert launcher.uninstall(data) == [], "a second time there is nothing to do"


def test_without_a_home_it_says_so() -> None:
    with pytest.raises(DesktopError, match="HOME"):
        launcher.install(COMMAND, {})


def test_what_cannot_be_written_or_deleted_is_named(data: dict[str, str]) -> None:
    share = Path(data["XDG_DATA_HOME"])
    share.write_text("a file in the way")
    with pytest.raises(StoreError, match="share"):
        launcher.install(COMMAND, data)
    with pytest.raises(StoreError, match="by hand"):
        launcher.uninstall(data)
