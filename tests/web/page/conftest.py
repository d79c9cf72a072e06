"""The page on a real server, and a browser before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import new_page
from tests.web.page.harness import PageServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PageServer]:
    with PageServer(tmp_path) as made:
        yield made


@pytest.fixture
def page(browser: Browser, server: PageServer) -> Iterator[Page]:
    """A window in which the page is open."""
    with new_page(browser) as made:
        made.goto(server.access.link())
        made.wait_for_url(f"{server.url}/")
        yield made
