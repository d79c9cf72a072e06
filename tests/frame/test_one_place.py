"""What may stand in one place only."""

from __future__ import annotations

import ast
from pathlib import Path

from agent.addresses import LOOPBACK

ROOT = Path(__file__).resolve().parents[2]


def test_the_loopback_address_is_spelled_once() -> None:
    """Where it is used; docstrings and sentences may name it."""
    found = []
    for path in sorted((ROOT / "agent").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and LOOPBACK in text and " " not in text:
                found.append(path.relative_to(ROOT).as_posix())
    assert found == ["agent/addresses.py"]


TWINS = {"Calls"}
"""One class for each system, of which a process sees one."""


def test_no_two_classes_have_one_name() -> None:
    """Events and effects may: they are said with their module, ``events.OpenPage``."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "agent").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    said_with_module = ["agent/effects.py", "agent/events.py"]
    twice = {
        name: places
        for name, places in found.items()
        if len(places) > 1 and places != said_with_module and name not in TWINS
    }
    assert not twice
