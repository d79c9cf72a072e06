"""The rooms of the house: imports go one way, and nothing that runs imports what trains."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Each module of the foundation and the ones of it that it may import.
FOUNDATION: dict[str, set[str]] = {
    "agent.types": set(),
    "agent.errors": set(),
    "agent.settings": {"agent.types"},
    "agent.events": {"agent.types", "agent.errors", "agent.settings"},
    "agent.ports": {"agent.types", "agent.errors", "agent.settings", "agent.events"},
    "agent.worker": {
        "agent.types",
        "agent.errors",
        "agent.settings",
        "agent.events",
        "agent.ports",
    },
}
ADAPTERS = {"agent.vision", "agent.players", "agent.desktop", "agent.store", "agent.web"}
# The owner of state and the parts that hold it.
CONTROLLER = {"agent.core.controller", "agent.core.camera", "agent.core.mood", "agent.core.music"}
# Plain tools: where things lie, how a file is written whole, the real clock, the log's masks.
PLAIN = {"agent.clock", "agent.effects", "agent.logs"}
ANYONE_MAY = {"agent", "agent.store.paths", "agent.store.files", "agent.clock", "agent.logs"}
HEAVY = {"torch", "torchvision"}
# Chosen by the setting camera.engine = "torch" alone, and imported only then.
CHOOSES_ENGINE = ("agent.vision.expression", "agent.training.torch_engine")
# The training commands are listed with the others; what they need is imported when they run.
ADDS_COMMANDS = ("agent.cli.commands", "agent.training.cli")
# The core computes: no files, no network, no threads, no wall clock.
NOT_IN_CORE = {
    "asyncio", "cv2", "http", "httpx", "io", "logging", "multiprocessing", "os", "pathlib", "queue",
    "random", "requests", "selectors", "shutil", "signal", "socket", "sqlite3", "subprocess", "sys",
    "tempfile", "threading", "time", "urllib",
}  # fmt: skip


@dataclass(frozen=True)
class Import:
    importer: str
    imported: str
    line: int
    at_start: bool  # while the module is being imported, not inside a function


def modules(package: Path = ROOT / "agent") -> Iterator[tuple[str, Path]]:
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports_of(name: str, source: str, *, known: set[str], is_package: bool) -> list[Import]:
    """Every import in a module, wherever it stands, except under ``if TYPE_CHECKING``."""
    found: list[Import] = []

    def add(target: str, node: ast.stmt, inside: bool) -> None:
        found.append(Import(name, target, node.lineno, not inside))

    def walk(node: ast.AST, inside: bool) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                walk(child, inside)
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                add(alias.name, node, inside)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = name.split(".")
                parents = parents[: len(parents) - node.level + (1 if is_package else 0)]
                base = ".".join([*parents, *([node.module] if node.module else [])])
            for alias in node.names:
                # "from agent.store import paths" imports the module agent.store.paths.
                whole = f"{base}.{alias.name}"
                add(whole if whole in known else base, node, inside)
        inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            walk(child, inside)

    walk(ast.parse(source), False)
    return found


def room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def complaint(one: Import) -> str | None:
    """Why this import is against the house's rule; None when it is fine."""
    here, there = one.importer, one.imported
    top = there.split(".")[0]
    if top in HEAVY and room(here) != "agent.training":
        return "only training uses torch"
    if here == ADDS_COMMANDS[1] and one.at_start and top in HEAVY:
        return "the training commands are listed without torch"
    if (here, there) in (CHOOSES_ENGINE, ADDS_COMMANDS) and not one.at_start:
        return None
    if room(here) == "agent.core" and top in NOT_IN_CORE:
        return "the core does no I/O, starts no threads, reads no clock"
    if top != "agent" or room(there) == room(here):
        return None
    if there in ANYONE_MAY and room(here) != "agent.core":
        return None
    if room(there) == "agent.training" and room(here) == "agent.bench":
        return "measured against the seed, but not at the start" if one.at_start else None
    if room(there) == "agent.training":
        return "nothing that runs imports training"
    if room(here) in FOUNDATION:
        return None if room(there) in FOUNDATION[room(here)] else "the foundation knows itself only"
    if room(there) in FOUNDATION:
        return None
    if room(here) == "agent.core":
        return "the core knows the foundation only"
    if room(here) in ADAPTERS:
        return None if room(there) == "agent.core" else "adapters know foundation and core only"
    if room(here) == "agent.training":
        return None if room(there) in ADAPTERS else "training knows adapters and below"
    if room(here) in CONTROLLER and room(there) in ADAPTERS | {
        "agent.app.lifecycle",
        "agent.cli.commands",
    }:
        return "the controller knows the core and below"
    if room(here) in CONTROLLER - {"agent.core.controller"} and room(there) in CONTROLLER:
        return "the controller's parts know neither it nor each other"
    if room(there) == "agent.cli.commands" and here != "agent.__main__":
        return "nobody but __main__ imports the commands"
    if here in PLAIN and room(there) not in FOUNDATION and one.at_start:
        return "a plain module stays plain"
    return None


def all_imports() -> list[Import]:
    sources = dict(modules())
    return [
        one
        for name, path in sources.items()
        for one in imports_of(
            name,
            path.read_text(encoding="utf-8"),
            known=set(sources),
            is_package=path.name == "__init__.py",
        )
    ]


def test_imports_go_one_way() -> None:
    every = all_imports()
    assert len(every) > 50, "the walk found too little to be true"
    wrong = [
        f"{one.importer}:{one.line} imports {one.imported}: {why}"
        for one in every
        if (why := complaint(one)) is not None
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_every_agent_import_exists() -> None:
    names = {name for name, _ in modules()}
    missing = [
        f"{one.importer}:{one.line} imports {one.imported}"
        for one in all_imports()
        if one.imported.split(".")[0] == "agent" and one.imported not in names
    ]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("agent.types", "from agent.errors import AgentError"),
        ("agent.core.mood_filter", "from agent.store.history import SqliteHistory"),
        ("agent.core.mood_filter", "def now():\n    import time"),
        ("agent.vision.camera", "from agent.store import history"),
        ("agent.vision.camera", "from ..store import history"),
        ("agent.web.server", "import agent.core.controller"),
        ("agent.players.local", "from agent.players.spotify import x\nimport agent.app.lifecycle"),
        ("agent.core.controller", "from agent.players.local import LocalPlayer"),
        ("agent.core.camera", "from agent.vision.camera import OpenCVCamera"),
        ("agent.core.mood", "from agent.core.controller import Controller"),
        ("agent.core.music", "from agent.core.camera import Eyes"),
        ("agent.app.lifecycle", "from agent.training import network"),
        ("agent.app.lifecycle", "import torch"),
        ("agent.core.mood_filter", "from agent.clock import SystemClock"),
        ("agent.bench.frame", "from agent.training import network"),
        ("agent.app.lifecycle", "from agent import cli"),
        ("agent.cli.commands", "from agent.training.cli import register"),
        ("agent.cli.commands", "def f():\n    from agent.training.train import train"),
        ("agent.training.cli", "import torch"),
        ("agent.vision.expression", "def engine():\n    import torch"),
        ("agent.vision.expression", "from agent.training.torch_engine import TorchEngine"),
    ],
)
def test_the_rule_catches(importer: str, source: str) -> None:
    known = {"agent.store.history", "agent.cli.commands"}
    found = imports_of(importer, source, known=known, is_package=False)
    assert [one for one in found if complaint(one)]


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("agent.core.mood_filter", "import math\nfrom agent.types import Mood"),
        ("agent.vision.camera", "from agent.store.paths import models_dir\nimport threading"),
        ("agent.players.player_worker", "from agent.core.policy import Policy\nfrom . import base"),
        ("agent.app.lifecycle", "from agent.vision.camera import OpenCVCamera"),
        ("agent.cli.commands", "def f():\n    from agent.training.cli import register"),
        ("agent.training.train", "import torch\nfrom agent.vision.faces import Faces"),
        ("agent.vision.expression", "def f():\n    from agent.training.torch_engine import T"),
    ],
)
def test_the_rule_lets_through(importer: str, source: str) -> None:
    found = imports_of(importer, source, known=set(), is_package=False)
    assert found
    assert [why for one in found if (why := complaint(one))] == []
