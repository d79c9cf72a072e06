"""The font of what is drawn is the system's."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import ImageFont

from agent.desktop import fonts


def test_no_font_is_taken_from_the_folder_that_it_was_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user's, say: what reads fonts has had holes of its own."""
    whole = ImageFont.load_default(12)
    opened: list[object] = []

    def spy(font: object, *_: object) -> object:
        opened.append(font)
        if not Path(str(font)).exists():
            raise OSError
        return whole

    for name in fonts._NAMES:
        (tmp_path / name).write_text("a font of theirs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ImageFont, "FreeTypeFont", spy)
    fonts.font.__wrapped__(12)
    assert opened
    assert [one for one in map(str, opened) if Path(one).absolute().parent == tmp_path] == []


def test_a_font_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert fonts.font.__wrapped__(12).getlength("mood") > 12
