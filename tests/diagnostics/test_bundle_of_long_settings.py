"""Settings of a megabyte, as a stranger may have made them, hold no bundle up."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

import pytest
import tomlkit

from agent.diagnostics import bundle
from agent.store.paths import Paths

SOURCE = "rtsp://anna:geheim@cam/1"


def settings_in_bundle(paths: Paths, text: str, folder: Path) -> str:
    paths.ensure()
    paths.settings_file.write_text(text)
    made = bundle.make(paths, {}, folder / "report.zip", datetime(2026, 1, 1, tzinfo=UTC))
    with ZipFile(made) as archive:
        return archive.read("settings.toml").decode()


def refuse(text: str) -> None:
    raise AssertionError("it is slow")


@pytest.mark.parametrize(
    "last", ["", f'[camera]\nsource = "{SOURCE}"\n', f"camera.source='{SOURCE}'\n"]
)
def test_comments_are_not_taken_apart(
    moodtray_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    monkeypatch.setattr(tomlkit, "parse", refuse)
    shown = settings_in_bundle(Paths.below(moodtray_home), "# mine\n" * 100_000 + last, tmp_path)
    assert "# mine" in shown
    assert "geheim" not in shown
    assert "cam/1" not in shown


ODD = '[camera]\n"sourc\\u0065" = "rtsp://anna:g\\u0065heim\\u0040cam/1"\n'


def test_a_camera_in_odd_letters_is_masked_and_the_rest_stays(
    moodtray_home: Path, tmp_path: Path
) -> None:
    shown = settings_in_bundle(Paths.below(moodtray_home), "# mine\n" + ODD, tmp_path)
    assert "# mine" in shown
    assert "0065heim" not in shown


def test_a_camera_in_odd_letters_takes_a_long_text_with_it(
    moodtray_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tomlkit, "parse", refuse)
    text = "# mine\n" * 100_000 + ODD
    shown = settings_in_bundle(Paths.below(moodtray_home), text, tmp_path)
    assert shown.startswith("(left out")
