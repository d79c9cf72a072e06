"""Whoever adds an event, an effect or a state is told by mypy where it is not handled yet."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOREIGN_BUTTON = """
from agent.effects import Notification
from agent.types import NotificationKind

Notification(NotificationKind.INFO, "title", "body", buttons=(("Undo", 5),))
"""


def matches(tree: ast.Module) -> Iterator[ast.Match]:
    """Those over our own enums and classes; strings and Python's own types have no end."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Match) and any(map(is_ours, node.cases)):
            yield node


def is_ours(case: ast.match_case) -> bool:
    for part in ast.walk(case.pattern):
        if isinstance(part, ast.MatchValue) and isinstance(part.value, ast.Attribute):
            return True
        if isinstance(part, ast.MatchClass):
            name = ast.unparse(part.cls).rpartition(".")[2]
            return name[0].isupper()
    return False


def modules() -> list[tuple[Path, str, list[ast.Match]]]:
    """List the files that have such a match, with their text."""
    found = []
    for path in sorted((ROOT / "agent").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found.append((path, text, list(matches(ast.parse(text)))))
    return [each for each in found if each[2]]


def refuses_the_rest(node: ast.Match) -> bool:
    last = node.cases[-1]
    takes_all = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
    return (
        takes_all and last.guard is None and ast.unparse(last.body[0]).startswith("assert_never(")
    )


def test_every_match_ends_with_assert_never() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, _, found in modules()
        for node in found
        if not refuses_the_rest(node)
    ]
    assert not wrong, wrong


def without_a_case(text: str, found: list[ast.Match]) -> tuple[str, set[int]]:
    """Take one case out of each match; the lines where mypy must say so."""
    lines, expected = text.splitlines(), set()
    for node in found:
        case = next(case for case in node.cases if case.guard is None)
        until = node.cases[node.cases.index(case) + 1].pattern.lineno - 1
        for at in range(case.pattern.lineno - 1, until):
            lines[at] = ""  # the others keep their numbers
        expected.add(node.cases[-1].body[0].lineno)
    return "\n".join(lines) + "\n", expected


@pytest.mark.timeout(400)  # one run of mypy without its cache
def test_a_deleted_case_and_a_button_without_an_event_are_refused(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "locales")
    shutil.copytree(ROOT / "agent", tmp_path / "agent", ignore=ignored)
    (tmp_path / "button.py").write_text(FOREIGN_BUTTON, encoding="utf-8")
    files, expected = ["button.py"], {"button.py:5"}
    for path, text, found in modules():
        name = path.relative_to(ROOT).as_posix()
        broken, lines = without_a_case(text, found)
        (tmp_path / name).write_text(broken, encoding="utf-8")
        files.append(name)
        expected |= {f"{name}:{line}" for line in lines}
    config = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *config, "--follow-imports=silent", *files],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    told = done.stdout.replace("\\", "/").splitlines()
    passed = [at for at in sorted(expected) if not any(line.startswith(f"{at}: ") for line in told)]
    assert len(expected) > 10
    assert not passed, f"let through: {passed}\n{done.stdout}"
