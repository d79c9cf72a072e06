"""The menu as panels read it: what is told when it changes, and what an open one leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from agent.desktop.dbus_server import BusError
from agent.desktop.tray import dbus_menu
from agent.desktop.tray.dbus_menu import LATE, DbusMenu, Entry


class Wire:
    """Stands where the bus is: keeps what was sent, and what is to be done later."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, tuple[Any, ...]]] = []
        self.later: list[Callable[[], None]] = []

    def emit(self, _path: str, _interface: str, member: str, *body: Any) -> None:
        self.sent.append((member, body))

    def call_later(self, _seconds: float, work: Callable[[], None]) -> None:
        self.later.append(work)

    def take(self) -> list[tuple[str, tuple[Any, ...]]]:
        sent, self.sent = self.sent, []
        return sent


class Client:
    """A panel's copy of the menu, kept by the signals alone."""

    def __init__(self, menu: DbusMenu, wire: Wire) -> None:
        self.menu, self.wire = menu, wire
        self.properties: dict[int, dict[str, Any]] = {}
        self.children: dict[int, list[int]] = {}
        self.read(0)

    def read(self, parent: int) -> None:
        self._take(self.menu.get_layout(parent, -1, [])[1])

    def _take(self, layout: tuple[int, dict[str, Any], list[tuple[str, Any]]]) -> None:
        number, properties, children = layout
        self.properties[number] = properties
        self.children[number] = [child[0] for _, child in children]
        for _, child in children:
            self._take(child)

    def hear(self) -> None:
        for member, body in self.wire.take():
            if member == "LayoutUpdated":
                self.read(body[1])
            else:
                for number, changed in body[0]:
                    self.properties[number] = {**self.properties[number], **changed}
                for number, names in body[1]:
                    for name in names:
                        del self.properties[number][name]

    def shown(self, number: int = 0) -> list[Any]:
        return [
            (self.properties[child], self.shown(child)) if self.children[child] else
            self.properties[child]
            for child in self.children[number]
        ]  # fmt: skip

    def of_label(self, label: str) -> int:
        (found,) = [n for n, p in self.properties.items() if p.get("label") == ("s", label)]
        return found


def line(label: str, **more: Any) -> Entry:
    """A line with a click that notes itself."""
    return Entry(label, **{"activate": lambda: CLICKED.append(label), **more})


CLICKED: list[str] = []


@pytest.fixture
def wire() -> Wire:
    CLICKED.clear()
    return Wire()


@pytest.fixture
def menu(wire: Wire) -> DbusMenu:
    return DbusMenu(wire, "/MenuBar")


def text(label: str) -> Entry:
    return Entry(label, enabled=False, text=True)


def expected(entries: tuple[Entry, ...]) -> list[Any]:
    """What a panel's copy should hold."""
    found: list[Any] = []
    for entry in entries:
        if entry.separator:
            found.append({"type": ("s", "separator")})
            continue
        properties: dict[str, Any] = {"label": ("s", entry.label.replace("_", "__"))}
        if not entry.enabled:
            properties["enabled"] = ("b", False)
        if entry.checked is not None:
            properties["toggle-type"] = ("s", "radio" if entry.radio else "checkmark")
            properties["toggle-state"] = ("i", int(entry.checked))
        if entry.children:
            properties["children-display"] = ("s", "submenu")
            found.append((properties, expected(entry.children)))
        else:
            found.append(properties)
    return found


# --- what is told


def test_the_same_menu_again_says_nothing(menu: DbusMenu, wire: Wire) -> None:
    entries = (text("You look happy"), Entry(separator=True), line("Quit"))
    menu.show(entries)
    wire.take()
    menu.show((text("You look happy"), Entry(separator=True), line("Quit")))
    assert wire.take() == []


def test_another_text_is_told_of_its_line_alone(menu: DbusMenu, wire: Wire) -> None:
    menu.show((text("You look happy"), line("Quit")))
    wire.take()
    client = Client(menu, wire)
    mood = client.of_label("You look happy")
    menu.show((text("You look sad"), line("Quit")))
    assert wire.take() == [
        ("ItemsPropertiesUpdated", ([(mood, {"label": ("s", "You look sad")})], []))
    ]


def test_a_new_line_leaves_the_others_their_numbers(menu: DbusMenu, wire: Wire) -> None:
    menu.show((line("Why?", children=(text("a"),)), line("Quit")))
    client = Client(menu, wire)
    before = client.of_label("Quit"), client.of_label("Why?")
    wire.take()
    menu.show((line("Why?", children=(text("a"), text("b"))), line("Undo"), line("Quit")))
    client.hear()
    assert (client.of_label("Quit"), client.of_label("Why?")) == before
    menu.show((line("Why?", children=(text("a"),)), line("Undo"), line("Quit")))
    (told,) = wire.take()
    assert told[0] == "LayoutUpdated"
    assert told[1][1] == before[1], "only below Why?"


def test_a_lost_check_mark_is_told_as_removed(menu: DbusMenu, wire: Wire) -> None:
    menu.show((line("Show preview", checked=True),))
    wire.take()
    menu.show((line("Show preview"),))
    ((member, body),) = wire.take()
    assert member == "ItemsPropertiesUpdated"
    assert body[0] == []
    assert sorted(body[1][0][1]) == ["toggle-state", "toggle-type"]


# --- under the hand


def test_an_open_menu_keeps_its_lines_and_what_they_do(menu: DbusMenu, wire: Wire) -> None:
    menu.show((text("You look happy"), line("Pause music"), line("Quit")))
    client = Client(menu, wire)
    pause, quits = client.of_label("Pause music"), client.of_label("Quit")
    menu.event(0, "opened", ("s", ""), 0)
    wire.take()
    menu.show((text("You look sad"), line("Resume music"), line("Help"), line("Quit")))
    assert wire.take() == [], "nothing moves"
    menu.show((text("You look sad"), line("Pause music"), line("Quit")))
    client.hear()
    assert client.of_label("You look sad"), "what is read may change"
    menu.show((text("You look sad"), line("Resume music"), line("Help"), line("Quit")))
    menu.event(quits, "clicked", ("s", ""), 0)
    assert CLICKED == ["Quit"]
    client.hear()
    assert [p["label"][1] for p in client.shown()] == [
        "You look sad", "Resume music", "Help", "Quit",
    ]  # fmt: skip
    menu.event(pause, "clicked", ("s", ""), 0)
    assert CLICKED == ["Quit", "Pause music"], "a late click does what its line said"


def test_a_line_of_an_open_menu_does_what_it_did_when_it_opened(menu: DbusMenu) -> None:
    done: list[str] = []
    menu.show((line("Undo", activate=lambda: done.append("first")),))
    undo = menu.get_layout(0, 1, [])[1][2][0][1][0]
    assert menu.about_to_show(0) == (False,)
    menu.show((line("Undo", activate=lambda: done.append("second")),))
    menu.event(undo, "clicked", ("s", ""), 0)
    menu.event(undo, "clicked", ("s", ""), 0)
    assert done == ["first", "second"]


def test_what_is_read_is_up_to_date_whatever_else_has_to_wait(menu: DbusMenu, wire: Wire) -> None:
    """A panel that never says that the menu closed makes room for the labels that it knows."""

    def shown(mood: str, sad: bool, *more: Entry) -> tuple[Entry, ...]:
        feelings = (line("I feel sad", checked=sad), *more)
        return text(mood), line("Undo", slot="undo"), line("Wrong mood?", children=feelings)

    menu.show(shown("You look happy", False))
    client = Client(menu, wire)
    menu.about_to_show_group([0])
    wire.take()
    menu.show(shown("You said you feel sad, until 04:38", True, line("Go by my face again")))
    assert [member for member, _ in wire.sent] == ["ItemsPropertiesUpdated"]
    client.hear()
    assert client.of_label("You said you feel sad, until 04:38")
    labels = [p["label"][1] for p in client.properties.values() if "label" in p]
    assert "Go by my face again" not in labels
    assert menu.about_to_show_group([0]) == ([0], [])
    client.hear()
    assert client.of_label("Go by my face again")


def test_a_line_with_a_slot_says_something_else_while_it_is_open(
    menu: DbusMenu, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("agent.desktop.tray.dbus_menu.time.monotonic", lambda: now[0])
    menu.show((line("Undo", enabled=False, slot="undo"), line("Quit")))
    client = Client(menu, wire)
    undo = client.of_label("Undo")
    menu.event(0, "opened", ("s", ""), 0)
    for label in ("Undo: back to A", "Undo: back to B"):
        now[0] += 10
        wire.take()
        menu.show((line(label, slot="undo"), line("Quit")))
        assert [member for member, _ in wire.sent] == ["ItemsPropertiesUpdated"]
        client.hear()
        assert client.of_label(label) == undo
    menu.event(undo, "clicked", ("s", ""), 0)
    assert CLICKED == ["Undo: back to A"], "the hand was on its way"
    now[0] += LATE
    menu.event(undo, "clicked", ("s", ""), 0)
    assert CLICKED[1:] == ["Undo: back to B"]


def test_a_menu_that_opens_again_is_up_to_date(menu: DbusMenu, wire: Wire) -> None:
    """Some panels never say that it closed."""
    menu.show((line("Pause music"),))
    menu.about_to_show_group([0])
    menu.show((line("Resume music"),))
    assert wire.take()[1:] == []
    assert menu.about_to_show_group([0, 77]) == ([0], [77])
    client = Client(menu, wire)
    assert client.of_label("Resume music")


def test_it_tells_that_it_is_about_to_be_shown(menu: DbusMenu) -> None:
    """Some panels ask before, some tell it, some do both; a submenu is no second look."""
    menu.show((line("Why?", children=(text("You look sad"),)),))
    told: list[str] = []
    menu.opened = lambda: told.append("opened")
    menu.about_to_show(0)
    assert told == ["opened"]
    menu.event(0, "closed", ("s", ""), 0)
    menu.event(0, "opened", ("s", ""), 0)
    assert told == ["opened"] * 2
    menu.about_to_show(1)
    menu.event(1, "opened", ("s", ""), 0)
    assert told == ["opened"] * 2


def test_what_waits_comes_by_itself(
    menu: DbusMenu, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    menu.show((line("Pause music"),))
    menu.about_to_show(0)
    for i in range(5):
        menu.show((line(f"Resume {i}"),))
    assert len(wire.later) == 1, "one timer for all"
    wire.take()
    wire.later.pop()()
    assert wire.take() == [], "it is still open"
    monkeypatch.setattr(dbus_menu, "OPEN_AT_MOST", -1.0)
    wire.later.pop()()
    assert [member for member, _ in wire.take()] == ["LayoutUpdated"]


# --- texts and mistakes


def test_texts_are_shown_letter_for_letter(menu: DbusMenu, wire: Wire) -> None:
    odd = "_File & <b>bold</b> \udcff\x00\x1b[1m שלום"
    menu.show((line(odd),))
    (properties,) = Client(menu, wire).shown()
    assert properties["label"] == ("s", "__File & <b>bold</b>    [1m שלום")


def test_forty_reasons_of_three_hundred_letters(menu: DbusMenu, wire: Wire) -> None:
    entries = tuple(text(f"{i} " + "w" * 300) for i in range(40))
    menu.show((line("Why?", children=entries),))
    assert Client(menu, wire).shown() == expected((line("Why?", children=entries),))


def test_questions_about_lines_that_are_not_there(menu: DbusMenu) -> None:
    menu.show((line("Quit"),))
    for ask in (
        lambda: menu.get_layout(99, -1, []),
        lambda: menu.get_property(99, "label"),
        lambda: menu.get_property(1, "colour"),
        lambda: menu.event(99, "clicked", ("s", ""), 0),
        lambda: menu.about_to_show(99),
        lambda: menu.event_group([(99, "clicked", ("s", ""), 0)]),
        lambda: menu.about_to_show_group([99]),
    ):
        with pytest.raises(BusError):
            ask()
    assert menu.get_group_properties([1, 99], ["label"]) == ([(1, {"label": ("s", "Quit")})],)
    assert menu.event_group([(99, "clicked", 0, 0), (1, "clicked", 0, 0)]) == ([99],)
    assert CLICKED == ["Quit"]


def test_a_layout_of_one_generation_and_some_properties(menu: DbusMenu) -> None:
    menu.show((line("Why?", children=(text("a"),)),))
    _, (number, properties, children) = menu.get_layout(0, 1, ["label"])
    assert (number, properties) == (0, {})
    assert children == [("(ia{sv}av)", (1, {"label": ("s", "Why?")}, []))]
    assert menu.get_layout(0, 0, [])[1][2] == []
    assert menu.get_property(1, "enabled") == (("b", True),), "the default"


# --- a copy kept by the signals alone is always the menu

LABELS = some.sampled_from(["a", "b", "c_d", "e"])
LINES = some.one_of(
    some.builds(text, LABELS),
    some.builds(lambda label, on: line(label, checked=on), LABELS, some.booleans()),
    some.builds(line, LABELS),
    some.just(Entry(separator=True)),
    some.builds(
        lambda label, below: line(label, children=tuple(text(t) for t in below)),
        LABELS,
        some.lists(LABELS, min_size=1, max_size=3),
    ),
)  # fmt: skip
MENUS = some.lists(LINES, max_size=6).map(tuple)
STEPS = some.lists(
    some.one_of(MENUS, some.sampled_from(["opened", "closed", "about", "click"])), max_size=12
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_a_panels_copy_is_the_menu(steps: list[tuple[Entry, ...] | str]) -> None:
    wire = Wire()
    menu = DbusMenu(wire, "/MenuBar")
    client = Client(menu, wire)
    wanted: tuple[Entry, ...] = ()
    everything: dict[int, str] = {}
    for step in steps:
        if isinstance(step, tuple):
            wanted = step
            places = dict(client.children)
            menu.show(step)
            client.hear()
            if menu.is_open:
                assert client.children == places, "an open menu stays as it is"
        elif step == "about":
            menu.about_to_show(0)
        elif step == "click":
            if client.children[0]:
                menu.event(client.children[0][-1], "clicked", ("s", ""), 0)
        else:
            menu.event(0, step, ("s", ""), 0)
        client.hear()
        for number, properties in client.properties.items():
            kind = properties.get("type", ("s", "line"))[1]
            assert everything.setdefault(number, kind) == kind, "a number has one meaning"
        if not menu.is_open:
            assert client.shown() == expected(wanted)
