"""Keep the translations: take new texts into the catalogues, and compile them.

    python .make/translations.py            compile what is not compiled yet (.po -> .mo)
    python .make/translations.py --update   take new texts into resources/locale/*/*/moodtray.po

Babel does the work, at build time only; the program reads the compiled catalogues with the standard
library.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po


def extract_commands(
    file: BinaryIO, keywords: Any, comments: Any, options: Any
) -> Iterator[tuple[int, str | None, Any, list[str]]]:
    """Extract the texts of the commands: beside those that are marked, all that becomes help."""
    yield from extract_python(file, keywords, comments, options)
    file.seek(0)
    for node in ast.walk(ast.parse(file.read())):
        told: str | None = None
        if isinstance(node, ast.FunctionDef) and any(map(_is_command, node.decorator_list)):
            told = ast.get_docstring(node)
        elif isinstance(node, ast.keyword) and node.arg == "help":
            told = ast.literal_eval(node.value)
        if told:
            yield node.lineno, None, told, []


def _is_command(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr == "command"


ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "resources" / "locale"
METHODS: list[tuple[str, Any]] = [
    ("cli/commands.py", extract_commands),
    ("**.py", "python"),
    ("**/templates/**.html", "jinja2"),
]
OPTIONS = {"**/templates/**.html": {"trimmed": "true", "silent": "false"}}
KEYWORDS: dict[str, Any] = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def extracted() -> Catalog:
    """Collect every marked text of the program."""
    template = Catalog(project="Moodtray", charset="utf-8")
    for name, _line, message, _comments, context in extract_from_dir(
        str(ROOT / "agent"), METHODS, OPTIONS, KEYWORDS, strip_comment_tags=True
    ):
        # Without line numbers: they would change with every edit.
        template.add(message, None, [(f"agent/{name}", 0)], context=context)
    return template


def update(po: Path, template: Catalog) -> None:
    """Take new texts into a catalogue, and drop those that are gone."""
    with po.open("rb") as file:
        catalogue = read_po(file, locale=po.parents[1].name)
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    with po.open("wb") as file:
        write_po(file, catalogue, width=100, no_location=True, sort_output=True, omit_header=False)


def compile_all(*, force: bool = False) -> list[Path]:
    """Compile the catalogues that are newer than what was compiled; returns what was written."""
    written = []
    for po in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        mo = po.with_suffix(".mo")
        if not force and mo.exists() and mo.stat().st_mtime_ns >= po.stat().st_mtime_ns:
            continue
        with po.open("rb") as file:
            catalogue = read_po(file, locale=po.parents[1].name)
        half = mo.with_suffix(f".{os.getpid()}")  # several may compile at the same time
        with half.open("wb") as file:
            write_mo(file, catalogue)
        half.replace(mo)
        written.append(mo)
    return written


def main() -> None:
    """Do what the command asks for."""
    if "--update" in sys.argv[1:]:
        template = extracted()
        for po in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
            update(po, template)
            print(f"updated: {po.relative_to(ROOT)}")
    for mo in compile_all():
        print(f"compiled: {mo.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
