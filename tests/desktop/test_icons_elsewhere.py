"""The icons on Windows and macOS, by stand-ins of the systems' libraries: what is asked of them."""

from __future__ import annotations

import ctypes
import io
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from PIL.IcoImagePlugin import IcoImageFile

from agent.desktop.icons.drawing import icon, stencil
from agent.desktop.tray.images import blank, icon_class
from agent.types import MoodState, Status

LOOK = (Status.WATCHING, MoodState.SAD, True)


# --- Windows --------------------------------------------------------------------------------------


class Windows:
    """user32, shcore and pystray's own layer; notes what it was told."""

    def __init__(self, small_icon: int) -> None:
        self.small_icon = small_icon
        self.aware: list[int] = []
        self.loaded: list[tuple[Image.Image, int, int]] = []
        self.user32 = SimpleNamespace(GetSystemMetrics=lambda what: {49: self.small_icon}[what])
        self.shcore = SimpleNamespace(SetProcessDpiAwareness=self.aware.append)

    def load_image(
        self, module: None, path: str, kind: int, width: int, height: int, flags: int
    ) -> int:
        assert (module, kind, flags) == (None, 1, 0x10)
        with IcoImageFile(path) as file:  # the system takes the frame of that very size
            self.loaded.append(
                (
                    file.ico.getimage((width, height)).convert("RGBA"),
                    width,
                    height,
                )
            )
        self.path = Path(path)
        return 7 + len(self.loaded)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Windows:
    system = Windows(small_icon=20)
    monkeypatch.setattr(ctypes, "windll", system, raising=False)
    layer = ModuleType("pystray._util.win32")
    layer.LoadImage = system.load_image  # type: ignore[attr-defined]
    layer.IMAGE_ICON, layer.LR_LOADFROMFILE = 1, 0x10  # type: ignore[attr-defined]
    util, package = ModuleType("pystray._util"), ModuleType("pystray")
    util.win32 = layer  # type: ignore[attr-defined]
    backend = ModuleType("pystray._win32")
    backend.Icon = type("Icon", (), {"_icon_handle": None})  # type: ignore[attr-defined]
    for module in (package, util, layer, backend):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return system


def test_windows_gets_the_picture_of_its_notification_area(windows: Windows) -> None:
    tray_icon = icon_class("win32")()
    assert windows.aware == [1], "else the system pretends that all screens are plain"
    tray_icon.look = lambda: LOOK
    tray_icon._assert_icon_handle()
    tray_icon._assert_icon_handle()
    ((picture, width, height),) = windows.loaded  # once
    assert (width, height) == (20, 20)
    assert picture.tobytes() == icon(*LOOK[:2], 20, True).tobytes()
    assert tray_icon._icon_handle == 8
    assert not windows.path.exists(), "the file is gone"


@pytest.mark.parametrize("missing", ["shcore", "SetProcessDpiAwareness", "refused"])
def test_an_older_windows_is_no_obstacle(windows: Windows, missing: str) -> None:
    def refuse(_: int) -> None:
        raise OSError(5, "access denied")

    if missing == "shcore":
        del windows.shcore
    elif missing == "refused":
        windows.shcore.SetProcessDpiAwareness = refuse
    else:
        del windows.shcore.SetProcessDpiAwareness
    tray_icon = icon_class("win32")()
    tray_icon.look = lambda: LOOK
    windows.small_icon = 16
    tray_icon._assert_icon_handle()
    assert windows.loaded[0][1:] == (16, 16)


# --- macOS ----------------------------------------------------------------------------------------


class Thing:
    """An Objective-C object: keeps what its setters are given."""

    def __init__(self, **known: Any) -> None:
        self.__dict__.update(known)
        self.calls: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def note(*values: Any) -> None:
            self.calls.append((name, values[0] if len(values) == 1 else values))

        return note

    def told(self, name: str) -> list[Any]:
        return [value for called, value in self.calls if called == name]


class Mac:
    """AppKit and its kin, as far as the icon needs them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.button = Thing()
        item = Thing(button=lambda: self.button)
        self.bar = Thing(thickness=lambda: 22.0, statusItemWithLength_=lambda _: item)
        self.app = Thing(run=lambda: self.order.append("run"))
        self.order: list[str] = []
        self.later: list[Any] = []
        made = SimpleNamespace(alloc=lambda: SimpleNamespace(initWithSize_=self.image))
        event = {"otherEventWithType_location_modifierFlags_timestamp_windowNumber_context_"
                 "subtype_data1_data2_": lambda *_: "event"}  # fmt: skip
        modules: dict[str, dict[str, Any]] = {
            "objc": {"namedSelector": lambda _: lambda function: function},
            "Foundation": {
                "NSObject": type("NSObject", (), {"alloc": classmethod(lambda c: c()),
                                                  "init": lambda self: self}),
                "NSData": SimpleNamespace(dataWithBytes_length_=lambda raw, size: raw[:size]),
            },
            "AppKit": {
                "NSApplication": SimpleNamespace(sharedApplication=lambda: self.app),
                "NSApplicationActivationPolicyAccessory": 1,
                "NSStatusBar": SimpleNamespace(systemStatusBar=lambda: self.bar),
                "NSVariableStatusItemLength": -1.0,
                "NSImage": made,
                "NSBitmapImageRep": SimpleNamespace(imageRepWithData_=lambda raw: Thing(raw=raw)),
                "NSEvent": SimpleNamespace(**event),
                "NSApplicationDefined": 15,
                "NSPoint": lambda x, y: (x, y),
            },
            "PyObjCTools": {},
            "PyObjCTools.MachSignals": {"signal": self.never, "getsignal": self.never},
            "PyObjCTools.AppHelper": {"callAfter": self.later.append},
        }  # fmt: skip
        for name, content in modules.items():
            module = ModuleType(name)
            module.__dict__.update(content)
            monkeypatch.setitem(sys.modules, name, module)
        tools = sys.modules["PyObjCTools"]
        tools.AppHelper = sys.modules["PyObjCTools.AppHelper"]  # type: ignore[attr-defined]
        tools.MachSignals = sys.modules["PyObjCTools.MachSignals"]  # type: ignore[attr-defined]
        monkeypatch.setenv("PYSTRAY_BACKEND", "dummy")  # this system's own is not wanted
        monkeypatch.delitem(sys.modules, "pystray._darwin", raising=False)

    def image(self, side: tuple[int, int]) -> Thing:
        return Thing(side=side)

    def never(self, *_: Any) -> None:
        raise AssertionError("no signal handlers beside our own")


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> Mac:
    return Mac(monkeypatch)


def test_macos_gets_a_template_for_plain_and_retina_screens(mac: Mac) -> None:
    tray_icon = icon_class("darwin")("moodtray", icon=blank(), title="Moodtray")
    tray_icon.look = lambda: LOOK
    tray_icon._show()
    (image,) = mac.button.told("setImage_")
    assert image.side == (18, 18)
    assert image.told("setTemplate_") == [True]
    drawn = image.told("addRepresentation_")
    for scale, picture in zip((1, 2), drawn, strict=True):
        assert picture.told("setSize_") == [(18, 18)], "in points"
        with Image.open(io.BytesIO(picture.raw)) as png:
            assert png.tobytes() == stencil(*LOOK[:2], 18 * scale).tobytes()
    tray_icon.look = lambda: (Status.PAUSED, MoodState.SAD, True)
    tray_icon._update_icon()
    assert len(mac.button.told("setImage_")) == 1, "it is not visible yet"


def test_macos_runs_without_a_dock_icon_and_ends_on_the_main_thread(mac: Mac) -> None:
    tray_icon = icon_class("darwin")("moodtray", icon=blank(), title="Moodtray")
    tray_icon.look = lambda: LOOK
    tray_icon._run()
    assert mac.order == ["run"]
    assert mac.app.told("setActivationPolicy_") == [1]
    assert len(mac.bar.told("removeStatusItem_")) == 1
    tray_icon._stop()
    assert mac.app.told("stop_") == [], "this may be any thread"
    (on_the_main_thread,) = mac.later
    on_the_main_thread()
    assert mac.app.told("stop_") == [mac.app]
    assert mac.app.told("postEvent_atStart_"), "wakes the loop, which else sleeps on"
