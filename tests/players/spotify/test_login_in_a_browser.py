"""The login end to end in a real browser: Chromium, the guide, Spotify's page, the result."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from agent.players.spotify import factory, storage
from agent.settings import Settings, SpotifySettings
from agent.store.paths import Paths
from tests.fakes.clock import FakeClock
from tests.fakes.spotify import FakeSpotify
from tests.players.spotify.browsers import open_browser, patience, text_of
from tests.players.spotify.logins import CLIENT, Login


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    yield from open_browser(tmp_path)


@pytest.fixture
def login() -> Iterator[Login]:
    clock = FakeClock()
    with FakeSpotify(clock) as service:
        made = Login(service, clock, Settings(spotify=SpotifySettings(port=0)), no_browser=False)
        yield made
        made.cancelled.set()
        made.end()
        assert service.world.violations == []


def picture(browser: webdriver.Chrome, name: str) -> None:
    """Kept where SCREENSHOTS says, for people to look at."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        browser.save_screenshot(str(Path(folder) / name))


def test_the_first_login_of_a_new_user(browser: webdriver.Chrome, login: Login) -> None:
    waits = patience(browser)
    browser.get(login.start())
    assert "Log in to Spotify" in text_of(browser)
    assert browser.find_element(By.ID, "uri").text == "http://127.0.0.1/callback"
    picture(browser, "login-guide.png")

    copy = browser.find_element(By.ID, "copy")
    copy.click()
    waits.until(lambda _: copy.text != "Copy")
    assert copy.text == "Copied"

    field = browser.find_element(By.ID, "client_id")
    field.send_keys("not an id!")
    browser.find_element(By.ID, "login").click()
    waits.until(lambda b: "This is no client ID" in text_of(b))
    picture(browser, "login-guide-problem.png")
    field = browser.find_element(By.ID, "client_id")
    field.clear()
    field.send_keys(CLIENT)
    browser.find_element(By.ID, "login").click()

    waits.until(lambda b: "wants to control your music" in text_of(b))
    assert browser.current_url.startswith(login.spotify.url)
    browser.find_element(By.ID, "agree").click()

    waits.until(lambda b: "Done, you may close this" in text_of(b))
    picture(browser, "login-done.png")
    assert browser.current_url.endswith("/done")
    told = [
        line["message"]
        for line in browser.get_log("browser")  # type: ignore[no-untyped-call]
        if line["level"] == "SEVERE"
    ]
    ours = [line for line in told if login.spotify.url not in line and "400 (Bad" not in line]
    assert ours == []  # nothing that our own pages' policy had to block

    login.end()
    assert login.error is None
    assert login.saved == [CLIENT]
    assert storage.is_logged_in(Paths.default(), Settings())
    player = factory.build_player(
        Settings(), Paths.default(), login.clock, spotify_url=login.spotify.url
    )
    login.spotify.world.user.play("happy")
    assert player.playback().title == "The Stand-ins - Happy songs no. 1"
    player.close()


def test_a_user_who_cancels(browser: webdriver.Chrome, login: Login) -> None:
    login.settings = Settings(spotify=SpotifySettings(port=0, client_id=CLIENT))
    browser.get(login.start())
    browser.find_element(By.ID, "cancel").click()
    patience(browser).until(lambda b: "The login was cancelled" in text_of(b))
    picture(browser, "login-cancelled.png")
    login.end()
    assert login.error is not None
    assert not storage.is_logged_in(Paths.default(), Settings())
