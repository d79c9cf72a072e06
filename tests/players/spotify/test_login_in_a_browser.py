"""The login end to end in a real browser: Chromium, the guide, Spotify's page, the result."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from agent.players.spotify import storage
from agent.players.spotify.factory import build_player
from agent.settings import Settings, SpotifySettings
from agent.store.paths import Paths
from tests.browser import new_page
from tests.fakes.clock import FakeClock
from tests.fakes.spotify import FakeSpotify
from tests.players.spotify.logins import CLIENT, Login


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with new_page(browser, width=900) as made:
        yield made


@pytest.fixture
def login() -> Iterator[Login]:
    clock = FakeClock()
    with FakeSpotify(clock) as service:
        made = Login(service, clock, Settings(spotify=SpotifySettings(port=0)), no_browser=False)
        yield made
        made.cancelled.set()
        made.end()
        assert service.world.violations == []


def picture(page: Page, name: str) -> None:
    """Kept where SCREENSHOTS says, for people to look at."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / name)


def test_the_first_login_of_a_new_user(page: Page, login: Login) -> None:
    page.goto(login.start())
    expect(page.get_by_text("Log in to Spotify").first).to_be_visible()
    expect(page.locator("#uri")).to_have_text("http://127.0.0.1/callback")
    picture(page, "login-guide.png")
    page.locator("#copy").click()
    expect(page.locator("#copy")).to_have_text("Copied")

    page.locator("#client_id").fill("not an id!")
    page.locator("#login").click()
    expect(page.get_by_text("This is no client ID")).to_be_visible()
    picture(page, "login-guide-problem.png")
    page.locator("#client_id").fill(CLIENT)
    page.locator("#login").click()

    expect(page.get_by_text("wants to control your music")).to_be_visible()
    assert page.url.startswith(login.spotify.url)
    page.locator("#agree").click()

    expect(page.get_by_text("Is this your account?")).to_be_visible()
    expect(page.locator("#account")).to_have_text("Sam")
    picture(page, "login-account.png")
    page.locator("#keep").click()
    expect(page.get_by_text("Done, you may close this")).to_be_visible()
    picture(page, "login-done.png")
    assert page.url.endswith("/done")

    login.end()
    assert login.error is None
    assert login.saved == [CLIENT]
    assert storage.is_logged_in(Paths.default(), Settings())
    player = build_player(Settings(), Paths.default(), login.clock, spotify_url=login.spotify.url)
    login.spotify.world.user.play("happy")
    assert player.playback().title == "The Stand-ins - Happy songs no. 1"
    player.close()


def test_a_user_who_cancels(page: Page, login: Login) -> None:
    login.settings = Settings(spotify=SpotifySettings(port=0, client_id=CLIENT))
    page.goto(login.start())
    page.locator("#cancel").click()
    expect(page.get_by_text("The login was cancelled")).to_be_visible()
    picture(page, "login-cancelled.png")
    login.end()
    assert login.error is not None
    assert not storage.is_logged_in(Paths.default(), Settings())
