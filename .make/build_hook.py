"""Compile the translations whenever the program is built or installed (hatchling's build hook)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileTranslations(BuildHookInterface):  # type: ignore[type-arg]
    """See ``translations.py`` beside this file."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before files are collected."""
        sys.path.insert(0, str(Path(self.root) / ".make"))
        try:
            import translations
        finally:
            sys.path.pop(0)
        translations.compile_all()
