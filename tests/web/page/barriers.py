"""What keeps people from using a page, as axe finds it."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

ALSO = ("heading-order",)
"""Of the rules whose breach axe calls moderate: what a screen reader steps along."""
TOO_WIDE = """[...document.querySelectorAll('main *')]
    .filter((one) => one.getBoundingClientRect().right > innerWidth)
    .slice(0, 4).map((one) => one.outerHTML.slice(0, 100))"""


def barriers(page: Page) -> list[str]:
    """List what is serious, and what is cut off on the right."""
    found = []
    for violation in Axe().run(page).response["violations"]:
        if violation["impact"] in ("serious", "critical") or violation["id"] in ALSO:
            nodes = [node["html"][:120] for node in violation["nodes"][:3]]
            found.append(f"{violation['id']}: {nodes}")
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append(f"too wide: {page.evaluate(TOO_WIDE)}")
    return found
