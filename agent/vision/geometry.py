"""Boxes against boxes."""

from __future__ import annotations

from agent.types import Box


def overlap(a: Box, b: Box) -> float:
    """Compute intersection over union, 0..1."""
    both = shared(a, b)
    return both / (a.area + b.area - both)


def shared(a: Box, b: Box) -> int:
    """Count the pixels that lie in both."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return max(0, width) * max(0, height)
