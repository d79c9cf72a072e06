"""The preview for real: a window in a process of its own, closed and killed in every way."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest

from agent.desktop.palette import MOOD_COLOURS, SLATE
from agent.desktop.preview import picture as picture_module
from agent.desktop.preview.picture import NO_PICTURE, compose
from agent.desktop.preview.process import KEYS, Preview
from agent.desktop.preview.shared_frame import LINE_BYTES, MAX_FACES, Beside, SharedFrame, Shown
from agent.desktop.preview.window import TITLE
from agent.errors import DesktopError
from agent.events import (
    BeginLesson,
    Event,
    KeepLesson,
    Notice,
    PauseCamera,
    PreviewChanged,
    ResumeCamera,
    ShowInLesson,
    StopLesson,
)
from agent.types import EMOTION_STATES, Box, Frame, FrameView, MoodState
from agent.wording import MOODS
from tests.desktop.x11 import Desktop, wait_for

SURE = (0.02, 0.01, 0.02, 0.80, 0.03, 0.04, 0.08)
HAPPY = MOOD_COLOURS[MoodState.HAPPY]
GREEN: tuple[int, int, int] = (40, 160, 70)


def frame(colour: tuple[int, int, int] = GREEN, size: tuple[int, int] = (640, 480)) -> Frame:
    """One colour all over; RGB in, BGR out."""
    picture: Frame = np.empty((size[1], size[0], 3), np.uint8)
    picture[:] = colour[::-1]
    return picture


def view(colour: tuple[int, int, int] = GREEN) -> FrameView:
    return FrameView(frame(colour), (Box(220, 120, 180, 180),), SURE, 30.0)


# --- the memory between the processes -------------------------------------------------------------


@pytest.fixture
def shared() -> Iterator[SharedFrame]:
    created = SharedFrame.create()
    yield created
    created.close()


def no_reduction(*_: object) -> Frame:
    raise AssertionError("the frame fits")


def test_what_goes_in_comes_out(shared: SharedFrame) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)
    boxes = (Box(1, 2, 30, 40), Box(5, 6, 7, 8))
    other_end = SharedFrame.attach(shared.name)
    shared.write(picture, boxes, SURE, 29.5, "You look happy ♪", no_reduction)
    seen, shown = other_end.read(0)
    assert seen == 1
    assert shown is not None
    np.testing.assert_array_equal(shown.frame, picture)
    assert (shown.faces, shown.fps, shown.line) == (boxes, 29.5, "You look happy ♪")
    assert shown.probabilities == pytest.approx(SURE)
    assert other_end.read(seen) == (1, None), "the same frame is not new twice"
    shared.write(picture, (), None, 0.0, "", no_reduction)
    seen, shown = other_end.read(seen)
    assert shown is not None
    assert (seen, shown.faces, shown.probabilities, shown.line) == (2, (), None, "")
    other_end.close()


def test_what_is_shown_beside_comes_out_too(shared: SharedFrame) -> None:
    calm = (0.0, 0.0, 0.0, 0.125, 0.25, 0.0, 0.625)
    beside = Beside((-0.5, 0.25), 0.75, calm, "Enter: keep it  ·  1–7: show a mood")
    shared.write(frame(), (), SURE, 1.0, "", no_reduction, beside)
    _, shown = shared.read(0)
    assert shown is not None
    assert shown.beside == beside
    shared.write(frame(), (), SURE, 1.0, "", no_reduction, Beside(done=0.0))
    _, shown = shared.read(1)
    assert shown is not None
    assert shown.beside == Beside(done=0.0), "nothing of the frame before"
    shared.write(frame(), (), SURE, 1.0, "", no_reduction, beside)
    shared.clear("Camera paused", resumes=True)
    _, shown = shared.read(3)
    assert shown is not None
    assert shown.beside == Beside()


def test_large_frames_are_reduced_with_their_boxes(shared: SharedFrame) -> None:
    import cv2

    shared.write(
        frame(size=(2560, 1440)), (Box(200, 400, 600, 800),), None, 0.0, "",
        lambda f, w, h: cv2.resize(f, (w, h)),  # type: ignore[return-value, arg-type]
    )  # fmt: skip
    _, shown = shared.read(0)
    assert shown is not None
    assert shown.frame.shape == (720, 1280, 3)
    assert shown.faces == (Box(100, 200, 300, 400),)


def test_bounds_are_kept(shared: SharedFrame) -> None:
    boxes = [Box(i, i, 1, 1) for i in range(MAX_FACES + 5)]
    shared.write(frame(), boxes, SURE, 1.0, "♪" * 500, no_reduction)
    _, shown = shared.read(0)
    assert shown is not None
    assert len(shown.faces) == MAX_FACES
    assert set(shown.line) == {"♪"}, "cut between characters"
    assert len(shown.line.encode()) <= LINE_BYTES


def test_no_torn_frame_is_ever_read(shared: SharedFrame) -> None:
    stop = threading.Event()

    def write() -> None:
        value = 0
        while not stop.is_set():
            value = (value + 1) % 256
            shared.write(frame((value, value, value), (320, 240)), (), None, 0.0, "", no_reduction)

    writer = threading.Thread(target=write)
    writer.start()
    seen, read = 0, 0
    deadline = time.monotonic() + 30
    while read < 100 and time.monotonic() < deadline:
        seen, shown = shared.read(seen)
        if shown is not None:
            read += 1
            assert shown.frame.min() == shown.frame.max()
    stop.set()
    writer.join()
    assert read == 100


# --- the picture ----------------------------------------------------------------------------------


def shown_frame(probabilities: tuple[float, ...] | None = SURE) -> Shown:
    return Shown(frame(), (Box(220, 120, 180, 180),), probabilities, 30.0, "You look happy")


def count(picture: Frame, colour: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(np.int16) - colour[::-1]).max(axis=2) < 8).sum())


@pytest.mark.parametrize("size", [(640, 480), (1600, 900), (400, 900), (200, 150), (1, 1)])
def test_fills_any_window(size: tuple[int, int]) -> None:
    picture = compose(shown_frame(), size)
    assert picture.shape == (max(size[1], 120), max(size[0], 160), 3)
    assert count(picture, GREEN) > 0.15 * picture.shape[0] * picture.shape[1]


def test_bars_are_as_long_as_the_probabilities() -> None:
    lengths = []
    for share in (0.1, 0.4, 0.8):
        rest = (1 - share) / 6
        probabilities = tuple(share if i == 4 else rest for i in range(7))
        bars = compose(shown_frame(probabilities), (800, 600))[400:, :300]
        lengths.append(count(bars, MOOD_COLOURS[MoodState.SAD]))
    assert lengths[1] / lengths[0] == pytest.approx(4, rel=0.5)
    assert lengths[2] / lengths[1] == pytest.approx(2, rel=0.2)


def test_the_face_is_framed_in_the_colour_of_the_emotion() -> None:
    picture = compose(shown_frame(), (640, 480))
    around = picture[110:310, 210:410]
    assert count(around, HAPPY) > 100
    assert count(around[40:160, 40:160], HAPPY) == 0, "the face itself stays free"


def test_a_dot_in_a_square_says_how_pleasant_and_lively_it_is() -> None:
    def dot(place: tuple[float, float]) -> tuple[float, float]:
        picture = compose(Shown(frame(), (), SURE, 30.0, "", beside=Beside(place)), (800, 600))
        corner = picture[400:, 600:]
        down, across = np.nonzero(np.abs(corner.astype(int) - HAPPY[::-1]).max(axis=2) < 8)
        return float(across.mean()), float(down.mean())

    left, right, high = dot((-0.8, 0.0)), dot((0.8, 0.0)), dot((0.0, 0.8))
    assert right[0] - left[0] > 50
    assert left[1] == pytest.approx(right[1], abs=2)
    assert left[1] - high[1] > 25
    assert high[0] == pytest.approx((left[0] + right[0]) / 2, abs=2)
    nowhere = compose(Shown(frame(), (), SURE, 30.0, ""), (800, 600))[400:, 600:]
    assert count(nowhere, HAPPY) == 0


def test_a_lesson_shows_what_is_read_now_against_what_will_be() -> None:
    sad, calm = (0.0, 0.0, 0.0, 0.1, 0.6, 0.0, 0.3), (0.0, 0.0, 0.0, 0.1, 0.2, 0.0, 0.7)

    def bars(done: float, then: tuple[float, ...] | None) -> Frame:
        beside = Beside(done=done, then=then, keys="X: stop")
        return compose(Shown(frame(), (), sad, 30.0, "Look", beside=beside), (800, 600))

    before, learned = bars(0.2, sad), bars(0.9, calm)
    blue, green = MOOD_COLOURS[MoodState.SAD], MOOD_COLOURS[MoodState.NEUTRAL]
    corner = np.s_[340:, :380]
    assert count(before[corner], blue) > 2 * count(learned[corner], blue)
    assert count(learned[corner], green) > 2 * count(before[corner], green)
    assert count(learned[corner], SLATE) == pytest.approx(count(before[corner], SLATE), rel=0.1)
    bar = np.s_[45:60, :300]
    assert count(learned[bar], blue) > 3 * count(before[bar], blue), "how far it has come"
    assert count(bars(0.5, None)[corner], blue) == 0, "nothing is known yet"


@pytest.mark.parametrize("mood", MOODS)
def test_the_number_beside_a_bar_is_the_key_that_shows_that_mood(mood: MoodState) -> None:
    """The bars stand one below the other in the order of the keys 1 to 7."""
    seven = tuple(0.94 if state is mood else 0.01 for state in EMOTION_STATES)
    beside = Beside(done=0.5, then=seven, keys="X: stop")
    drawn = compose(Shown(frame(), (), seven, 30.0, "Look", beside=beside), (800, 600))[340:, :380]
    rows = np.nonzero((drawn == MOOD_COLOURS[mood][::-1]).all(axis=2).sum(axis=1) > 60)[0]
    place = MOODS.index(mood)
    assert KEYS[str(place + 1)] == ShowInLesson(mood)
    assert rows.mean() == pytest.approx(88 + 23 * place, abs=3), "23 px a row, the first at 88"


def test_what_is_said_lies_within_the_picture() -> None:
    beside = Beside((0.5, 0.5), keys="L: learn my face")
    shown = Shown(frame(), (), SURE, 30.0, "You look happy", beside=beside)
    picture = compose(shown, (1600, 600), full=True)
    for side in (picture[:, :400], picture[:, 1200:]):  # beside a picture of 4 to 3
        assert (side == side[0, 0]).all()
    assert count(picture[:, 400:1200], GREEN) < 0.9 * 800 * 600, "it is said on the picture"


def test_the_keys_are_told_with_and_without_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    real = picture_module._put_pill

    def noted(canvas: Frame, text: str, *rest: object, **named: object) -> None:
        written.append(text)
        real(canvas, text, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(picture_module, "_put_pill", noted)
    held_off = Shown(frame(), (), None, 0.0, "Camera off: the screen is locked", blank=True)
    paused = replace(held_off, line="Camera paused", resumes=True)
    for full, esc in ((False, "Esc: close"), (True, "Esc: leave full screen")):
        for shown, space in ((shown_frame(), "Space: pause"), (paused, "Space: resume")):
            written.clear()
            compose(shown, (760, 570), full=full)
            assert any(space in text and esc in text for text in written)
        for shown, stale in ((held_off, False), (shown_frame(), True)):
            written.clear()
            compose(shown, (760, 570), full=full, stale=stale)
            assert any(esc in text for text in written)
            assert not any("Space" in text for text in written), "it would do nothing"


def test_the_keys_leave_the_bars_alone() -> None:
    beside = Beside(keys="L: learn my face")
    shown = Shown(frame(), (), SURE, 30.0, "", beside=beside)
    bare = compose(Shown(frame(), (), SURE, 30.0, ""), (420, 570))[300:, :165]
    assert (compose(shown, (420, 570))[300:, :165] == bare).all()


def test_the_picture_is_a_mirror() -> None:
    picture = frame()
    picture[:, :320] = (10, 20, 30)  # what the camera sees on its left
    seen = compose(Shown(picture, (Box(20, 120, 180, 180),), SURE, 30.0, ""), (640, 480))
    assert count(seen[:, 320:], GREEN) == 0
    assert count(seen[100:320, 420:640], HAPPY) > 100, "so are the brackets"


def test_texts_grow_with_the_window() -> None:
    heights = []
    for size in ((800, 600), (3200, 2400)):
        picture = compose(shown_frame(None), size)
        dark = np.abs(picture[: size[1] // 4, : size[0] // 2].astype(np.int16) - GREEN[::-1])
        heights.append(int((dark.max(axis=2) > 60).any(axis=1).sum()))
    assert heights[1] / heights[0] == pytest.approx(4, rel=0.15)


def test_a_paused_camera_shows_nothing_of_the_last_frame(shared: SharedFrame) -> None:
    shared.write(frame(), (Box(1, 2, 30, 40),), SURE, 30.0, "You look happy", no_reduction)
    shared.write(frame(), (Box(1, 2, 30, 40),), SURE, 30.0, "You look happy", no_reduction)
    shared.clear("Camera paused until 15:40", resumes=True)
    assert not shared._slots["pixels"].any(), "no frame lies in the memory"
    _, shown = shared.read(0)
    assert shown is not None
    assert (shown.blank, shown.faces, shown.line) == (True, (), "Camera paused until 15:40")
    assert shown.resumes
    assert count(compose(shown, (640, 480)), GREEN) == 0


def test_an_old_frame_is_not_shown() -> None:
    picture = compose(shown_frame(), (640, 480), stale=True)
    assert count(picture, GREEN) == 0
    assert count(picture, HAPPY) == 0, "neither brackets nor bars of the past"
    other = compose(Shown(frame(), (), None, 0.0, ""), (640, 480), stale=True)
    np.testing.assert_array_equal(picture, other, f"says '{NO_PICTURE}' whatever was there")


# --- the window -----------------------------------------------------------------------------------


class Reports:
    """The controller's inbox."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def opened(self, times: int = 1) -> bool:
        return self.events.count(PreviewChanged(True)) >= times

    def closed(self, times: int = 1) -> bool:
        return self.events.count(PreviewChanged(False)) >= times


@pytest.fixture
def on_screen(tint2_desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    monkeypatch.setenv("DISPLAY", tint2_desktop.display)
    return tint2_desktop


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def preview(reports: Reports) -> Iterator[Preview]:
    made = Preview(reports)
    yield made
    made.close()
    assert made.join(5), "no process is left"


def feed(preview: Preview, until: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Frames at 30 a second until it is so."""
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, f"no {what}"
        preview.show(view(), "You look happy  ·  ♪ Sunny days")
        time.sleep(1 / 30)


def children() -> list[psutil.Process]:
    """The living ones; those that other tests left behind may have ended."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if "resource_tracker" not in " ".join(child.cmdline()):
                found.append(child)
    return found


def window_process() -> psutil.Process:
    return next(p for p in children() if "spawn_main" in " ".join(p.cmdline()))


def test_shows_the_frames_and_closes_by_its_button(
    on_screen: Desktop, preview: Preview, reports: Reports, artefacts: Path
) -> None:
    preview.open()
    preview.open()  # a second wish for the same window
    assert preview.is_open
    feed(preview, reports.opened, "window")
    feed(preview, lambda: on_screen.find_colour(GREEN, at_least=5000), "picture")
    feed(preview, lambda: on_screen.find_colour(HAPPY, at_least=500), "brackets and bar")
    on_screen.screenshot(artefacts / "preview.png")
    windows = on_screen.windows(TITLE)
    assert len(windows) == 1
    assert on_screen.has_icon(windows[0])
    on_screen.close_window(windows[0])
    wait_for(reports.closed, "report of the closing")
    assert not preview.is_open
    preview.show(view(), "nobody looks")  # harmless
    assert preview.join(5)
    assert on_screen.windows(TITLE) == []
    assert reports.events == [PreviewChanged(True), PreviewChanged(False)]


def test_fills_a_resized_window(on_screen: Desktop, preview: Preview, reports: Reports) -> None:
    preview.open()
    feed(preview, reports.opened, "window")
    (window,) = on_screen.windows(TITLE)
    on_screen.resize(window, 400, 300)
    feed(preview, lambda: on_screen.geometry(window)[2:] == (400, 300), "new size")

    def green_in_all_corners() -> bool:
        x, y, width, height = on_screen.geometry(window)
        picture = on_screen.picture()
        spots = [(x + width - 8, y + 8), (x + width - 8, y + height // 2), (x + 4, y + height // 2)]
        return all(picture.getpixel(spot) == GREEN for spot in spots)

    feed(preview, green_in_all_corners, "picture of the new size")


def test_says_when_the_picture_is_old(
    on_screen: Desktop, preview: Preview, reports: Reports, artefacts: Path
) -> None:
    preview.open()
    feed(preview, lambda: on_screen.find_colour(GREEN, at_least=5000), "picture")
    wait_for(lambda: on_screen.find_colour(GREEN) is None, "blank window", 10)
    on_screen.screenshot(artefacts / "preview-stale.png")
    feed(preview, lambda: on_screen.find_colour(GREEN, at_least=5000), "picture again")


def test_the_space_bar_pauses_and_resumes_the_camera(
    on_screen: Desktop, preview: Preview, reports: Reports, artefacts: Path
) -> None:
    preview.open()
    feed(preview, lambda: on_screen.find_colour(GREEN, at_least=5000), "picture")
    (window,) = on_screen.windows(TITLE)
    on_screen.focus(window)

    def pressed(event: Event) -> Callable[[], bool]:
        def look() -> bool:
            on_screen.key("space")
            return event in reports.events

        return look

    feed(preview, pressed(PauseCamera()), "wish to pause")
    preview.blank("Camera off: the screen is locked", resumes=False)
    wait_for(lambda: on_screen.find_colour(GREEN) is None, "blank window")
    on_screen.key("space")
    preview.blank("Camera paused", resumes=True)
    wait_for(lambda: on_screen.find_colour(GREEN) is None, "blank window")
    on_screen.screenshot(artefacts / "preview-paused.png")
    wait_for(pressed(ResumeCamera()), "wish to resume")


def test_keys_lead_through_a_lesson(on_screen: Desktop, preview: Preview, reports: Reports) -> None:
    preview.open()
    feed(preview, lambda: on_screen.find_colour(GREEN, at_least=5000), "picture")
    (window,) = on_screen.windows(TITLE)
    on_screen.focus(window)
    for key, event in (
        ("l", BeginLesson()),
        ("1", ShowInLesson(MoodState.HAPPY)),
        ("7", ShowInLesson(MoodState.DISGUST)),
        ("Return", KeepLesson()),
        ("x", StopLesson()),
    ):

        def heard(key: str = key, event: Event = event) -> bool:
            on_screen.key(key)
            return event in reports.events

        feed(preview, heard, f"answer to the key {key}")


def test_f_fills_the_screen_and_escape_leaves_it_before_it_closes(
    on_screen: Desktop, preview: Preview, reports: Reports, artefacts: Path
) -> None:
    preview.open()
    feed(preview, lambda: on_screen.find_colour(GREEN, at_least=5000), "picture")
    (window,) = on_screen.windows(TITLE)
    on_screen.focus(window)
    on_screen.key("f")
    whole = on_screen.picture().size
    feed(preview, lambda: on_screen.geometry(window)[2:] == whole, "full screen")
    on_screen.screenshot(artefacts / "preview-full.png")
    on_screen.key("Escape")
    feed(preview, lambda: on_screen.geometry(window)[2:] != whole, "window again")
    assert preview.is_open
    on_screen.key("Escape")
    wait_for(reports.closed, "report of the closing")


def test_the_first_size_fits_the_screen_and_its_scale(
    on_screen: Desktop, preview: Preview, reports: Reports
) -> None:
    wide, high = on_screen.picture().size
    on_screen.set_dpi(192)
    try:
        preview.open()
        feed(preview, lambda: on_screen.find_colour(GREEN, at_least=5000), "picture")
        (window,) = on_screen.windows(TITLE)
        _, _, width, height = on_screen.geometry(window)
        assert width <= wide
        assert height <= high
        assert width > 760 or height > 0.75 * high, "twice as large where it fits"
    finally:
        on_screen.set_dpi(None)


def test_keeps_up_with_the_camera(on_screen: Desktop, preview: Preview, reports: Reports) -> None:
    preview.open()
    feed(preview, reports.opened, "window")
    child = window_process()
    spent_before, before, begun, written = cpu(child), preview.frames_drawn, time.monotonic(), 0
    while written < 90:
        preview.show(view((written, 160, 70)), "rate")
        written += 1
        time.sleep(max(0.0, begun + written / 30 - time.monotonic()))
    drawn, spent = preview.frames_drawn - before, cpu(child) - spent_before
    # 28 frames a second fit into one core whatever else keeps this machine busy ...
    assert drawn > 10
    assert spent / drawn < 1 / 10, f"{spent / drawn * 1000:.1f} ms a frame"
    if os.getloadavg()[0] < (os.cpu_count() or 1):  # ... and are there where a core is free.
        assert drawn / written >= 28 / 30, f"{drawn} of {written} frames drawn"


def cpu(process: psutil.Process) -> float:
    """Processor seconds so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def test_killed_child_takes_nothing_with_it(
    on_screen: Desktop, preview: Preview, reports: Reports
) -> None:
    preview.open()
    feed(preview, reports.opened, "window")
    window_process().send_signal(signal.SIGKILL)
    wait_for(reports.closed, "report of the end")
    preview.show(view(), "into the void")
    assert preview.join(5)
    preview.open()
    feed(preview, lambda: reports.opened(2), "second window")
    wait_for(lambda: len(on_screen.windows(TITLE)) == 1, "one window on the screen")


def test_stopped_child_is_killed_in_the_end(
    on_screen: Desktop, preview: Preview, reports: Reports
) -> None:
    preview.open()
    feed(preview, reports.opened, "window")
    window_process().send_signal(signal.SIGSTOP)  # hangs for ever
    preview.close()
    begun = time.monotonic()
    assert preview.join(0.2)
    assert time.monotonic() - begun < 5
    assert reports.closed()


def leftovers() -> tuple[int, int, int]:
    """Open files, child processes, threads."""
    gc.collect()
    return psutil.Process().num_fds(), len(children()), threading.active_count()


def nameless(names: set[str]) -> bool:
    """No program finds any of them."""
    return not any(map(os.path.exists, names))


def test_opening_and_closing_leaves_nothing(
    on_screen: Desktop, preview: Preview, reports: Reports
) -> None:
    names: set[str] = set()
    counts = []
    for times in range(1, 5):
        preview.open()
        if times == 3:
            preview.close()  # before it even stands
        else:
            feed(preview, lambda n=times: reports.opened(n - (n > 3)), "window")  # type: ignore[misc]
        maps = Path("/proc/self/maps").read_text().split()
        names |= {word for word in maps if word.startswith("/dev/shm/psm_")}
        if times != 3:
            feed(preview, partial(nameless, names), "memory without a name")
        preview.close()
        assert preview.join(5)
        counts.append(leftovers())
    assert names
    assert not [name for name in names if Path(name).exists()]
    assert counts[1:] == [counts[0]] * 3  # the first may have started what stays, once
    assert not [e for e in reports.events if isinstance(e, Notice)]


def test_dies_with_its_parent(on_screen: Desktop, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import time\n"
        "from agent.desktop.preview.process import Preview\n"
        "if __name__ == '__main__':\n"
        "    Preview(lambda event: print(event, flush=True)).open()\n"
        "    time.sleep(60)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    parent = subprocess.Popen([sys.executable, script], env=env, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert "True" in parent.stdout.readline()
    wait_for(lambda: on_screen.windows(TITLE), "window")
    maps = Path(f"/proc/{parent.pid}/maps").read_text().split()
    memory = {Path(word) for word in maps if word.startswith("/dev/shm/psm_")}
    assert memory
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not on_screen.windows(TITLE), "end of the window")
    wait_for(lambda: not any(path.exists() for path in memory), "end of the memory")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/shm is Linux's")
def test_no_frame_lies_in_memory_that_has_a_name(
    monkeypatch: pytest.MonkeyPatch, preview: Preview
) -> None:
    """It would stay in /dev/shm when all are killed before the child is there."""
    monkeypatch.setenv("DISPLAY", ":59")
    before = set(Path("/dev/shm").glob("psm_*"))
    preview.open()
    new = children()
    for child in new:
        child.suspend()
    preview.show(view(), "You look happy")
    (memory,) = set(Path("/dev/shm").glob("psm_*")) - before
    left = memory.read_bytes()
    for child in new:
        child.resume()
    assert bytes(GREEN[::-1]) * 10 not in left


def test_memory_that_cannot_be_had_is_told(
    monkeypatch: pytest.MonkeyPatch, preview: Preview, reports: Reports
) -> None:
    monkeypatch.setenv("DISPLAY", ":59")
    monkeypatch.setattr(SharedFrame, "create", lambda: os.open("/dev/shm/none/at/all", 0))
    files_before = leftovers()[0]
    with pytest.raises(DesktopError, match="could not be started"):
        preview.open()
    assert leftovers()[0] <= files_before
    assert not preview.is_open


def test_without_a_display_a_clear_word(monkeypatch: pytest.MonkeyPatch, reports: Reports) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(DesktopError, match="DISPLAY is not set"):
        Preview(reports).open()
    assert reports.events == []


def test_a_dead_display_is_told_and_survived(
    monkeypatch: pytest.MonkeyPatch, preview: Preview, reports: Reports
) -> None:
    monkeypatch.setenv("DISPLAY", ":59")
    preview.open()
    wait_for(lambda: len(reports.events) == 2, "report")
    assert reports.events[0] == PreviewChanged(False)
    assert isinstance(reports.events[1], Notice)
    assert preview.join(5)
