"""TOML that anybody may have written: bounded before it is read."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from agent.translation import N_, _

SIZE_LIMIT = 200_000
"""Bytes of a settings file; the commented default has 6,000. A megabyte of
mistakes takes ten seconds."""
TOO_LARGE = N_("a number in it is too large to be meant")
NESTED = N_("it is nested hundreds deep")
TOO_DEEP = N_("a name in it has more than {most} parts")
MOST_DEEP = 20
"""Lists and sections within each other; ours are two."""
MOST_PARTS = 4
"""Of a name with dots; ours have two. Python keeps every beginning of such a name: a hundred
thousand parts take 40 GB."""
MOST_DOTS = 300
"""Of all names and numbers; ours have some ten. Who rewrites a file takes time by their square."""
TOO_MANY = N_("it has more than {most} dots in its names and numbers")
# A text, which may hold anything, or a comment. A long one may end in five quotes, of which two are
# its own. One without its end goes on to where it must end: what matches always is looked at once.
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"{3,5}|\\?\Z)'
    r"|'''.*?(?:'{3,5}|\Z)"
    r'|"(?:\\[^\n]|[^"\\\n])*"?'
    r"|'[^'\n]*'?"
    r"|#[^\n]*",
    re.DOTALL,
)
_PARTS = re.compile(rf"(?<![\w-])(?:[\w-]+[ \t]*\.[ \t]*){{{MOST_PARTS}}}", re.ASCII)


def load_toml(text: str) -> dict[str, Any]:
    """Read TOML, whose whole numbers have 64 bits.

    Raises ValueError, and RecursionError for what is nested deeper than MOST_DEEP: what looks at it
    next may bear less than what has read it.
    """
    bare = _TEXT.sub("x", text)
    if _PARTS.search(bare):
        raise ValueError(_(TOO_DEEP).format(most=MOST_PARTS))
    if bare.count(".") > MOST_DOTS:
        raise ValueError(_(TOO_MANY).format(most=MOST_DOTS))
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:
        if "digits" not in str(error):  # Python reads no more than some thousand of them
            raise
        raise ValueError(_(TOO_LARGE)) from error
    if not _fits(values):
        raise ValueError(_(TOO_LARGE))
    return values


def section_of(line: str) -> str | None:
    """Return the name of the section that a line begins, blanks around it left out; None: none.

    No regular expression: it would try each blank of a long row with all others.
    """
    if "[" not in line:
        return None
    begun, _opened, rest = line.partition("[")
    name, closed, after = rest.partition("]")
    name, after = name.strip(), after.strip()
    if begun.strip() or not (closed and name) or "[" in name:
        return None
    return name if not after or after.startswith("#") else None


def _fits(value: object, depth: int = 0) -> bool:
    """Tell whether all numbers have 64 bits. Raises RecursionError."""
    if isinstance(value, dict | list):
        if depth > MOST_DEEP:
            raise RecursionError(_(NESTED))
        inner = value.values() if isinstance(value, dict) else value
        return all(_fits(one, depth + 1) for one in inner)
    return not isinstance(value, int) or -(2**63) <= value < 2**63
