"""Text from outside -- names of files, tracks, devices -- made fit for a line that people read."""

from __future__ import annotations

import unicodedata

LIMIT = 200
_INSTEAD = "\N{REPLACEMENT CHARACTER}"
_JOINERS = "\u200c\u200d"  # within words of Persian, within emoji


def printable(text: str, limit: int = LIMIT) -> str:
    """Put the text on one line of at most ``limit`` characters, without control characters."""
    shown = "".join(character if _harmless(character) else _INSTEAD for character in text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _harmless(character: str) -> bool:
    category = unicodedata.category(character)
    return character in _JOINERS or not (category[0] == "C" or category in ("Zl", "Zp"))
