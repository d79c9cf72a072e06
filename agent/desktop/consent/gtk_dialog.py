"""The consent question as a GTK window. Runs in a process of its own; see consent_dialog."""

from __future__ import annotations

import html
from multiprocessing.connection import Connection
from typing import Any

WIDTH = 460
"""Pixels of the text's lines: some 65 letters, comfortable to read."""


def answer_into(pipe: Connection, question: str, text: str, allow: str, not_now: str) -> None:
    """Show the window, send True or False into ``pipe``; None when there can be no window.

    Ends by itself when the other end of the pipe goes: no agent, no question.
    """
    pipe.send(_ask(pipe, question, text, allow, not_now))
    pipe.close()


def _ask(pipe: Connection, question: str, text: str, allow: str, not_now: str) -> bool | None:
    import gi

    try:
        gi.require_version("Gtk", "3.0")
        from gi.repository import GLib, Gtk
    except (ValueError, ImportError):
        return None
    if not Gtk.init_check(None)[0]:
        return None
    window = Gtk.Dialog(title=question)
    window.set_icon_name("moodtray")
    window.set_resizable(False)
    window.set_position(Gtk.WindowPosition.CENTER)
    window.set_keep_above(True)
    window.add_button(not_now, Gtk.ResponseType.NO)
    window.add_button(allow, Gtk.ResponseType.YES).get_style_context().add_class("suggested-action")
    window.get_action_area().set_property("margin", 12)
    window.get_content_area().pack_start(_body(Gtk, question, text), True, True, 0)
    window.show_all()
    # The agent never writes: anything here means that it is gone.
    GLib.io_add_watch(pipe.fileno(), GLib.IO_HUP | GLib.IO_ERR, lambda *_: window.response(0))
    allowed: bool = window.run() == Gtk.ResponseType.YES
    window.destroy()
    return allowed


def _body(toolkit: Any, question: str, text: str) -> Any:
    box = toolkit.Box(orientation=toolkit.Orientation.HORIZONTAL, spacing=18)
    box.set_property("margin", 18)
    icon = toolkit.Image.new_from_icon_name("camera-web", toolkit.IconSize.DIALOG)
    icon.set_valign(toolkit.Align.START)
    box.pack_start(icon, False, False, 0)
    words = toolkit.Box(orientation=toolkit.Orientation.VERTICAL, spacing=12)
    heading = toolkit.Label(xalign=0.0)
    heading.set_markup(f"<big><b>{html.escape(question)}</b></big>")
    words.pack_start(heading, False, False, 0)
    for paragraph in text.splitlines():
        if paragraph:
            label = toolkit.Label(label=paragraph, xalign=0.0, wrap=True)
            label.set_max_width_chars(1)
            label.set_size_request(WIDTH, -1)
            words.pack_start(label, False, False, 0)
    box.pack_start(words, True, True, 0)
    return box
