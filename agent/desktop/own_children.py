"""Processes of this very program: the preview's window, the About window."""

from __future__ import annotations

import importlib
import multiprocessing
import sys
from functools import cache
from multiprocessing import util
from multiprocessing.context import SpawnContext


def own_children() -> SpawnContext:
    """Return what starts them: a new interpreter each, on every system.

    To be asked for each time. They get the list of places for modules, and the environment, as it
    is then, and while OpenCV is loaded in another thread its folder stands first there, with a
    module "typing", and libraries are looked for elsewhere.
    """
    if "agent.opencv" in sys.modules:  # where it is loaded, and its traces are removed
        importlib.import_module("agent.opencv")  # waits for the end of it, if it is under way
    return _context()


@cache
def _context() -> SpawnContext:
    """Prepare what starts them.

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
