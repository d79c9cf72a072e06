"""Processes of this very program: the preview's window, the About window."""

from __future__ import annotations

import multiprocessing
import sys
from functools import cache
from multiprocessing import util
from multiprocessing.context import SpawnContext


@cache
def own_children() -> SpawnContext:
    """Return what starts them: a new interpreter each, on every system.

    Forking a process with threads and X is no option. To be asked for before memory is shared,
    too: multiprocessing starts a process that cleans up after it.

    None takes a module from the folder that the program was started in, where another user may have
    put one: ``python -c`` searches that folder first, but with ``-P``. It is told to our children
    alone. The variable PYTHONSAFEPATH would reach all that is started from here, such as an editor
    in whose terminal somebody then runs a script of theirs. The frozen program searches no folder
    but its own, and knows its children by their options.
    """
    if getattr(sys, "frozen", False):
        return multiprocessing.get_context("spawn")
    # The function is multiprocessing's own, but the one way in to the options of both kinds of
    # children: there is no public one.
    of_python = util._args_from_interpreter_flags  # type: ignore[attr-defined]
    util._args_from_interpreter_flags = lambda: ["-P", *of_python()]  # type: ignore[attr-defined]
    return multiprocessing.get_context("spawn")
