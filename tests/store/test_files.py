"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.errors import StoreError
from agent.store.files import read_private, read_small, sweep, write_atomic, write_private
from agent.store.jsonfile import JsonFile

on_posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions and links")


def test_folders_are_made_and_old_content_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "state.json"
    write_atomic(path, b"first")
    write_atomic(path, b"2")
    assert path.read_bytes() == b"2"
    assert [p.name for p in path.parent.iterdir()] == ["state.json"]


@on_posix
def test_a_new_file_is_private_and_an_old_one_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_atomic(path, b"")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    write_atomic(path, b"again")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("call", "number", "words"),
    [
        ("fsync", 28, "disk is full"),
        ("fsync", 27, "disk is full"),
        ("replace", 30, "read-only"),
        ("replace", 5, "permissions"),
    ],
)
def test_a_failure_keeps_the_old_file_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, words: str
) -> None:
    path = tmp_path / "state.json"
    write_atomic(path, b"old")

    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(f"agent.store.files.os.{call}", fails)
    with pytest.raises(StoreError, match=words) as caught:
        write_atomic(path, b"new" * 10_000)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".state")] == []


def test_an_impossible_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file"):
        write_atomic(tmp_path / "file" / "state.json", b"")


@on_posix
def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles" / "settings.toml"
    real.write_text("old")
    link = tmp_path / "settings.toml"
    link.symlink_to(real)
    write_atomic(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


SECRET = "a refresh token"


def killed_while_writing(path: Path) -> None:
    """As far as a process comes that is killed before the file has its name."""
    child = os.fork()
    if child == 0:
        os.replace = lambda *_: os._exit(0)
        JsonFile(path).save({"refresh_token": SECRET})
        os._exit(1)
    os.waitpid(child, 0)


def everything(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.rglob("*") if file.is_file())


@on_posix
def test_nothing_of_a_broken_write_is_left_once_it_is_deleted(tmp_path: Path) -> None:
    file = JsonFile(tmp_path / "spotify-token.json")
    killed_while_writing(file.path)
    assert SECRET in everything(tmp_path)
    (tmp_path / ".spotify-token.json.abcdefgh").write_text(SECRET)  # an older Moodtray's
    (tmp_path / ".spotify-token.json.mine").write_text("somebody's own")
    (tmp_path / ".other.json.abcdefgh").write_text("another's")
    assert file.delete()
    assert SECRET not in everything(tmp_path)
    assert not file.delete()
    assert len(list(tmp_path.iterdir())) == 2


@on_posix
def test_nothing_of_a_broken_write_is_left_after_a_sweep(tmp_path: Path) -> None:
    write_private(tmp_path / "kept.json", b"kept")
    (tmp_path / ".vimrc.original").write_text("somebody's own")
    killed_while_writing(tmp_path / "spotify-token.json")
    sweep(tmp_path)
    assert {one.name for one in tmp_path.iterdir()} == {"kept.json", ".vimrc.original"}
    sweep(tmp_path / "missing")


def test_a_write_that_is_swept_away_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.chmod
    swept: list[bool] = []

    def sweep_first(*given: object) -> None:
        if not swept:
            swept.append(True)
            sweep(tmp_path)
        real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("agent.store.files.os.chmod", sweep_first)
    write_private(tmp_path / "state.json", b"new")
    assert (tmp_path / "state.json").read_bytes() == b"new"
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("read", [read_small, read_private])
def test_no_more_is_read_of_a_file_that_grows_than_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path, int], bytes]
) -> None:
    """Whoever may write it does so between the look at its size and the reading."""
    file = tmp_path / "list.m3u"
    file.write_bytes(b"a\n")

    def grown(real: Callable[..., os.stat_result]) -> Callable[..., os.stat_result]:
        def look(*where: Any, **how: Any) -> os.stat_result:
            status = real(*where, **how)
            if status.st_size == 2:
                file.write_bytes(b"a\n" * 1000)
            return status

        return look

    for name in ("stat", "fstat"):
        monkeypatch.setattr(os, name, grown(getattr(os, name)))
    with pytest.raises(OSError, match="MB"):
        read(file, 100)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        return
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no file"):
        read_small(tmp_path / "pipe", 100)
