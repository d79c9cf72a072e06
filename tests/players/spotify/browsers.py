"""A real Chromium for the login's pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

CALM = (
    "--headless",
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=900,900",
)


def open_browser(folder: Path) -> Iterator[webdriver.Chrome]:
    """One browser with an empty profile; skips where there is none (on CI: fails)."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        message = "install Debian's chromium and chromium-driver for this test"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in (*CALM, f"--user-data-dir={folder / 'chromium'}"):
        options.add_argument(argument)
    made = webdriver.Chrome(options=options, service=Service(driver))
    try:
        made.set_page_load_timeout(60)
        yield made
    finally:
        made.quit()


def patience(browser: webdriver.Chrome) -> WebDriverWait[webdriver.Chrome]:
    """Waits over a change of pages, in which an element found a moment ago is gone."""
    return WebDriverWait(browser, 30, ignored_exceptions=[StaleElementReferenceException])


def text_of(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "body").text
