"""What every test shares: an empty home of its own, so that no test touches the user's folders."""

from __future__ import annotations

import asyncio
import logging
import runpy
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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


@pytest.fixture(autouse=True)
def level_of_the_log() -> Iterator[None]:
    """Leave the log as loud as it was: pytest keeps each line, which another test's memory pays."""
    root = logging.getLogger()
    before = root.level
    yield
    root.setLevel(before)


@pytest.fixture(scope="session")
def sleeping_browser() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    """The one browser of this process, and Playwright's event loop.

    The loop stands still in this thread between two calls, and asyncio takes it for a running one:
    a second Playwright, or ``asyncio.run``, would be refused. So it is hidden between tests.
    """
    from tests.browser import chromium

    with chromium() as browser:
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)


@pytest.fixture
def browser(
    sleeping_browser: tuple[Browser, asyncio.AbstractEventLoop],
) -> Iterator[Browser]:
    """A Chromium, shared by all tests of this process; each opens pages with an empty profile."""
    browser, loop = sleeping_browser
    asyncio._set_running_loop(loop)
    yield browser
    asyncio._set_running_loop(None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what a test wrote in a form that its process can send to the one that reports."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report
