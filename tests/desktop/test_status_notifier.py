"""The tray icon on the bus: what a panel reads, hears and clicks, and panels that come and go."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image

from agent.desktop.dbus_server import BusError
from agent.desktop.icons.drawing import icon
from agent.desktop.palette import MIST, MOOD_COLOURS
from agent.desktop.tray.menu import build_menu
from agent.desktop.tray.status_notifier import SIZES, pixmaps
from agent.types import MoodState, Status
from tests.desktop.buses import PrivateBus, answers, start_bus, wait_until
from tests.desktop.conftest import Program
from tests.desktop.own_panel import PanelClient, Watcher, watching
from tests.desktop.specifications import CATEGORIES, ITEM, MENU, PROPERTY_TYPES, STATUSES
from tests.desktop.tray_program import sample_snapshot
from tests.desktop.x11 import Desktop, wait_for

Start = Callable[..., Program]
HAPPY = MOOD_COLOURS[MoodState.HAPPY]


@pytest.fixture
def bare(no_display: None, session_bus: PrivateBus) -> dict[str, str]:
    """A session with a bus and nothing else, not even a display."""
    return dict(os.environ)


@pytest.fixture
def watcher(bare: dict[str, str]) -> Iterator[Watcher]:
    with watching() as made:
        yield made


def client_of(watcher: Watcher) -> PanelClient:
    wait_until(lambda: len(watcher.items) == 1)
    return PanelClient(watcher.items[0])


@pytest.fixture
def program(bare: dict[str, str], watcher: Watcher, start_program: Start) -> Program:
    return start_program("tray_program", bare)


@pytest.fixture
def panel(program: Program, watcher: Watcher) -> Iterator[PanelClient]:
    client = client_of(watcher)
    wait_until(lambda: "Quit" in client.labels())
    client.heard()
    yield client
    client.close()


# --- what a panel reads


def test_icon_and_menu_are_what_the_specifications_say(panel: PanelClient) -> None:
    panel.check_introspection()
    item, menu = panel.get_all(ITEM), panel.get_all(MENU)
    assert item["Category"] in CATEGORIES
    assert item["Status"] in STATUSES
    assert item["Id"] == "moodtray"
    assert item["ItemIsMenu"] is True, "a plain click opens the menu"
    assert menu["Version"] == 3
    assert menu["TextDirection"] in ("ltr", "rtl")
    assert menu["Status"] in ("normal", "notice")
    (told,) = panel.call(MENU, "GetGroupProperties", [], [])
    for _, properties in told:
        for name, (kind, _) in properties.items():
            assert PROPERTY_TYPES[name] == kind


def test_the_icon_comes_in_the_sizes_of_panels(panel: PanelClient) -> None:
    drawn = panel.get(ITEM, "IconPixmap")
    assert [(width, height) for width, height, _ in drawn] == [(size, size) for size in SIZES]
    width, height, data = drawn[3]
    alpha, *rest = Image.frombytes("RGBA", (width, height), data).split()
    read = Image.merge("RGBA", (*rest, alpha))
    assert read.tobytes() == icon(Status.WATCHING, MoodState.HAPPY, width, True).tobytes()


def test_the_pixels_are_drawn_once_a_look() -> None:
    look = (Status.WATCHING, MoodState.SAD, True)
    assert pixmaps(look) is pixmaps(look)


def test_the_menu_is_the_menu(panel: PanelClient) -> None:
    wanted = [item.label or "-" for item in build_menu(sample_snapshot())]
    assert panel.labels() == wanted


def test_foreign_words_are_refused_in_words(panel: PanelClient) -> None:
    with pytest.raises(BusError) as caught:
        panel._call("/StatusNotifierItem", ITEM, "Activate", "s", ("here",), "")
    assert caught.value.name.endswith("InvalidArgs")
    with pytest.raises(BusError) as caught:
        panel._call("/StatusNotifierItem", ITEM, "Explode", "", (), "")
    assert caught.value.name.endswith("UnknownMethod")
    with pytest.raises(BusError) as caught:
        panel._call("/Elsewhere", ITEM, "Activate", "ii", (0, 0), "")
    assert caught.value.name.endswith("UnknownObject")
    properties = "org.freedesktop.DBus.Properties"
    body = (ITEM, "Title", ("s", "Mine"))
    with pytest.raises(BusError) as caught:
        panel._call("/StatusNotifierItem", properties, "Set", "ssv", body, "")
    assert caught.value.name.endswith("PropertyReadOnly")
    assert panel.get(ITEM, "Title") == "Moodtray", "it lives"


# --- what a panel hears


def test_only_what_changed_is_told(program: Program, panel: PanelClient) -> None:
    program.tell(show={})
    time.sleep(0.5)
    assert panel.heard() == [], "nothing changed"
    program.tell(show={"mood": "sad"})
    panel.wait_for_label("You look sad")
    heard = panel.heard()
    assert [member for member, _ in heard if member.startswith("New")] == ["NewToolTip", "NewIcon"]
    told = [body for member, body in heard if member == "ItemsPropertiesUpdated"]
    assert told, "the mood's line"


def test_who_is_needed_is_told(program: Program, panel: PanelClient) -> None:
    program.tell(show={"status": "no login"})
    wait_until(lambda: panel.get(ITEM, "Status") == "NeedsAttention")
    assert panel.get(ITEM, "AttentionIconPixmap")
    assert ("NewStatus", ("NeedsAttention",)) in panel.heard()
    program.tell(show={})
    wait_until(lambda: panel.get(ITEM, "Status") == "Active")
    assert ("NewStatus", ("Active",)) in panel.heard()


def test_the_tooltip_is_text(program: Program, panel: PanelClient) -> None:
    program.tell(show={"playlist": "Rock & Roll <b>_x"})
    wait_until(lambda: "Roll" in panel.get(ITEM, "ToolTip")[3])
    name, pictures, title, text = panel.get(ITEM, "ToolTip")
    assert (name, pictures) == ("", [])
    assert title == "Moodtray – You look happy"
    assert text == "♪ Rock &amp; Roll &lt;b&gt;_x", "panels read markup here"


def test_state_changes_show_within_a_moment(program: Program, panel: PanelClient) -> None:
    waits = []
    for mood in ("sad", "angry", "happy", "fear", "neutral"):
        began = time.perf_counter()
        program.tell(show={"mood": mood})
        while "NewIcon" not in [member for member, _ in panel.heard()]:
            assert time.perf_counter() - began < 10
        waits.append(time.perf_counter() - began)
    assert sorted(waits)[2] < 2.0, "0.2 s where nothing else runs; not by the next tick of a timer"


# --- clicks


def test_clicks_do_what_their_lines_say(program: Program, panel: PanelClient) -> None:
    panel.click("Play for my mood")
    program.wait_for_line("event PlayForMood()")
    panel.click("15 minutes")
    program.wait_for_line("event TakeBreak(until=datetime")
    panel.click("You look happy")
    program.wait_for_line("event TellWhy()")
    panel.call(ITEM, "SecondaryActivate", 5, 5)
    program.wait_for_line("event PauseMusic()")
    program.wait_for_line("event Notice(title='Pausing the music'")
    panel.call(ITEM, "Activate", 5, 5)
    program.wait_for_line("event ShowPreview(show=True")
    panel.call(ITEM, "ContextMenu", 5, 5)
    panel.call(ITEM, "Scroll", 1, "vertical")
    panel.click("Settings…")
    program.wait_for_line("event OpenPage(page='settings')")
    panel.click("Quit")
    program.wait_for_line("event Quit()")
    events = [line for line in program.lines() if line.startswith("event")]
    assert len(events) == 8


def test_a_click_on_a_menu_that_changed_meanwhile(program: Program, panel: PanelClient) -> None:
    panel.call(MENU, "AboutToShow", 0)
    pause = panel.number("Pause music")
    program.tell(show={"camera_paused": True, "status": "paused"})
    time.sleep(0.5)
    assert panel.number("Pause music") == pause, "an open menu keeps its lines"
    panel.call(MENU, "Event", pause, "clicked", ("i", 0), 0)
    program.wait_for_line("event PauseMusic()")
    panel.wait_for_label("Resume camera")


# --- panels come and go


def test_a_panel_that_comes_late_goes_and_comes_back(
    bare: dict[str, str], start_program: Start
) -> None:
    with watching() as first:  # else there is neither panel nor display, and no tray
        program = start_program("tray_program", bare)
        client_of(first).close()
    time.sleep(0.3)
    for _ in range(2):
        with watching() as later:
            client = client_of(later)
            assert client.get(ITEM, "Status") == "Active"
            client.wait_for_label("You look happy")
            client.close()
    assert program.end() == 0


def test_several_watchers(bare: dict[str, str], start_program: Start) -> None:
    with watching() as kde, watching("org.freedesktop.StatusNotifierWatcher") as other:
        start_program("tray_program", bare)
        wait_until(lambda: kde.items == other.items != [])


def test_a_watcher_that_answers_nonsense_is_asked_again(
    bare: dict[str, str], start_program: Start
) -> None:
    with watching(refusals=1) as watcher:
        program = start_program("tray_program", bare)
        client_of(watcher).close()
        assert watcher.asked == 2
        assert program.end() == 0


def test_the_bus_goes_in_mid_life(
    tmp_path: Path, no_display: None, monkeypatch: pytest.MonkeyPatch, start_program: Start
) -> None:
    bus = start_bus(tmp_path / "bus")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    watcher = Watcher().start()
    program = start_program("tray_program", dict(os.environ))
    client_of(watcher).close()
    bus.stop()
    watcher.stop()
    program.tell(show={"mood": "sad"})
    time.sleep(1.0)
    assert program.process.poll() is None, program.errors()
    (tmp_path / "bus" / "bus").unlink(missing_ok=True)
    again = PrivateBus(bus.address, restarted(tmp_path / "bus"))
    with watching() as later:
        client = client_of(later)
        client.wait_for_label("You look sad")
        client.close()
        begun = time.monotonic()
        assert program.end() == 0
        assert time.monotonic() - begun < 10
    again.stop()


def restarted(folder: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(["dbus-daemon", f"--config-file={folder / 'bus.conf'}", "--nofork"])
    wait_until(lambda: answers(folder / "bus"))
    return process


def test_nothing_of_gtk_is_loaded(program: Program, panel: PanelClient) -> None:
    maps = Path(f"/proc/{program.process.pid}/maps").read_text()
    assert "libgtk" not in maps
    assert "girepository" not in maps


def test_an_idle_icon_costs_nothing(program: Program, panel: PanelClient) -> None:
    process = psutil.Process(program.process.pid)
    time.sleep(1.0)
    before = process.cpu_times()
    time.sleep(6.0)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    assert used <= 0.01, "one tick of the clock at most"


# --- on Xfce's panel


def panel_processes(desktop: Desktop) -> list[tuple[int, str]]:
    found = []
    for process in psutil.process_iter(["pid", "name"]):
        if "panel" in process.info["name"]:
            try:
                if process.environ().get("DISPLAY") == desktop.display:
                    found.append((process.pid, process.info["name"]))
            except psutil.Error:
                continue
    return sorted(found)


def storm(program: Program, number: int) -> None:
    """So many states of affairs, each with another menu."""
    for i in range(number):
        program.tell(
            show={
                "mood": ("sad", "happy", "angry", "neutral")[i % 4],
                "status": ("watching", "paused", "no login", "error")[i % 4],
                "playlist": f"_{i} & <b>" + "x" * (i % 300),
                "problem": "no reason at all. " * (i % 40) if i % 3 else None,
                "autostart": bool(i % 2),
            }
        )
        time.sleep(0.005)


def test_a_thousand_updates_leave_xfces_panel_and_its_menu_standing(
    xfce_desktop: Desktop, start_program: Start, artefacts: Path
) -> None:
    program = start_program("tray_program", xfce_desktop.env)
    assert program.wait_for_line("backend") == "backend statusnotifier"
    spot = xfce_desktop.wait_for_colour(HAPPY)
    before = panel_processes(xfce_desktop)
    assert before
    storm(program, 500)  # with the menu closed
    program.tell(show={})
    xfce_desktop.wait_for_colour(HAPPY)
    box = xfce_desktop.open_menu(*spot)
    rows = xfce_desktop.menu_rows(box)
    xfce_desktop.screenshot(artefacts / "menu-xfce.png")
    storm(program, 1000)  # and open
    xfce_desktop.move(600, 700)  # the tooltip goes
    wait_for(lambda: xfce_desktop.popups() == [box], "the menu alone")
    after = xfce_desktop.menu_rows(box)  # of other words the middle is another, by a pixel
    assert len(after) == len(rows), "no line came or went"
    assert max(abs(a - b) for a, b in zip(after, rows, strict=True)) <= 2, "no line has moved"
    xfce_desktop.screenshot(artefacts / "menu-after-1000-updates.png")
    labels = [item.label for item in build_menu(sample_snapshot()) if not item.separator]
    xfce_desktop.click_menu(labels, "Play for my mood", box)
    program.wait_for_line("event PlayForMood()")
    program.tell(show={"status": "paused"})
    xfce_desktop.wait_for_colour(MIST)
    xfce_desktop.open_menu(*spot)
    xfce_desktop.click_menu(
        [i.label for i in build_menu(sample_snapshot(status="paused")) if not i.separator], "Quit"
    )
    program.wait_for_line("event Quit()")
    assert panel_processes(xfce_desktop) == before, "the panel is the same"
    assert program.end() == 0


def test_xfces_panel_is_killed_and_started(
    tmp_path: Path, start_program: Start, artefacts: Path
) -> None:
    with Desktop(tmp_path / "desktop", panel="xfce4-panel", dunst=False) as desktop:
        program = start_program("tray_program", desktop.env)
        desktop.wait_for_colour(HAPPY)
        for pid, _ in panel_processes(desktop):
            psutil.Process(pid).kill()
        wait_for(lambda: not desktop.find_colour(HAPPY, desktop.panel_box()), "panel gone")
        program.tell(show={"mood": "sad"})
        desktop.start_panel()
        desktop.wait_for_colour(MOOD_COLOURS[MoodState.SAD])
        assert program.end() == 0
