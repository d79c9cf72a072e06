"""Make what the program needs before it is built or installed (hatchling's build hook).

The translations are compiled; the face finder's weights are fetched, where that can be done.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class MakeFiles(BuildHookInterface):  # type: ignore[type-arg]
    """See ``translations.py`` and ``fetch_finder.py`` beside this file.

    Without the network the program is built all the same, and finds faces with OpenCV alone.
    """

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make both before files are collected."""
        sys.path.insert(0, str(Path(self.root) / ".make"))
        try:
            import fetch_finder
            import translations
        finally:
            sys.path.pop(0)
        translations.compile_all()
        # An isolated build has no pip of its own; the Python that it was made from has.
        base = getattr(sys, "_base_executable", sys.executable)
        any(fetch_finder.fetch(fetch_finder.MODELS, python) for python in {sys.executable, base})
