"""Every text for people is marked for the translations, wherever in the program it is written."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import agent
from agent.errors import AgentError

ROOT = Path(agent.__file__).parent
FOR_DEVELOPERS = {
    "training": "the commands under 'moodtray dev' are for developers, who read English",
    "bench": "as above",
    "diagnostics/bundle.py": "the bundle is read by developers",
    "desktop/dbus_server.py": "errors of a protocol, for programs",
    "desktop/tray/dbus_menu.py": "as above",
}
"""What stays English, and why; so does the log."""
SPEAKING = frozenset({
    "BadParameter", "Notice", "Notification", "Refused", "confirm", "input", "print", "refusal",
    "say", "tell", "_tell",
})  # fmt: skip
"""Beside the errors, what takes a text for people."""
MARKS = {"_", "N_", "ngettext"}
WORDS = re.compile(r"[A-Za-z]{2,}[,;:]? [a-z]{2,}")
SENTENCE = re.compile(r"[A-Z][a-z'’]* (?:[\w'“”„()-]+[,;:]? ){2,}.*[.?!…]\s*", re.DOTALL)


@functools.cache
def errors() -> frozenset[str]:
    """Names of all classes of errors that may reach the user."""
    found, grown = frozenset({AgentError.__name__}), True
    classes = [n for _file, tree in trees() for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    while grown:
        new = {c.name for c in classes if any(_name(base) in found for base in c.bases)} - found
        found, grown = found | new, bool(new)
    return found


@functools.cache
def trees() -> list[tuple[str, ast.Module]]:
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(tuple(FOR_DEVELOPERS)):
            found.append((name, ast.parse(path.read_text(encoding="utf-8"))))
    return found


def _name(node: ast.AST) -> str:
    return getattr(node, "id", None) or getattr(node, "attr", None) or ""


def literals(node: ast.AST, inside: str = "") -> Iterator[tuple[int, str, str]]:
    """(line, text, the call whose argument it is) of what is written under no mark."""
    if isinstance(node, ast.Call):
        name = _name(node.func)
        inside = inside if name in ("", "format", "join", "strip", "rstrip") else name
        if inside in MARKS or (isinstance(node.func, ast.Attribute) and _is_log(node.func)):
            return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.JoinedStr):
        yield node.lineno, "".join(_plain(part) for part in node.values), inside
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value, inside
    if not isinstance(node, ast.JoinedStr):
        for child in ast.iter_child_nodes(node):
            yield from literals(child, inside)
    else:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from literals(part.value, inside)


def _plain(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "X"


def _is_log(called: ast.Attribute) -> bool:
    return _name(called.value) in ("log", "logging")


def unmarked(tree: ast.Module, speaking: frozenset[str]) -> list[str]:
    """What is said to people and not marked; help of commands is taken from where it stands."""
    return [
        f"{line}: {text[:80]}"
        for line, text, call in literals(tree)
        if (call in speaking and WORDS.search(text))
        or (call not in ("Option", "Argument", "Typer", "RuntimeError", "TypeError")
        and SENTENCE.fullmatch(text))
    ]  # fmt: skip


def test_every_text_for_people_is_marked() -> None:
    speaking = SPEAKING | errors()
    found = {name: unmarked(tree, speaking) for name, tree in trees()}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("code", "marked"),
    [
        ('raise StoreError("The disk is full.")', False),
        ('raise StoreError(f"{path} is full, alas")', False),
        ('raise StoreError(_("The disk is full."))', True),
        ('raise StoreError(_("{path} is full.").format(path=path))', True),
        ('raise StoreError(_("{why} So it goes.").format(why="no more room"))', False),
        ('print("Taken back." if done else "There was none to take back.")', False),
        ('tell(N_("It is done."))', True),
        ('ADVICE = "Check its cable or network; Moodtray keeps trying."', False),
        ('log.info("The disk is full of %s", what)', True),
        ('"""The disk is full."""', True),
        ('PLACE = "tests of the frame"', True),
    ],
)
def test_what_is_not_marked_is_found(code: str, marked: bool) -> None:
    assert (unmarked(ast.parse(code), SPEAKING | errors()) == []) is marked
