"""What is installed: declared, locked, and nothing else."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = {
    "installers.lock": ("linux-tray",),
    "program.lock": (),
    "tests.lock": ("linux-tray", "keyring"),
}
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


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
    assert len(packages) > 40
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


@pytest.mark.parametrize("file", WORKFLOWS, ids=str)
def test_foreign_steps_of_the_workflows_are_pinned(file: Path) -> None:
    """By the hash of a commit: a tag can be moved by whoever takes the action's account over."""
    used = re.findall(r"uses:\s*(.*)", file.read_text())
    assert used
    for step in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", step), step


def steps(file: Path) -> Iterator[str]:
    """The text of each step of a workflow, and what stands before the first."""
    yield from re.split(r"\n(?= {6}- )", re.sub(r"(?m)^ *#.*\n", "", file.read_text()))


@pytest.mark.parametrize("file", WORKFLOWS, ids=str)
def test_no_step_finds_the_right_to_write_to_the_repository(file: Path) -> None:
    """Else it lies in .git/config while packages of others are built and run."""
    fetched = [step for step in steps(file) if "actions/checkout@" in step]
    assert fetched
    for step in fetched:
        assert "persist-credentials: false" in step, step


@pytest.mark.parametrize("file", WORKFLOWS, ids=str)
def test_another_index_is_asked_only_where_torch_is_needed(file: Path) -> None:
    """A package that is on both could come from either."""
    asking = [step for step in steps(file) if "INDEX_URL" in step or "index-url" in step]
    for step in asking:
        assert ".[dev]" in step or ".ci/run" in step, step


def test_what_ci_installs_comes_from_the_lock_files() -> None:
    """What pip is called with there: locked files, or our own package on top of them."""
    texts = [file.read_text() for file in WORKFLOWS]
    calls = re.findall(r"pip install (.*)", "".join(texts))
    locks = {call for call in calls if call.startswith("--require-hashes -r .make/")}
    assert {call.rpartition("/")[2] for call in locks} == {*LOCKS, "package.lock"}
    # The package itself; and in the audit what a user would get today.
    ours = {
        '--no-build-isolation -e ".[dev]"',
        "--no-deps --no-build-isolation -e .",
        "--no-deps dist/*.whl",
        "--no-build-isolation .",
    }
    assert set(calls) - locks <= ours
    setup = (ROOT / ".make" / "setup.sh").read_text()
    assert "--require-hashes -r .make/tests.lock" in setup
    assert "isolation=--no-build-isolation" in setup
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    tools = {canonicalize_name(Requirement(tool).name) for tool in build}
    assert tools <= set(locked("package.lock"))
    assert {*tools, "editables"} <= set(locked("tests.lock"))


def test_what_locks_is_locked_itself() -> None:
    script = (ROOT / ".make" / "lock.sh").read_text()
    assert re.findall(r"\binstall (.*)", script) == ["--quiet --require-hashes --no-deps \\"]


def test_what_ships_is_audited() -> None:
    """The locked versions themselves, on each system that a lock file tells apart."""
    audit = (ROOT / ".github/workflows/audit.yml").read_text()
    for name in ("installers.lock", "program.lock"):
        assert re.search(rf"pip_audit .*--disable-pip --require-hashes -r \.make/{name}\n", audit)
        systems = set(re.findall(r"sys_platform == '(\w+)'", (ROOT / ".make" / name).read_text()))
        assert systems <= {"linux", "win32", "darwin"}
    for system in ("ubuntu", "windows", "macos"):
        assert f"{system}-" in audit


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


def test_all_that_is_declared_is_imported() -> None:
    """Else it is installed, with its holes and whatever it needs itself, for nothing."""
    distributions = packages_distributions()
    used = {
        canonicalize_name(one) for module in imported() for one in distributions.get(module, ())
    }
    here = [one for one in declared() if one.marker is None or one.marker.evaluate()]
    assert {canonicalize_name(one.name) for one in here} - used == set()
