"""Text from outside -- names of files, tracks, devices -- made fit for a line that people read."""

from __future__ import annotations

import unicodedata

LIMIT = 200
_INSTEAD = "\N{REPLACEMENT CHARACTER}"
_JOINERS = "\u200c\u200d"  # within words of Persian, within emoji


def printable(text: str, limit: int = LIMIT) -> str:
    """Put the text on one line of at most ``limit`` characters, without control characters."""
    whole = len(text) <= limit
    shown = text if whole else text[: limit - 1]  # cut first: it may be of millions
    if not shown.isprintable():  # else it is harmless, in a hundredth of the time
        shown = "".join(character if is_harmless(character) else _INSTEAD for character in shown)
    return shown if whole else shown + "…"


def printable_lines(text: str) -> str:
    """Do the same with each line of a text, however long; tabs become blanks."""
    lines = text.replace("\t", "    ").split("\n")
    return "\n".join(printable(line, len(line) + 1) for line in lines)


def is_harmless(character: str) -> bool:
    """Tell whether it neither steers a terminal nor turns the direction of writing."""
    category = unicodedata.category(character)
    return character in _JOINERS or not (category[0] == "C" or category in ("Zl", "Zp"))
