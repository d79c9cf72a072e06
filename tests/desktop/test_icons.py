"""The icons, looked at as pixels."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.IcoImagePlugin import IcoImageFile

from agent.desktop.icons.drawing import (
    ICO_SIZES,
    LIT_BY_A_DOT,
    app_icon,
    colour_of,
    ico,
    icon,
    note_icon,
    stencil,
)
from agent.desktop.icons.files import IconFiles
from agent.desktop.palette import GREEN, MOOD_COLOURS
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
        assert np.asarray(picture)[0, 0, 3] < 60, "the corners are clear"


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


@pytest.mark.parametrize(
    "ground", [(0, 0, 0), (255, 255, 255), (106, 114, 134), (214, 52, 71), (60, 120, 220)]
)
@pytest.mark.parametrize("dark", [True, False])
def test_can_be_seen_on_panels_of_any_colour(ground: tuple[int, int, int], dark: bool) -> None:
    # Also on one that is taken for the other shade.
    for status, mood in LOOKS:
        panel = Image.new("RGBA", (24, 24), (*ground, 255))
        panel.alpha_composite(icon(status, mood, 24, dark))
        pixels = np.asarray(panel.convert("RGB"), np.int16)
        away = np.abs(pixels - np.array(ground)).max(axis=2)
        assert (away > 60).mean() > 0.08, (status, mood)


def test_an_icon_is_lit_exactly_while_the_camera_is_in_use() -> None:
    plates = {Status.WATCHING, Status.UNSURE, Status.AWAY}
    for status in Status:
        pixels = np.asarray(icon(status, MoodState.HAPPY, 64, True).convert("RGB"))
        disc = (pixels[6, 26:38] == colour_of(status, MoodState.HAPPY)).all(axis=1).all()
        dot = (pixels == GREEN).all(axis=2).mean() > 0.02
        assert disc == (status in plates), status
        assert dot == (status in LIT_BY_A_DOT), status


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


def test_the_struck_camera_stands_out_on_a_dark_panel_and_on_a_light_one() -> None:
    def light(colour: tuple[float, ...]) -> float:
        parts = [((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.05 + float(np.dot(parts, (0.2126, 0.7152, 0.0722)))

    for dark, panel in ((True, (50, 50, 50)), (False, (240, 240, 242))):
        drawn = np.asarray(icon(Status.PAUSED, MoodState.UNSURE, 48, dark), float)
        body = np.median(drawn[drawn[..., 3] == 255][:, :3], axis=0)
        brighter, darker = sorted((light(tuple(body)), light(panel)), reverse=True)
        assert brighter / darker > 3, "as WCAG asks of what is no text"


def test_the_note_is_no_face() -> None:
    drawn = np.asarray(note_icon(48))
    assert drawn.shape == (48, 48, 4)
    faces = [np.asarray(icon(Status.WATCHING, mood, 48, True)) for mood in MoodState]
    assert all((drawn != face).any(axis=2).mean() > 0.1 for face in faces)


@pytest.mark.parametrize("size", [18, 36])
def test_a_stencil_is_told_by_its_holes(size: int) -> None:
    shapes = {}
    for look in LOOKS:
        picture = stencil(*look, size)
        assert picture.size == (size, size)
        red, green, blue, alpha = (np.asarray(band, np.float32) for band in picture.split())
        assert not (red + green + blue).any()
        assert 0.1 < (alpha > 128).mean() < 0.85, (look, "neither empty nor a blot")
        shapes[look] = alpha
    for one, other in itertools.combinations(LOOKS, 2):
        differing = (np.abs(shapes[one] - shapes[other]) > 90).mean()
        assert differing >= 0.03, (one, other, differing)


@pytest.mark.parametrize("dark", [True, False])
def test_an_ico_holds_each_size_drawn_anew(dark: bool) -> None:
    for status, mood in LOOKS[::4]:
        with IcoImageFile(io.BytesIO(ico(status, mood, dark))) as file:
            assert {size for size, _ in file.ico.sizes()} == set(ICO_SIZES)
            for size in ICO_SIZES:
                held = np.asarray(file.ico.getimage((size, size)).convert("RGBA"), np.int16)
                drawn = np.asarray(icon(status, mood, size, dark), np.int16)
                seen = drawn[..., 3] > 0  # what a clear pixel's colour is matters to nobody
                assert (held[..., 3] == drawn[..., 3]).all()
                assert (held[seen] == drawn[seen]).all()


PANELS = {"dark": (32, 34, 40), "light": (240, 240, 242)}


def test_contact_sheets(artefacts: Path) -> None:
    """At real size, one row for each size that a system asks for; to be looked at."""
    for panel, ground in PANELS.items():
        dark = panel == "dark"
        rows = [[icon(*look, size, dark) for look in LOOKS] for size in sorted({20, *SIZES})]
        filling = (255, 255, 255, 0) if dark else (0, 0, 0, 0)
        for size in (18, 36):
            filled = []
            for look in LOOKS:
                picture = Image.new("RGBA", (size, size), filling)
                picture.putalpha(stencil(*look, size).getchannel("A"))
                filled.append(picture)
            rows.append(filled)
        sheets = [contact_sheet(row, len(LOOKS), ground=ground) for row in rows]
        whole = Image.new(
            "RGB", (max(s.width for s in sheets), sum(s.height for s in sheets)), ground
        )
        top = 0
        for row, sheet in zip(rows, sheets, strict=True):
            assert len({picture.tobytes() for picture in row}) == len(LOOKS)
            whole.paste(sheet, (0, top))
            top += sheet.height
        whole.save(artefacts / f"icons-{panel}.png")


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
