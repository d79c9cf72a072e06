"""The icons, looked at as pixels."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agent.core.palette import MOOD_COLOURS
from agent.desktop.icon_files import IconFiles
from agent.desktop.icons import app_icon, colour_of, icon
from agent.types import EMOTIONS, MoodState, Status
from tests.desktop.x11_screen import contact_sheet

LOOKS = [(Status.WATCHING, MoodState(name)) for name in EMOTIONS] + [
    (status, MoodState.NEUTRAL) for status in Status if status is not Status.WATCHING
]
SIZES = (16, 22, 24, 32, 48, 64)


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_every_icon_has_the_asked_size_and_fills_it(size: int, dark: bool) -> None:
    for status, mood in LOOKS:
        picture = icon(status, mood, size, dark)
        assert picture.size == (size, size)
        assert picture.mode == "RGBA"
        left, top, right, bottom = picture.getchannel("A").getbbox() or (0, 0, 0, 0)
        assert max(right - left, bottom - top) >= 0.7 * size, (status, mood)
        assert picture.getpixel((0, 0))[3] < 60, "the corners are clear"


@pytest.mark.parametrize("size", [16, 22, 24])
def test_states_differ_without_colour(size: int) -> None:
    # On the panel's grey, in shades of grey only: at least a twentieth of the surface differs.
    shades = {}
    for look in LOOKS:
        ground = Image.new("RGBA", (size, size), (46, 48, 56, 255))
        ground.alpha_composite(icon(*look, size, True))
        grey = np.asarray(ground.convert("L"), np.float32)
        # The overall brightness is colour's work: taken out of the faces' discs.
        disc = np.asarray(icon(*look, size, True).getchannel("A")) > 200
        grey[disc] -= np.median(grey[disc])
        shades[look] = grey
    for one, other in itertools.combinations(LOOKS, 2):
        differing = (np.abs(shades[one] - shades[other]) > 40).mean()
        assert differing >= 0.03, (one, other, differing)


@pytest.mark.parametrize("background", [(46, 48, 56), (238, 238, 240)])
def test_can_be_seen_on_the_panel(background: tuple[int, int, int]) -> None:
    dark = sum(background) < 300
    for status, mood in LOOKS:
        ground = Image.new("RGBA", (22, 22), (*background, 255))
        ground.alpha_composite(icon(status, mood, 22, dark))
        pixels = np.asarray(ground.convert("RGB"), np.int16)
        away = np.abs(pixels - np.array(background)).max(axis=2)
        assert (away > 60).mean() > 0.08, (status, mood)


def test_emotions_wear_their_colour() -> None:
    for name in EMOTIONS:
        mood = MoodState(name)
        pixels = np.asarray(icon(Status.WATCHING, mood, 32, True).convert("RGB"))
        assert (pixels == MOOD_COLOURS[mood]).all(axis=2).mean() > 0.25
        assert colour_of(Status.WATCHING, mood) == MOOD_COLOURS[mood]


def test_mood_is_not_shown_while_paused() -> None:
    for one, other in itertools.pairwise(MoodState):
        pictures = [icon(Status.PAUSED, mood, 24, True).tobytes() for mood in (one, other)]
        assert pictures[0] == pictures[1]


def test_contact_sheet(artefacts: Path) -> None:
    for panel, dark in (("dark", True), ("light", False)):
        pictures = [icon(*look, 64, dark) for look in LOOKS]
        contact_sheet(pictures, len(LOOKS)).save(artefacts / f"icons-{panel}.png")
        assert len({picture.tobytes() for picture in pictures}) == len(LOOKS)


def test_app_icon_is_a_face() -> None:
    assert app_icon(256).size == (256, 256)


def test_files_are_written_once_and_removed(tmp_path: Path) -> None:
    files = IconFiles(tmp_path / "icons")
    path = files.path(Status.CAMERA_BUSY, MoodState.AWAY, 24, True)
    with Image.open(path) as picture:
        assert picture.size == (24, 24)
    before = path.stat().st_mtime_ns
    assert files.path(Status.CAMERA_BUSY, MoodState.AWAY, 24, True) == path
    assert path.stat().st_mtime_ns == before
    assert [p.suffix for p in (tmp_path / "icons").iterdir()] == [".png"], "no half files"
    files.remove()
    assert not (tmp_path / "icons").exists()


def test_a_folder_that_cannot_be_written_is_only_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    IconFiles(tmp_path / "file" / "icons").path(Status.PAUSED, MoodState.AWAY, 24, True)
    assert "cannot be written" in caplog.text
