"""What every test shares: an empty home of its own, so that no test touches the user's folders."""

from __future__ import annotations

import runpy
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

# How long an example takes tells only how busy the machine is.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_sessionstart() -> None:
    """Compile the translations, which an edit may have left behind."""
    program = Path(__file__).parents[1] / ".make" / "translations.py"
    runpy.run_path(str(program))["compile_all"]()


@pytest.fixture(autouse=True)
def moodtray_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"  # short: a Unix socket lies below it
    monkeypatch.setenv("MOODTRAY_HOME", str(home))
    monkeypatch.setenv("LANGUAGE", "en")
    return home


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what a test wrote in a form that its process can send to the one that reports."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report
