"""The pen that draws icons: shapes in shares of the icon's side, y downwards, edges smoothed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from agent.desktop.palette import INK, PAPER, RGB

SUPERSAMPLING = 8
"""Each icon is drawn that many times larger and reduced, which smooths every edge."""

Point: TypeAlias = tuple[float, float]
WHITE: RGB = (255, 255, 255)


class Pen:
    """Draws round strokes and shapes in shares of the icon's side."""

    def __init__(self, size: int) -> None:
        self.side = size * SUPERSAMPLING
        self.image = Image.new("RGBA", (self.side, self.side), (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)
        # Thin strokes vanish on small icons: never thinner than about one and a half pixels.
        self.thinnest = 1.45 / size

    def disc(self, x: float, y: float, radius: float, colour: RGB) -> None:
        """Fill a disc."""
        self.oval(x, y, radius, radius, colour)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: RGB) -> None:
        """Fill an ellipse."""
        box = [v * self.side for v in (x - rx, y - ry, x + rx, y + ry)]
        self.draw.ellipse(box, fill=colour)

    def stroke(self, points: Sequence[Point], width: float, colour: RGB) -> None:
        """Draw a line with round ends and joints."""
        width = max(width, self.thinnest)
        scaled = [(x * self.side, y * self.side) for x, y in points]
        self.draw.line(scaled, fill=colour, width=round(width * self.side), joint="curve")
        for x, y in points:
            self.disc(x, y, width / 2, colour)

    def arc(
        self, x: float, y: float, rx: float, ry: float, start: float, end: float,
        width: float, colour: RGB,
    ) -> None:  # fmt: skip
        """Draw part of an ellipse; degrees, clockwise from three o'clock."""
        steps = 40
        angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
        self.stroke([(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles], width, colour)

    def polygon(self, points: Sequence[Point], colour: RGB) -> None:
        """Fill a polygon."""
        self.draw.polygon([(x * self.side, y * self.side) for x, y in points], fill=colour)

    def box(
        self, left: float, top: float, right: float, bottom: float, radius: float, colour: RGB
    ) -> None:
        """Fill a box with round corners."""
        self.draw.rounded_rectangle(
            [v * self.side for v in (left, top, right, bottom)], radius * self.side, fill=colour
        )

    def erase(self, points: Sequence[Point], width: float) -> None:
        """Cut a round stroke out of what is there."""
        hole = Pen(self.side // SUPERSAMPLING)
        hole.stroke(points, width, WHITE)
        self.cut(hole)

    def cut(self, hole: Pen) -> None:
        """Take away what ``hole`` has drawn."""
        kept = ImageChops.subtract(self.image.getchannel("A"), hole.image.getchannel("A"))
        self.image.putalpha(kept)

    def eye(self, x: float, y: float, radius: float, pupil: tuple[float, float]) -> None:
        """Draw a white eye; ``pupil``: (how far it looks down, its radius)."""
        self.disc(x, y, radius, PAPER)
        self.disc(x, y + pupil[0], pupil[1], INK)

    def with_halo(self, colour: RGB, width: float) -> None:
        """Make what is there smaller and put a seam of ``colour`` around it, ``width`` wide."""
        seam = max(width, self.thinnest * 0.55) * self.side
        inner = round(self.side - 2 * seam)
        canvas = Image.new("RGBA", (self.side, self.side), (0, 0, 0, 0))
        small = self.image.resize((inner, inner), Image.Resampling.BILINEAR)
        canvas.paste(small, (round(seam), round(seam)))
        shape = canvas.getchannel("A")
        # A blurred edge is half as dark at the edge: far out, where little is left, the seam ends.
        spread = shape.filter(ImageFilter.GaussianBlur(seam * 0.6)).point(_harden)
        whole = Image.new("RGBA", canvas.size, (*colour, 0))
        whole.putalpha(spread)
        whole.alpha_composite(canvas)
        self.image = whole
        self.draw = ImageDraw.Draw(self.image)

    def finish(self) -> Image.Image:
        """Return the picture at its final size."""
        size = self.side // SUPERSAMPLING
        return self.image.resize((size, size), Image.Resampling.BOX)


def _harden(alpha: int) -> int:
    return min(255, alpha * 12)


class Punch(Pen):
    """Draws what is to be cut out of a shape of one colour: an eye leaves its pupil standing."""

    def eye(self, x: float, y: float, radius: float, pupil: tuple[float, float]) -> None:
        """Cut out an eye, its pupil left standing."""
        self.disc(x, y, radius * 1.12, PAPER)
        iris = Pen(self.side // SUPERSAMPLING)
        iris.disc(x, y + pupil[0], pupil[1], INK)
        self.cut(iris)
