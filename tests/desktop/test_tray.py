"""The tray for real: an X server, a panel, a mouse."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.app.lifecycle import App
from agent.app.options import Options
from agent.desktop.palette import AMBER, MIST, MOOD_COLOURS
from agent.desktop.tray import backend
from agent.desktop.tray.backend import COMMANDS, NO_MENU, NO_SESSION, choose_backend
from agent.desktop.tray.menu import Caps, Item, MenuAction, build_menu
from agent.desktop.tray.tray import Tray, make_tray
from agent.events import Event, PauseCamera
from agent.types import MoodState
from tests.desktop.conftest import Program
from tests.desktop.tray_program import sample_snapshot
from tests.desktop.x11 import Desktop, wait_for
from tests.fakes.clock import FakeClock

Start = Callable[..., Program]
HAPPY = MOOD_COLOURS[MoodState.HAPPY]


def labels(items: tuple[Item, ...]) -> list[str]:
    return [item.label for item in items if not item.separator]


def of_menu(**changes: str) -> list[str]:
    return labels(build_menu(sample_snapshot(**changes)))


@pytest.fixture(params=["tint2", "xfce"])
def desktop(request: pytest.FixtureRequest) -> Desktop:
    """Once with a tray of the old kind (gtk), once with StatusNotifierItems."""
    found: Desktop = request.getfixturevalue(f"{request.param}_desktop")
    return found


def started(start: Start, desktop: Desktop) -> Program:
    program = start("tray_program", desktop.env)
    said = program.wait_for_line("backend")
    assert said == ("backend gtk" if desktop.panel == "tint2" else "backend statusnotifier")
    return program


def test_shows_changes_and_obeys_the_mouse(
    desktop: Desktop, start_program: Start, artefacts: Path
) -> None:
    program = started(start_program, desktop)
    spot = desktop.wait_for_colour(HAPPY)
    desktop.screenshot(artefacts / f"tray-{desktop.panel}.png")

    # A new state of affairs: other icon, other menu, while it runs.
    for changes, colour in (
        ({"mood": "sad", "playlist": "Rainy window"}, MOOD_COLOURS[MoodState.SAD]),
        ({"status": "paused"}, MIST),
        ({"status": "camera busy"}, AMBER),
        ({"mood": "happy", "playlist": "Rock & Roll <b>_x"}, HAPPY),
    ):
        program.tell(show=changes)
        desktop.wait_for_colour(colour)

    menu = of_menu(playlist="Rock & Roll <b>_x")
    box = desktop.open_menu(*spot)
    if desktop.panel == "xfce4-panel":
        program.wait_for_line("look Looked()")  # what plays may be another thing by now
    desktop.screenshot(artefacts / f"menu-{desktop.panel}.png")
    inner = desktop.open_submenu(menu, "Take a break", box)
    desktop.screenshot(artefacts / f"submenu-{desktop.panel}.png")
    breaks = next(item for item in build_menu(sample_snapshot()) if item.label == "Take a break")
    desktop.click_menu(labels(breaks.children), "1 hour", inner)
    assert "TakeBreak(until=datetime" in program.wait_for_line("event")

    desktop.open_menu(*spot)
    desktop.click_menu(menu, "Settings…")
    program.wait_for_line("event OpenPage(page='settings')")

    desktop.open_menu(*spot)
    desktop.click_menu(menu, "Pause music")
    program.wait_for_line("event PauseMusic()")

    desktop.open_menu(*spot)
    desktop.click_menu(menu, "Quit")
    program.wait_for_line("event Quit()")

    begun = time.monotonic()
    program.tell(stop=True)
    program.wait_for_line("ended")
    assert program.process.wait(5) == 0
    assert time.monotonic() - begun < 5
    wait_for(lambda: desktop.find_colour(HAPPY, desktop.panel_box()) is None, "icon taken away")
    assert "Traceback" not in program.errors()


def test_terminate_signal_ends_cleanly(desktop: Desktop, start_program: Start) -> None:
    program = started(start_program, desktop)
    desktop.wait_for_colour(HAPPY)
    assert program.end() == 0
    assert program.lines()[-1] == "ended"
    assert not list(program.folder.glob("moodtray/runtime/icons/*")), "no icon files left"


def test_menu_stays_open_while_the_state_changes(
    tint2_desktop: Desktop, start_program: Start
) -> None:
    program = started(start_program, tint2_desktop)
    spot = tint2_desktop.wait_for_colour(HAPPY)
    box = tint2_desktop.open_menu(*spot, button=3)
    program.tell(show={"mood": "sad"})
    tint2_desktop.wait_for_colour(MOOD_COLOURS[MoodState.SAD])
    assert box in tint2_desktop.popups()
    tint2_desktop.click_menu(of_menu(), "Play for my mood", box)
    program.wait_for_line("event PlayForMood()")


def test_the_reason_is_asked_for_in_the_menu_itself(
    tint2_desktop: Desktop, start_program: Start, artefacts: Path
) -> None:
    program = started(start_program, tint2_desktop)
    spot = tint2_desktop.wait_for_colour(HAPPY)
    box = tint2_desktop.open_menu(*spot)
    tint2_desktop.screenshot(artefacts / "menu-why.png")
    tint2_desktop.click_menu(of_menu(), "Why this music?", box)
    program.wait_for_line("event TellWhy()")


def test_without_a_session_bus_the_classic_icon_serves(
    tint2_desktop: Desktop, start_program: Start
) -> None:
    # No bus: no notification service can be activated, which ends a plain pystray program.
    env = {k: v for k, v in tint2_desktop.env.items() if k != "DBUS_SESSION_BUS_ADDRESS"}
    program = start_program("tray_program", {**env, "DBUS_SESSION_BUS_ADDRESS": ""})
    assert program.wait_for_line("backend") == "backend gtk"
    tint2_desktop.wait_for_colour(HAPPY)
    assert program.end() == 0


def test_without_pygobject_an_icon_and_a_word(tint2_desktop: Desktop, start_program: Start) -> None:
    program = start_program("tray_program_without_gi", tint2_desktop.env)
    assert program.wait_for_line("reason") == f"reason {NO_MENU.format(commands=COMMANDS)}"
    assert program.wait_for_line("backend") == "backend xorg"
    tint2_desktop.wait_for_colour(HAPPY)
    program.tell(show={"mood": "sad"})
    tint2_desktop.wait_for_colour(MOOD_COLOURS[MoodState.SAD])
    assert program.end() == 0
    assert program.lines()[-1] == "ended"


def test_without_a_display_there_is_no_tray_but_a_reason(start_program: Start) -> None:
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    program = start_program("tray_program", env)
    assert program.process.wait(20) == 4
    assert program.lines() == [f"reason {NO_SESSION.format(commands=COMMANDS)}"]


def test_a_dead_display_is_no_crash(start_program: Start) -> None:
    program = start_program("tray_program", {**os.environ, "DISPLAY": ":59"})
    assert program.process.wait(20) == 4
    assert "moodtray doctor" in program.lines()[0]


X, WAYLAND = {"DISPLAY": ":1"}, {"WAYLAND_DISPLAY": "w"}


@pytest.mark.parametrize(
    ("watcher", "x_tray", "gtk", "env", "name", "notice"),
    [
        (True, True, True, X, "statusnotifier", ""),
        (True, False, False, WAYLAND, "statusnotifier", ""),
        (True, False, False, {}, "statusnotifier", ""),  # started by the service manager
        (True, True, True, {**X, "PYSTRAY_BACKEND": "gtk"}, "gtk", ""),
        (True, True, False, {**X, "PYSTRAY_BACKEND": "gtk"}, "xorg", "python3-gi"),
        (False, True, True, X, "gtk", ""),
        (False, True, False, X, "xorg", "StatusNotifierItem"),
        (False, False, True, X, "statusnotifier", "Add a tray"),
        (False, False, True, {**X, "XDG_CURRENT_DESKTOP": "GNOME"}, "statusnotifier", "extension"),
        (False, False, True, WAYLAND, "statusnotifier", "Add a tray"),
        (False, False, True, {}, None, "no desktop session"),
        (None, False, True, X, "gtk", ""),
        (None, False, False, X, "xorg", "python3-gi"),
        (None, False, True, WAYLAND, None, "D-Bus"),
    ],
)
def test_choice_of_backend(
    monkeypatch: pytest.MonkeyPatch,
    watcher: bool | None,
    x_tray: bool,
    gtk: bool,
    env: dict[str, str],
    name: str | None,
    notice: str,
) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "PYSTRAY_BACKEND", "XDG_CURRENT_DESKTOP"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in env.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(backend, "has_watcher", lambda: watcher)
    monkeypatch.setattr(backend, "has_x_tray", lambda: x_tray)
    monkeypatch.setattr(backend, "has_gtk", lambda: gtk)
    monkeypatch.setattr("sys.platform", "linux")
    chosen = choose_backend()
    assert chosen.name == name
    assert notice in chosen.notice
    assert bool(notice) == bool(chosen.notice)
    assert chosen.menu == (name in ("statusnotifier", "gtk"))
    assert chosen.waiting == (name == "statusnotifier" and not watcher)


def test_a_tray_of_the_old_kind_that_comes_late_is_found(
    tmp_path: Path, start_program: Start
) -> None:
    with Desktop(tmp_path / "desktop", panel=None, dunst=False, bus=True) as desktop:
        program = start_program("tray_program", desktop.env)
        assert program.wait_for_line("backend") == "backend statusnotifier"
        desktop.panel = "tint2"
        desktop.start_panel()
        desktop.wait_for_colour(HAPPY)
        program.tell(show={"mood": "sad"})
        desktop.wait_for_colour(MOOD_COLOURS[MoodState.SAD])
        assert program.end() == 0


# --- what a click costs ---------------------------------------------------------------------------


def hanging_tray(report: Callable[[Event], None], tmp_path: Path) -> Tray:
    """A tray whose callbacks can be called; what it asks of the program's rim hangs for ever."""

    def hang(_: MenuAction) -> None:
        threading.Event().wait(30)

    chosen = backend.Backend("gtk")
    return Tray(report, FakeClock(), hang, backend=chosen, caps=Caps(), folder=tmp_path)


class HangingAgent:
    """An agent's inbox, whose controller took the first event and hangs with it, as it would
    behind workers that hang."""

    def __init__(self) -> None:
        self.app = App(Options(headless=True))
        self.taken: list[Event] = []
        self.hangs = threading.Event()
        self.released = threading.Event()
        threading.Thread(target=self._loop, daemon=True).start()
        self.app.report(PauseCamera())
        assert self.hangs.wait(10)

    def _loop(self) -> None:
        while True:
            self.taken.append(self.app._inbox.get())
            self.hangs.set()
            self.released.wait(60)

    def release(self, number: int) -> list[Event]:
        """The hang is over: so many events have waited for that."""
        self.released.set()
        wait_for(lambda: len(self.taken) >= number + 1, "events")
        return self.taken[1:]


def every_item(items: tuple[Item, ...]) -> list[Item]:
    return [i for item in items for i in (item, *every_item(item.children)) if i.enabled]


def test_no_click_waits_for_anybody(tmp_path: Path) -> None:
    agent = HangingAgent()
    tray = hanging_tray(agent.app.report, tmp_path)
    items = every_item(build_menu(sample_snapshot(autostart=True)))
    clickable = [item for item in items if not item.children]
    for item in clickable:
        begun = time.perf_counter()
        tray._click(item)
        assert time.perf_counter() - begun < 5, item.label  # the agent hangs until it is released
    number = sum(item.event is not None for item in clickable)
    assert len(agent.taken) == 1, "it hangs"
    inbox = agent.release(number)
    assert len(inbox) == number
    assert PauseCamera(FakeClock().now().replace(minute=15)) in inbox


def test_updates_and_stop_before_the_loop_cost_nothing(tmp_path: Path) -> None:
    tray = hanging_tray(lambda _: None, tmp_path)
    begun = time.perf_counter()
    for _ in range(1000):
        tray.update(sample_snapshot())
    tray.stop()
    assert time.perf_counter() - begun < 10
    tray.run()  # stopped before it began: returns at once


def test_make_tray_in_this_process_without_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    told = NO_SESSION.format(commands=COMMANDS)
    assert make_tray(lambda _: None, FakeClock(), lambda _: None) == (None, told)
