"""The tray's menu as panels read it over D-Bus: the interface com.canonical.dbusmenu.

Panels keep a copy of the menu and are told what changed. A line keeps its number for as long as it
stands, numbers are never given twice, and a menu that is open under the user's hand changes only
in lines that are read or have a slot: what would move a line, or change what another's click does,
waits until it closes. Xfce's panel does not say that it has closed, and GTK makes no room for words
that come as late as with the next opening: Undo, which names a playlist, has a slot therefore.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import Any, Protocol, TypeAlias

from agent.desktop.dbus_server import INVALID, BusError, Interface, Method, Property, bus_text

log = logging.getLogger(__name__)

NAME = "com.canonical.dbusmenu"
VERSION = 3
"""Of the interface, as today's panels speak it."""
OPEN_AT_MOST = 30.0
"""Seconds after which a menu counts as closed whose panel does not say so (Xfce's and waybar's
tell that it opens, and of clicks). What waited until then is read when it opens again, which GTK
does not always find the room for."""
LATE = 0.5
"""Seconds for which a click on a line of a slot does what stood there before it changed."""
REMEMBERED = 256
"""Lines that went, whose late clicks still do what they said."""

Properties: TypeAlias = dict[str, tuple[str, Any]]
"""Name -> (signature, value): what differs from the interface's defaults."""


class Server(Protocol):
    """What the menu needs of :class:`agent.desktop.dbus_server.BusServer`."""

    def emit(self, path: str, interface: str, member: str, *body: Any) -> None:
        """Send a signal of the interface at ``path``."""
        ...

    def call_later(self, seconds: float, work: Callable[[], None]) -> None:
        """Have ``work`` done in so many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.

    ``checked`` None: no check mark. ``text``: a line to read, whose words may change while the menu
    is open; a click on it means the same whatever it says. ``slot``: lines of one slot are one
    line, whose words may change as well; a click that comes at once means what stood there before.
    """

    label: str = ""
    enabled: bool = True
    checked: bool | None = None
    radio: bool = False
    separator: bool = False
    children: tuple[Entry, ...] = ()
    text: bool = False
    slot: str = ""
    activate: Callable[[], None] | None = field(default=None, compare=False)

    @property
    def key(self) -> tuple[str, str]:
        """Lines of one key are one line whose other properties changed."""
        if self.slot:
            return "slot", self.slot
        if self.separator:
            return "separator", ""
        if self.text:
            return "text", ""
        return "submenu" if self.children else "action", self.label


class _Node:
    __slots__ = ("_before", "_changed_at", "children", "entry", "id")

    def __init__(self, number: int, entry: Entry) -> None:
        self.id = number
        self.entry = self._before = entry
        self._changed_at = 0.0
        self.children: list[_Node] = []

    def become(self, entry: Entry) -> None:
        """Show another line; see :data:`LATE`."""
        if not _same_click(self.entry, entry):
            self._before, self._changed_at = self.entry, time.monotonic()
        self.entry = entry

    @property
    def clicked(self) -> Entry:
        """The line that a click of now means."""
        late = bool(self.entry.slot) and time.monotonic() - self._changed_at < LATE
        return self._before if late else self.entry


@dataclass(slots=True)
class _Changes:
    """What panels are to be told. ``moved``: lines whose own lines came, went or changed places."""

    moved: list[int] = field(default_factory=list)
    updated: list[tuple[int, Properties]] = field(default_factory=list)
    removed: list[tuple[int, list[str]]] = field(default_factory=list)

    def note(self, number: int, then: Properties, now: Properties) -> None:
        changed = {name: value for name, value in now.items() if value != then.get(name)}
        lost = [name for name in then if name not in now]
        self.updated += [(number, changed)] if changed else []
        self.removed += [(number, lost)] if lost else []


class DbusMenu:
    """Everything in the server's thread. ``path`` is where :attr:`interface` is exported."""

    def __init__(self, server: Server, path: str) -> None:
        self.path = path
        self.opened: Callable[[], None] | None = None
        """Called when a panel is about to show the menu."""
        self._server = server
        self._numbers = itertools.count(1)
        self._root = _Node(0, Entry(children=()))
        self._nodes: dict[int, _Node] = {0: self._root}
        self._gone: OrderedDict[int, Entry] = OrderedDict()
        self._revision = 1
        self._waiting: tuple[Entry, ...] | None = None
        self._open: set[int] = set()
        self._opened_at = 0.0
        self._timer_runs = False
        self.interface = _interface(self)

    @property
    def is_open(self) -> bool:
        """Whether some panel shows the menu, as far as it says."""
        return bool(self._open) and time.monotonic() - self._opened_at < OPEN_AT_MOST

    def show(self, entries: tuple[Entry, ...]) -> None:
        """Have the menu show these lines.

        While it is open only those change that are read; the rest follows when it closes.
        """
        if self.is_open:
            self._waiting = entries
            self._replace(self._bridge(self._root, entries), keep_clicks=True)
            self._settle_later()
        else:
            self._waiting = None
            self._replace(entries, keep_clicks=False)

    # -- the interface's methods

    def get_layout(
        self, parent: int, depth: int, names: list[str]
    ) -> tuple[int, tuple[int, Properties, list[tuple[str, Any]]]]:
        """Answer GetLayout."""
        node = self._node(parent)
        return self._revision, _layout(node, depth, set(names))

    def get_group_properties(
        self, ids: list[int], names: list[str]
    ) -> tuple[list[tuple[int, Properties]]]:
        """Answer GetGroupProperties."""
        asked = dict.fromkeys(ids)  # each once: the answer is a hundred times the question
        wanted = (
            [self._nodes[i] for i in asked if i in self._nodes] if ids else [*self._nodes.values()]
        )
        chosen = set(names)
        return ([(node.id, _chosen(_properties(node.entry, node.id), chosen)) for node in wanted],)

    def get_property(self, number: int, name: str) -> tuple[tuple[str, Any]]:
        """Answer GetProperty."""
        node = self._node(number)
        found = _properties(node.entry, node.id).get(name, _DEFAULTS.get(name))
        if found is None:
            raise BusError(INVALID, f"The menu's line {number} has no property {name}.")
        return (found,)

    def event(self, number: int, kind: str, _data: Any, _time: int) -> tuple[()]:
        """Answer Event: a click, or that a menu was opened or closed."""
        if not self._event(number, kind):
            raise BusError(INVALID, f"The menu has no line {number}.")
        return ()

    def event_group(self, events: list[tuple[int, str, Any, int]]) -> tuple[list[int]]:
        """Answer EventGroup."""
        unknown = [number for number, kind, _, _ in events if not self._event(number, kind)]
        if events and len(unknown) == len(events):
            raise BusError(INVALID, "The menu has none of these lines.")
        return (unknown,)

    def about_to_show(self, number: int) -> tuple[bool]:
        """Answer AboutToShow."""
        self._node(number)
        return (self._about_to_show(number),)

    def about_to_show_group(self, ids: list[int]) -> tuple[list[int], list[int]]:
        """Answer AboutToShowGroup."""
        known = [number for number in ids if number in self._nodes]
        if ids and not known:
            raise BusError(INVALID, "The menu has none of these lines.")
        changed = [number for number in known if self._about_to_show(number)]
        return changed, [number for number in ids if number not in known]

    # -- inside

    def _node(self, number: int) -> _Node:
        if number not in self._nodes:
            raise BusError(INVALID, f"The menu has no line {number}.")
        return self._nodes[number]

    def _about_to_show(self, number: int) -> bool:
        """Tell whether the panel should read the menu again: it opens, so what waited may come."""
        if number != 0:
            return False
        changed = self._waiting is not None
        self._open.clear()
        self._settle()
        self._note_open(0)
        return changed

    def _note_open(self, number: int) -> None:
        if number == 0 and self.opened is not None:
            self.opened()
        self._open.add(number)
        self._opened_at = time.monotonic()

    def _event(self, number: int, kind: str) -> bool:
        node = self._nodes.get(number)
        entry = node.clicked if node else self._gone.get(number)
        if entry is None:
            return False
        if kind == "opened":
            self._note_open(number)
        elif kind == "closed":
            self._open.discard(number)
            if number == 0:  # with the menu go its submenus
                self._open.clear()
            self._settle()
        elif kind == "clicked":
            # Panels close a menu at a click; one that keeps it open says so by what follows.
            self._open.clear()
            if entry.enabled and entry.activate is not None:
                entry.activate()
            self._settle()
        return True

    def _settle(self) -> None:
        """Show what waited, unless the menu is still open."""
        if self._waiting is None:
            return
        if self.is_open:
            self._settle_later()
        else:
            entries, self._waiting = self._waiting, None
            self._replace(entries, keep_clicks=False)

    def _settle_later(self) -> None:
        def settle() -> None:
            self._timer_runs = False
            self._settle()

        if not self._timer_runs:
            self._timer_runs = True
            self._server.call_later(OPEN_AT_MOST, settle)

    def _bridge(self, node: _Node, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """Return these lines as far as they change what is read alone; the rest as it stands."""
        if [child.entry.key for child in node.children] != [entry.key for entry in entries]:
            return _present(node)
        shown: list[Entry] = []
        for child, entry in zip(node.children, entries, strict=True):
            readable = bool(entry.text or entry.slot) or _same_click(child.entry, entry)
            below = self._bridge(child, entry.children)
            shown.append(replace(entry if readable else child.entry, children=below))
        return tuple(shown)

    def _replace(self, entries: tuple[Entry, ...], *, keep_clicks: bool) -> None:
        """Replace the lines; ``keep_clicks``: those that stay keep what a click does."""
        changes = _Changes()
        self._merge(self._root, entries, changes, keep_clicks)
        if changes.updated or changes.removed:
            body = changes.updated, changes.removed
            self._server.emit(self.path, NAME, "ItemsPropertiesUpdated", *body)
        if changes.moved:
            self._revision += 1
            parent = changes.moved[0] if len(changes.moved) == 1 else 0
            self._server.emit(self.path, NAME, "LayoutUpdated", self._revision, parent)

    def _merge(
        self, node: _Node, entries: tuple[Entry, ...], changes: _Changes, keep_clicks: bool
    ) -> None:
        before = {child.id: child for child in node.children}
        children = list(self._matched(node, entries))
        for child, entry in children:
            if child.id in before:
                changes.note(
                    child.id, _properties(child.entry, child.id), _properties(entry, child.id)
                )
            if child.id not in before or entry.text or entry.slot or not keep_clicks:
                child.become(entry)
        node.children = [child for child, _ in children]
        after = [child.id for child in node.children]
        if after != list(before):
            changes.moved.append(node.id)
        for number in before.keys() - set(after):
            self._forget(before[number])
        for child, entry in children:
            known = child.id in before  # what lies below a new line is no change of its own
            self._merge(child, entry.children, changes if known else _Changes(), keep_clicks)

    def _matched(self, node: _Node, entries: tuple[Entry, ...]) -> Iterator[tuple[_Node, Entry]]:
        """Match each line with its node: the one that stood for it, or a new one."""
        then = [child.entry.key for child in node.children]
        now = [entry.key for entry in entries]
        matcher = SequenceMatcher(None, then, now, autojunk=False)
        known = {
            new + i: node.children[old + i]
            for old, new, size in matcher.get_matching_blocks()
            for i in range(size)
        }
        for place, entry in enumerate(entries):
            child = known.get(place)
            if child is None:
                child = _Node(next(self._numbers), entry)
                self._nodes[child.id] = child
            yield child, entry

    def _forget(self, node: _Node) -> None:
        del self._nodes[node.id]
        self._gone[node.id] = node.entry
        while len(self._gone) > REMEMBERED:
            self._gone.popitem(last=False)
        for child in node.children:
            self._forget(child)


def _present(node: _Node) -> tuple[Entry, ...]:
    """Return the lines below, as they stand."""
    return tuple(replace(child.entry, children=_present(child)) for child in node.children)


def _same_click(one: Entry, other: Entry) -> bool:
    return (one.label, one.enabled, one.checked, one.radio) == (
        other.label, other.enabled, other.checked, other.radio,
    )  # fmt: skip


_DEFAULTS: Properties = {
    "type": ("s", "standard"),
    "label": ("s", ""),
    "enabled": ("b", True),
    "visible": ("b", True),
    "icon-name": ("s", ""),
    "icon-data": ("ay", b""),
    "shortcut": ("aas", []),
    "toggle-type": ("s", ""),
    "toggle-state": ("i", -1),
    "children-display": ("s", ""),
    "disposition": ("s", "normal"),
}


def _properties(entry: Entry, number: int) -> Properties:
    """Return what differs from the defaults."""
    if number == 0:
        return {"children-display": ("s", "submenu")}
    if entry.separator:
        return {"type": ("s", "separator")}
    # A single underscore would mark the letter after it as a key to press.
    found: Properties = {"label": ("s", bus_text(entry.label).replace("_", "__"))}
    if not entry.enabled:
        found["enabled"] = ("b", False)
    if entry.checked is not None:
        found["toggle-type"] = ("s", "radio" if entry.radio else "checkmark")
        found["toggle-state"] = ("i", int(entry.checked))
    if entry.children:
        found["children-display"] = ("s", "submenu")
    return found


def _chosen(properties: Properties, names: set[str]) -> Properties:
    return {n: v for n, v in properties.items() if n in names} if names else properties


def _layout(
    node: _Node, depth: int, names: set[str]
) -> tuple[int, Properties, list[tuple[str, Any]]]:
    """Describe a line and those below, ``depth`` generations; -1: all."""
    below = [] if depth == 0 else node.children
    children = [
        ("(ia{sv}av)", _layout(child, depth - 1 if depth > 0 else -1, names)) for child in below
    ]
    return node.id, _chosen(_properties(node.entry, node.id), names), children


def _interface(menu: DbusMenu) -> Interface:
    item, items = "(ia{sv}av)", "a(ia{sv})"
    return Interface(
        NAME,
        {
            "GetLayout": Method(
                menu.get_layout,
                (("parentId", "i"), ("recursionDepth", "i"), ("propertyNames", "as")),
                (("revision", "u"), ("layout", item)),
            ),
            "GetGroupProperties": Method(
                menu.get_group_properties,
                (("ids", "ai"), ("propertyNames", "as")),
                (("properties", items),),
            ),
            "GetProperty": Method(
                menu.get_property, (("id", "i"), ("name", "s")), (("value", "v"),)
            ),
            "Event": Method(
                menu.event, (("id", "i"), ("eventId", "s"), ("data", "v"), ("timestamp", "u"))
            ),
            "EventGroup": Method(menu.event_group, (("events", "a(isvu)"),), (("idErrors", "ai"),)),
            "AboutToShow": Method(menu.about_to_show, (("id", "i"),), (("needUpdate", "b"),)),
            "AboutToShowGroup": Method(
                menu.about_to_show_group,
                (("ids", "ai"),),
                (("updatesNeeded", "ai"), ("idErrors", "ai")),
            ),
        },
        {
            "Version": Property("u", lambda: VERSION),
            "TextDirection": Property("s", lambda: "ltr"),
            "Status": Property("s", lambda: "normal"),
            "IconThemePath": Property("as", list),
        },
        {
            "ItemsPropertiesUpdated": (("updatedProps", items), ("removedProps", "a(ias)")),
            "LayoutUpdated": (("revision", "u"), ("parent", "i")),
            "ItemActivationRequested": (("id", "i"), ("timestamp", "u")),
        },
    )
