"""axe on what is not seen at every visit: Spotify once logged in, pages of errors, the ways in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from agent.clock import SystemClock
from agent.errors import NeedsLogin, Offline
from agent.web.login import LoginServer
from agent.web.page.context import Card
from tests.browser import new_page
from tests.web.page.barriers import barriers
from tests.web.page.harness import PageServer

SCHEMES = [("light", 1280), ("dark", 390)]
SPOTIFY = [
    "spotify",
    "moods?of=spotify",
    "moods/happy/add?of=spotify",
    "moods/sad/add?of=spotify&back=start",
    "start?step=music&of=spotify",
    "start?step=moods",
]


@contextmanager
def opened(browser: Browser, server: PageServer, scheme: Any, width: int) -> Iterator[Page]:
    with new_page(browser, scheme=scheme, width=width) as page:
        page.goto(server.access.link())
        page.wait_for_url(f"{server.url}/")
        yield page


@pytest.mark.parametrize(("scheme", "width"), SCHEMES)
def test_spotify_once_logged_in(
    browser: Browser, server: PageServer, scheme: str, width: int
) -> None:
    server.desk.logged_in = True
    server.desk.player = "spotify"
    server.desk.cards = [
        Card("spotify:playlist:1", "Sommer auf dem Balkon", "84 songs"),
        Card("spotify:playlist:2", "Deep Focus", "52 songs"),
    ]
    server.settings.change("spotify_playlists.happy", ["spotify:playlist:" + 22 * "1"])
    found: dict[str, list[str]] = {}
    with opened(browser, server, scheme, width) as page:
        for area in SPOTIFY:
            page.goto(f"{server.url}/{area}")
            if told := barriers(page):
                found[area] = told
        page.goto(f"{server.url}/spotify")
        expect(page.get_by_role("heading", name="Devices that are there now")).to_be_visible()
        server.desk.error = Offline("There is no connection to Spotify.")
        page.goto(f"{server.url}/moods/happy/add?of=spotify")
        expect(page.get_by_text("There is no connection")).to_be_visible()
        if told := barriers(page):
            found["without a connection"] = told
    assert not found, json.dumps(found, indent=1)


@pytest.mark.parametrize(("scheme", "width"), SCHEMES)
def test_pages_of_errors_and_the_way_in(
    browser: Browser, server: PageServer, scheme: str, width: int
) -> None:
    found: dict[str, list[str]] = {}
    way_in = httpx.get(f"{server.url}/enter?to=settings", trust_env=False, timeout=60).text
    waiting, refreshes = re.subn(r'<meta http-equiv="refresh" content="0;[^>]*>', "", way_in)
    assert refreshes == 1, "it leads on at once, which axe allows"
    with new_page(browser, scheme=scheme, width=width) as page:  # type: ignore[arg-type]
        page.route(
            "**/waiting", lambda route: route.fulfill(body=waiting, content_type="text/html")
        )
        for area, title in {
            "": "This page is for you alone",
            "enter/used": "This link has been used or is too old",
            "waiting": "One moment…",
        }.items():
            page.goto(f"{server.url}/{area}")
            expect(page.get_by_role("heading", name=title)).to_be_visible()
            if told := barriers(page):
                found[title] = told
    with opened(browser, server, scheme, width) as page:
        page.goto(f"{server.url}/nowhere")
        expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
        if told := barriers(page):
            found["no such page"] = told
    assert not found, json.dumps(found, indent=1)


class Flow:
    """A login that Spotify answers at once: with ``account``, or with its refusal."""

    def __init__(self, account: str | None) -> None:
        self.account = account

    def begin(self, client_id: str, redirect_uri: str) -> str:
        return f"{redirect_uri}?code=x"

    def time_left(self) -> float | None:
        return None

    def stray(self, query: Mapping[str, str]) -> str | None:
        return None if "code" in query else "Nobody asked for this login."

    def finish(self, query: Mapping[str, str]) -> str:
        if self.account is None:
            raise NeedsLogin("Spotify says: access denied.", title="Not logged in")
        return self.account

    def keep(self) -> None:
        """It is kept."""

    def discard(self) -> None:
        """It is forgotten."""


@pytest.mark.parametrize(("scheme", "width"), SCHEMES)
@pytest.mark.parametrize("account", ["Sam", None])
def test_the_pages_of_the_login(
    browser: Browser, scheme: str, width: int, account: str | None
) -> None:
    found: dict[str, list[str]] = {}
    login = LoginServer(
        Flow(account), 0, SystemClock(),
        client_id=None, save_client_id=lambda _id: None, dashboard="https://spotify.invalid/",
        say=lambda _text: None,
    )  # fmt: skip
    login.start()

    def look(page: Page, title: str) -> None:
        expect(page.get_by_role("heading", name=title)).to_be_visible()
        if told := barriers(page):
            found[title] = told

    try:
        with new_page(browser, scheme=scheme, width=width) as page:  # type: ignore[arg-type]
            page.goto(f"{login.link}x")
            look(page, "Please come through Moodtray")
            page.goto(login.link)
            look(page, "Log in to Spotify")
            page.get_by_label("Client ID").fill("what is that?")
            page.get_by_role("button", name="Log in").click()
            expect(page.get_by_role("alert")).to_contain_text("This is no client ID.")
            look(page, "Log in to Spotify")
            page.goto(f"{login.redirect_uri}?nothing=1")
            look(page, "This is not the expected login")
            page.goto(f"http://127.0.0.1:{login.port}/")
            page.get_by_label("Client ID").fill(32 * "a")
            page.get_by_role("button", name="Log in").click()
            if account:
                look(page, "Is this your account?")
                page.locator("#keep").click()
            look(page, "Done, you may close this" if account else "Not logged in")
    finally:
        login.stop()
    assert not found, json.dumps(found, indent=1)
