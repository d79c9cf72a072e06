"""Small JSON state files."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from agent.errors import StoreError
from agent.store import files
from agent.store.state import StateFile


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "new" / "folder" / "consent.json")
    assert state.load() == {}
    state.save({"camera": True, "note": "schön", "until": None})
    assert StateFile(state.path).load() == {"camera": True, "note": "schön", "until": None}


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_only_the_owner_may_read(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.json")
    state.save({"a": 1})
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", [b"", b'{"a": 1', b"[1, 2]", b"\xff\xfe\x00", b"[" * 100_000])
def test_a_damaged_file_is_set_aside(tmp_path: Path, damage: bytes) -> None:
    state = StateFile(tmp_path / "state.json")
    state.path.write_bytes(damage)
    assert state.load() == {}
    assert (tmp_path / "state.json.broken").read_bytes() == damage
    state.save({"b": 2})
    assert state.load() == {"b": 2}


def test_a_crash_while_writing_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = StateFile(tmp_path / "state.json")
    state.save({"old": True})

    def fails(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fails)
    with pytest.raises(StoreError, match="disk is full"):
        state.save({"new": "x" * 10_000})
    assert json.loads(state.path.read_text()) == {"old": True}
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".state")] == []


def test_an_impossible_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file"):
        StateFile(tmp_path / "file" / "state.json").save({})


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles" / "state.json"
    real.write_text("{}")
    link = tmp_path / "state.json"
    link.symlink_to(real)
    StateFile(link).save({"a": 1})
    assert link.is_symlink()
    assert json.loads(real.read_text()) == {"a": 1}
