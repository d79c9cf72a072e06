"""Fits pystray's icon in the menu bar of macOS."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from agent.desktop.icons.drawing import stencil
from agent.types import MoodState, Status

POINTS = 18
"""The side of a menu bar icon; the bar is 22 to 24 points high."""
SCALES = (1, 2)
"""Pixels a point: plain and Retina screens."""


def macos_icon(base: Any) -> Any:
    """Make the class from pystray's ``base``."""
    import AppKit
    import Foundation
    from PyObjCTools import AppHelper

    class MenuBarIcon(base):  # type: ignore[misc]
        look: Callable[[], tuple[Status, MoodState, bool]]
        _icon_image: Any

        def _assert_image(self) -> None:
            if self._icon_image:
                return
            status, mood, _ = self.look()
            side = (POINTS, POINTS)
            image = AppKit.NSImage.alloc().initWithSize_(side)
            for scale in SCALES:
                png = io.BytesIO()
                stencil(status, mood, POINTS * scale).save(png, "PNG")
                data = Foundation.NSData.dataWithBytes_length_(png.getvalue(), png.tell())
                picture = AppKit.NSBitmapImageRep.imageRepWithData_(data)
                picture.setSize_(side)  # in points: this is what makes it the sharp one
                image.addRepresentation_(picture)
            image.setTemplate_(True)  # the bar fills it: dark, light, or marked
            self._icon_image = image
            self._status_item.button().setImage_(image)

        def _run(self) -> None:
            # pystray's own run would end the whole process on Ctrl+C, past our clean end.
            self._app.setActivationPolicy_(AppKit.NSApplicationActivationPolicyAccessory)
            self._mark_ready()
            try:
                self._app.run()
            finally:
                self._status_bar.removeStatusItem_(self._status_item)

        def _stop(self) -> None:
            AppHelper.callAfter(super()._stop)

    return MenuBarIcon
