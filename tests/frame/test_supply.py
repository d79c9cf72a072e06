"""What is installed: declared, locked, and nothing else."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = {"installers.lock": ("linux-tray",), "tests.lock": ("linux-tray", "keyring")}


def declared(*extras: str) -> list[Requirement]:
    """The requirements of the program, and of these extras."""
    texts = [*PROJECT["dependencies"]]
    for extra in extras:
        texts += PROJECT["optional-dependencies"][extra]
    return [Requirement(text) for text in texts]


def locked(name: str) -> dict[str, list[tuple[Version, int]]]:
    """Package -> its locked versions (one for each kind of system), and their hashes' number."""
    found: dict[str, list[tuple[Version, int]]] = {}
    for entry in re.split(r"\n(?=\S)", (ROOT / ".make" / name).read_text()):
        head = re.match(r"([\w.-]+)==([\w.!+-]+)", entry)
        if head is not None:
            package = canonicalize_name(head[1])
            found.setdefault(package, []).append((Version(head[2]), entry.count("--hash=sha256:")))
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_all_that_is_declared_is_locked_with_hashes(name: str) -> None:
    packages = locked(name)
    assert len(packages) > 50
    for package, versions in packages.items():
        assert all(hashes for _, hashes in versions), package
    for wanted in declared(*LOCKS[name]):
        versions = packages[canonicalize_name(wanted.name)]
        assert all(version in wanted.specifier for version, _ in versions), wanted
    assert "://" not in (ROOT / ".make" / name).read_text(), (
        "the index is the installer's to choose"
    )


def test_what_builds_the_package_is_locked() -> None:
    packages = locked("package.lock")
    assert packages
    assert all(hashes for versions in packages.values() for _, hashes in versions)
    wanted = (ROOT / ".make" / "package.in").read_text().splitlines()[1:]
    assert {canonicalize_name(Requirement(line).name) for line in wanted} <= set(packages)


@pytest.mark.parametrize("file", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=str)
def test_foreign_steps_of_the_workflows_are_pinned(file: Path) -> None:
    """By the hash of a commit: a tag can be moved by whoever takes the action's account over."""
    used = re.findall(r"uses:\s*(.*)", file.read_text())
    assert used
    for step in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", step), step


def test_what_ci_installs_comes_from_the_lock_files() -> None:
    """What pip is called with there: locked files, or our own package on top of them."""
    texts = [file.read_text() for file in (ROOT / ".github/workflows").glob("*.yml")]
    calls = re.findall(r"pip install (.*)", "".join(texts))
    locks = {call for call in calls if call.startswith("--require-hashes -r .make/")}
    assert {call.rpartition("/")[2] for call in locks} == {*LOCKS, "package.lock"}
    # The package itself; and in the list of parts and the audit what a user would get today.
    ours = {'-e ".[dev]"', "--no-deps --no-build-isolation -e .", "dist/*.whl", "."}
    assert set(calls) - locks <= ours
    setup = (ROOT / ".make" / "setup.sh").read_text()
    assert "--require-hashes -r .make/tests.lock" in setup


def imported() -> set[str]:
    """Every foreign package that the program imports anywhere, training and bench left out."""
    found = set()
    for file in (ROOT / "agent").rglob("*.py"):
        if file.relative_to(ROOT / "agent").parts[0] in ("training", "bench"):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"agent", "gi", "torch", "onnx", "onnxruntime"}


def test_all_that_is_imported_is_declared() -> None:
    """Not only there because something else happens to bring it."""
    names = {canonicalize_name(one.name) for one in declared("linux-tray", "keyring")}
    distributions = packages_distributions()
    missing = {
        module: distributions[module]
        for module in imported()
        if module in distributions
        and not {canonicalize_name(one) for one in distributions[module]} & names
    }
    assert missing == {}
