"""Folders that another user owns, may write, or has put a link to."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from agent.errors import StoreError
from agent.store.files import write_atomic
from agent.store.paths import Paths, ensure_folder
from tests.stranger import NOBODY

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions are of another kind there")


def test_our_own_folders_are_private(tmp_path: Path) -> None:
    paths = Paths.below(tmp_path / "home")
    before = os.umask(0)
    try:
        assert paths.ensure() == []
    finally:
        os.umask(before)
    for folder in (paths.config, paths.data, paths.state, paths.logs, paths.runtime):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name == "posix" and os.getuid() != 0, reason="only root can give away")
@pytest.mark.parametrize("name", ["config", "state", "runtime"])
def test_another_users_folder_or_link_is_refused(tmp_path: Path, name: str) -> None:
    """As one that was made in a common place before the program's first start."""
    for planted in ("folder", "link"):
        paths = Paths.below(tmp_path / planted)
        place: Path = getattr(paths, name)
        place.parent.mkdir(parents=True)
        if planted == "folder":
            place.mkdir()
        else:
            (tmp_path / "elsewhere").mkdir(exist_ok=True)
            place.symlink_to(tmp_path / "elsewhere")
        os.lchown(place, NOBODY, NOBODY)
        with pytest.raises(StoreError, match=f"The {planted} .* belongs to another user"):
            ensure_folder(place)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_all_may_write_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(StoreError, match="chmod go-w"):
        ensure_folder(folder)


def test_a_link_in_the_place_of_the_runtime_folder_is_refused(tmp_path: Path) -> None:
    paths = Paths.below(tmp_path / "home")
    (tmp_path / "home").mkdir()
    (tmp_path / "mine").mkdir()
    paths.runtime.symlink_to(tmp_path / "mine")
    with pytest.raises(StoreError, match="is a link"):
        paths.ensure()


def test_a_runtime_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    paths = Paths.below(tmp_path / "home")
    paths.runtime.mkdir(parents=True)
    paths.runtime.chmod(0o755)
    paths.ensure()
    assert stat.S_IMODE(paths.runtime.stat().st_mode) == 0o700


def test_a_file_does_not_stay_writable_by_others(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("old")
    file.chmod(0o666)
    write_atomic(file, b"new")
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
