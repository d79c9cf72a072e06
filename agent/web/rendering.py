"""Jinja2 as all pages use it: escaped, strict about what is missing, in the user's language."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agent.translation import _, language, ngettext


def environment(folder: Path) -> Environment:
    """Make what renders the templates in ``folder``; ``language()`` is theirs to ask."""
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.policies["ext.i18n.trimmed"] = True  # texts may run over several lines
    install: Any = made
    install.install_gettext_callables(_, ngettext, newstyle=True)
    made.globals["language"] = language
    return made
