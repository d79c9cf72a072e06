"""Folders that another user owns, may write, or has put a link to."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from agent.desktop import consent
from agent.errors import StoreError
from agent.players.spotify import storage
from agent.players.spotify.token_store import FileTokenStore
from agent.store.files import write_atomic
from agent.store.paths import Paths, ensure_folder
from agent.web.door_key import DoorKey
from agent.web.page import access
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


ROOT = pytest.mark.skipif(os.name == "posix" and os.getuid() != 0, reason="only root can give away")


@ROOT
@pytest.mark.parametrize("name", ["config", "data", "state", "logs", "runtime"])
def test_a_folder_that_a_group_may_write_is_refused(tmp_path: Path, name: str) -> None:
    """As one that was made in a shared place, or by a looser umask than ours."""
    paths = Paths.below(tmp_path / "home")
    place: Path = getattr(paths, name)
    place.mkdir(parents=True)
    os.chown(place, -1, NOBODY)
    place.chmod(0o770)
    with pytest.raises(StoreError, match=r"A group of users .* chmod go-w"):
        ensure_folder(place)
    if name in ("state", "runtime"):
        with pytest.raises(StoreError, match="A group of users"):
            paths.ensure()
    else:
        assert [str(place) in trouble.message for trouble in paths.ensure()] == [True]


@pytest.mark.parametrize("mode", [0o755, 0o775, 0o750, 0o710])
def test_what_was_more_open_is_closed(tmp_path: Path, mode: int) -> None:
    """A group that nobody else is in may write: so the usual umask of many systems has it."""
    paths = Paths.below(tmp_path / "home")
    folders = (paths.config, paths.data, paths.state, paths.logs, paths.runtime)
    for folder in folders:
        folder.mkdir(parents=True)
        folder.chmod(mode)
    assert paths.ensure() == []
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


@ROOT
@pytest.mark.parametrize("planted", ["file", "link"])
def test_what_another_user_has_planted_is_not_believed(tmp_path: Path, planted: str) -> None:
    """A login, a consent, the keys of page and door, in folders that were open for a time."""
    paths = Paths.below(tmp_path / "home")
    paths.ensure()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    given = {"version": consent.VERSION, "given": "2026-01-01T00:00:00+00:00"}
    key = "ab" * 32
    contents = {
        storage.token_file(paths): json.dumps({"access_token": "theirs"}),
        paths.state / "consent.json": json.dumps(given),
        paths.runtime / access.KEY_FILE: key,
        paths.runtime / "door.json": json.dumps({"pid": 1, "secret": "theirs", "port": None}),
    }
    for place, content in contents.items():
        file = place if planted == "file" else elsewhere / place.name
        file.write_text(content)
        file.chmod(0o600)
        if planted == "file":
            os.chown(file, NOBODY, NOBODY)
        else:
            place.symlink_to(file)
    assert FileTokenStore(storage.token_file(paths)).load() is None
    assert not consent.is_given(paths)
    assert access.load_key(paths.runtime).hex() != key
    assert DoorKey.read(paths) is None


@pytest.mark.parametrize("planted", ["link", "file that all may read"])
def test_a_login_is_written_for_the_user_alone(tmp_path: Path, planted: str) -> None:
    paths = Paths.below(tmp_path / "home")
    paths.ensure()
    place = storage.token_file(paths)
    target = tmp_path / "shared.json"
    target.write_text("{}")
    target.chmod(0o666)
    if planted == "link":
        place.symlink_to(target)
    else:
        place.write_text("{}")
        place.chmod(0o666)
    FileTokenStore(place).save({"refresh_token": "mine"})
    assert target.read_text() == "{}"
    assert not place.is_symlink()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert FileTokenStore(place).load() == {"refresh_token": "mine"}


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
