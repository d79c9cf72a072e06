"""The interfaces of tray icons as their specifications name them, and the check of calls and
signals against them. (StatusNotifierItem 0.1 as panels speak it, com.canonical.dbusmenu 3.)"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
WATCHER = "org.kde.StatusNotifierWatcher"

ITEM_XML = """
<interface name="org.kde.StatusNotifierItem">
  <property name="Category" type="s" access="read"/>
  <property name="Id" type="s" access="read"/>
  <property name="Title" type="s" access="read"/>
  <property name="Status" type="s" access="read"/>
  <property name="WindowId" type="i" access="read"/>
  <property name="IconThemePath" type="s" access="read"/>
  <property name="IconName" type="s" access="read"/>
  <property name="IconPixmap" type="a(iiay)" access="read"/>
  <property name="OverlayIconName" type="s" access="read"/>
  <property name="OverlayIconPixmap" type="a(iiay)" access="read"/>
  <property name="AttentionIconName" type="s" access="read"/>
  <property name="AttentionIconPixmap" type="a(iiay)" access="read"/>
  <property name="AttentionMovieName" type="s" access="read"/>
  <property name="ToolTip" type="(sa(iiay)ss)" access="read"/>
  <property name="ItemIsMenu" type="b" access="read"/>
  <property name="Menu" type="o" access="read"/>
  <method name="ContextMenu"><arg type="i" direction="in"/><arg type="i" direction="in"/></method>
  <method name="Activate"><arg type="i" direction="in"/><arg type="i" direction="in"/></method>
  <method name="SecondaryActivate">
    <arg type="i" direction="in"/><arg type="i" direction="in"/>
  </method>
  <method name="Scroll"><arg type="i" direction="in"/><arg type="s" direction="in"/></method>
  <signal name="NewTitle"/>
  <signal name="NewIcon"/>
  <signal name="NewAttentionIcon"/>
  <signal name="NewOverlayIcon"/>
  <signal name="NewToolTip"/>
  <signal name="NewStatus"><arg type="s"/></signal>
</interface>
"""

MENU_XML = """
<interface name="com.canonical.dbusmenu">
  <property name="Version" type="u" access="read"/>
  <property name="TextDirection" type="s" access="read"/>
  <property name="Status" type="s" access="read"/>
  <property name="IconThemePath" type="as" access="read"/>
  <method name="GetLayout">
    <arg type="i" direction="in"/><arg type="i" direction="in"/><arg type="as" direction="in"/>
    <arg type="u" direction="out"/><arg type="(ia{sv}av)" direction="out"/>
  </method>
  <method name="GetGroupProperties">
    <arg type="ai" direction="in"/><arg type="as" direction="in"/>
    <arg type="a(ia{sv})" direction="out"/>
  </method>
  <method name="GetProperty">
    <arg type="i" direction="in"/><arg type="s" direction="in"/><arg type="v" direction="out"/>
  </method>
  <method name="Event">
    <arg type="i" direction="in"/><arg type="s" direction="in"/>
    <arg type="v" direction="in"/><arg type="u" direction="in"/>
  </method>
  <method name="EventGroup">
    <arg type="a(isvu)" direction="in"/><arg type="ai" direction="out"/>
  </method>
  <method name="AboutToShow"><arg type="i" direction="in"/><arg type="b" direction="out"/></method>
  <method name="AboutToShowGroup">
    <arg type="ai" direction="in"/><arg type="ai" direction="out"/><arg type="ai" direction="out"/>
  </method>
  <signal name="ItemsPropertiesUpdated"><arg type="a(ia{sv})"/><arg type="a(ias)"/></signal>
  <signal name="LayoutUpdated"><arg type="u"/><arg type="i"/></signal>
  <signal name="ItemActivationRequested"><arg type="i"/><arg type="u"/></signal>
</interface>
"""

STATUSES = ("Passive", "Active", "NeedsAttention")
CATEGORIES = ("ApplicationStatus", "Communications", "SystemServices", "Hardware")
PROPERTY_TYPES = {
    "type": "s",
    "label": "s",
    "enabled": "b",
    "visible": "b",
    "icon-name": "s",
    "icon-data": "ay",
    "shortcut": "aas",
    "toggle-type": "s",
    "toggle-state": "i",
    "children-display": "s",
    "disposition": "s",
}
"""Of a menu's line."""


class Specification:
    """One interface's signatures."""

    def __init__(self, xml: str | ElementTree.Element) -> None:
        root = ElementTree.fromstring(xml) if isinstance(xml, str) else xml
        self.name = root.get("name")
        self.methods = {
            str(method.get("name")): (_joined(method, "in"), _joined(method, "out"))
            for method in root.findall("method")
        }
        self.signals = {
            str(signal.get("name")): _joined(signal, None) for signal in root.findall("signal")
        }
        self.properties = {
            str(found.get("name")): (found.get("type"), found.get("access"))
            for found in root.findall("property")
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Specification) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


def _joined(member: ElementTree.Element, direction: str | None) -> str:
    found = [arg for arg in member.findall("arg") if arg.get("direction") in (direction, None)]
    return "".join(str(arg.get("type")) for arg in found)


SPECIFICATIONS = {ITEM: Specification(ITEM_XML), MENU: Specification(MENU_XML)}


def introspected(xml: str) -> Iterator[Specification]:
    """The interfaces that an object says it has."""
    for interface in ElementTree.fromstring(xml).findall("interface"):
        yield Specification(interface)
