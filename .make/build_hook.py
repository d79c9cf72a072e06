"""Takes the face finder's weights into the wheel: fetched before it is built, best effort."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent


class FinderHook(BuildHookInterface):  # type: ignore[type-arg]
    """Without the network the wheel is built all the same, and finds faces with OpenCV alone."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        spec = importlib.util.spec_from_file_location("fetch_finder", HERE / "fetch_finder.py")
        assert spec is not None
        assert spec.loader is not None
        fetch_finder = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(fetch_finder)
        # An isolated build has no pip of its own; the Python that it was made from has.
        base = getattr(sys, "_base_executable", sys.executable)
        any(fetch_finder.fetch(fetch_finder.MODELS, python) for python in {sys.executable, base})
