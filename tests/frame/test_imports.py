"""The rooms of the package: import-linter's contracts (pyproject.toml) refuse what they must.

``make lint`` holds the code itself to them.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

REFUSED = {
    "agent.core.controller": "agent.app.engine",
    "agent.core.music": "agent.app.player_manager",
    "agent.core.camera": "agent.app.effect_handler",
    "agent.core.workers": "agent.desktop.tray.tray",
    "agent.core.messages": "agent.players.local",
    "agent.core.snapshot": "agent.store.history",
    "agent.core.policy": "agent.vision.faces",
    "agent.vision.camera": "agent.desktop.palette",
    "agent.desktop.palette": "agent.web.door_client",
    "agent.web.status_text": "agent.players.polling",
    "agent.players.local": "agent.vision.burst",
    "agent.store.files": "agent.core.policy",
    "agent.types": "agent.errors",
    "agent.wording": "agent.effects",
    "agent.app.engine": "agent.training.network",
    "agent.diagnostics.report": "agent.app.engine",
    "agent.worker": "agent.store.paths",
    "agent.training.network": "agent.cli.commands",
}
"""Imports that nobody may add; each stands for its kind. What is imported exists."""

ALLOWED_IN_CORE = {
    "__future__", "agent", "bisect", "collections", "dataclasses", "datetime", "enum", "functools",
    "itertools", "math", "numpy", "typing",
}  # fmt: skip
"""The core computes: no files, no network, no threads, no wall clock."""


def lint(place: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over the package ``agent`` below ``place``."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from importlinter.cli import lint_imports; "
            "sys.exit(lint_imports(config_filename=sys.argv[1], no_cache=True))",
            str(ROOT / "pyproject.toml"),
        ],
        cwd=place,
        env={"PYTHONPATH": str(place), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package, to break."""
    shutil.copytree(
        ROOT / "agent", tmp_path / "agent", ignore=shutil.ignore_patterns("__pycache__")
    )
    return tmp_path


def file_of(tree: Path, module: str) -> Path:
    return tree.joinpath(*module.split(".")).with_suffix(".py")


def test_what_nobody_may_import_is_refused(tree: Path) -> None:
    for importer, imported in REFUSED.items():
        assert file_of(tree, imported).exists(), f"{imported} is gone: name another module"
        with file_of(tree, importer).open("a", encoding="utf-8") as file:
            file.write(f"\n\ndef _late() -> None:\n    import {imported}\n")
    done = lint(tree)
    assert done.returncode == 1, done.stdout + done.stderr
    passed = [f"{a} -> {b}" for a, b in REFUSED.items() if f"{a} -> {b}" not in done.stdout]
    assert not passed, f"let through: {passed}\n{done.stdout}"


def test_a_module_that_no_contract_names_is_refused(tree: Path) -> None:
    (tree / "agent" / "misc.py").write_text('"""Anything."""\n', encoding="utf-8")
    done = lint(tree)
    assert done.returncode == 1
    assert "misc" in done.stdout + done.stderr


def test_the_core_imports_nothing_that_acts() -> None:
    wrong = []
    for path in sorted((ROOT / "agent" / "core").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            wrong += [
                f"{path.name}:{node.lineno} imports {name}"  # type: ignore[attr-defined]
                for name in names
                if name.split(".")[0] not in ALLOWED_IN_CORE
            ]
    assert not wrong, "\n".join(wrong)


def test_the_icon_waits_for_no_heavy_library() -> None:
    code = "import sys, agent.app.lifecycle, agent.desktop.tray.tray; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    heavy = {"cv2", "fastapi", "onnxruntime", "pydantic", "requests", "spotipy", "torch", "uvicorn"}
    assert heavy.isdisjoint(done.stdout.split())


def renamed(source: str) -> list[str]:
    """Our own modules and names that are called otherwise where they are imported."""
    return [
        f"{node.lineno}: {alias.name} as {alias.asname}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if alias.asname is not None
        and (node.module or "" if isinstance(node, ast.ImportFrom) else alias.name).split(".")[0]
        == "agent"
    ]


def test_nothing_of_ours_is_renamed_where_it_is_imported() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{found}"
        for path in sorted((ROOT / "agent").rglob("*.py"))
        for found in renamed(path.read_text(encoding="utf-8"))
    ]
    assert not wrong, "\n".join(wrong)
    assert renamed("from agent.desktop import consent as kept\nimport agent.logs as l")
    assert not renamed("import numpy as np\nfrom time import monotonic as now")
