"""A real Chromium, Debian's own, driven by Playwright. Nothing is downloaded for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

PATIENCE = 60_000
"""Milliseconds to wait for anything: machines are shared and slow."""
CALM = [
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser; skips where there is none (on CI: fails)."""
    binary = shutil.which("chromium")
    if binary is None:
        message = "install Debian's chromium for this test"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=CALM, timeout=PATIENCE)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def new_page(
    browser: Browser,
    *,
    width: int = 1280,
    height: int = 900,
    scheme: Literal["light", "dark"] = "light",
    attacks: bool = False,
) -> Iterator[Page]:
    """A window with an empty profile. At its end nothing may have gone wrong in it: no error of the
    script, nothing that a page's own policy had to block; unless it ``attacks``."""
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme
    )
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda message: (
            wrong.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    try:
        yield page
        assert attacks or wrong == []
    finally:
        context.close()
