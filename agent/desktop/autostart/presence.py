"""Tells whether all that a command needs is still where it names it."""

from __future__ import annotations

import ast
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

_CHECKOUT = re.compile(r"sys\.path\.insert\(0, ('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")\)")
"""The folder in the code that starts a checkout (agent.desktop.autostart.command)."""
_LONG_SHEBANG = re.compile(r"""'''exec' "?(/[^"]+?)"? "\$0\"""")
"""How pip writes an interpreter whose path is long or has blanks: a shell starts it."""


def missing_part(command: Sequence[str]) -> str | None:
    """Find the first path of ``command`` that is not there, so that nothing would start.

    Milliseconds; never raises.
    """
    if not command:
        return ""
    program = shutil.which(command[0])  # a file that may be run; a bare name by the search path
    if program is None:
        return command[0]
    interpreter = _interpreter(Path(program))
    if interpreter is not None and not os.path.exists(interpreter):
        return interpreter
    if len(command) > 2 and command[1] == "-c":
        folder = _checkout(command[2])
        if folder is not None and not os.path.exists(os.path.join(folder, "agent", "__main__.py")):
            return folder
    return None


def place(command: Sequence[str]) -> str:
    """Tell people where the program of a command lies: its checkout, or its file."""
    folder = _checkout(command[2]) if len(command) > 2 and command[1] == "-c" else None
    return folder or command[0]


def _interpreter(script: Path) -> str | None:
    """Find what runs a script, by its first lines; None: it is none, or cannot be read."""
    try:
        with script.open("rb") as file:
            if file.read(2) != b"#!":
                return None
            first = os.fsdecode(file.readline()).strip()
            second = os.fsdecode(file.readline())
    except OSError:
        return None
    called = _LONG_SHEBANG.match(second)
    if called is not None:
        return called.group(1)
    words = first.split(maxsplit=1)
    return words[0] if words else None


def _checkout(code: str) -> str | None:
    named = _CHECKOUT.search(code)
    return str(ast.literal_eval(named.group(1))) if named is not None else None
