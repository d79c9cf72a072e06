"""Folders of the user's own, named after moods: what is added on the page joins them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from agent import events
from agent.store import catalogues
from agent.types import MoodState
from tests.browser import new_page
from tests.web.page.harness import PageServer, wait_until
from tests.web.page.test_areas import said


@pytest.fixture
def own(server: PageServer, tmp_path: Path) -> str:
    """The user's folder for sad moods."""
    folder = tmp_path / "Moodtray" / "Sad"
    folder.mkdir(parents=True)
    (tmp_path / "Rain").mkdir()
    server.desk.own = {MoodState.SAD: (str(folder),)}
    return str(folder)


def test_what_is_added_takes_turns_with_the_folder_that_plays(
    page: Page, server: PageServer, tmp_path: Path, own: str
) -> None:
    """It was dropped without a word, below the sentence that several take turns."""
    rain = str(tmp_path / "Rain")
    page.goto(f"{server.url}/moods")
    sad = page.locator("section.sad")
    expect(sad.locator(".name")).to_have_text("Sad")
    assert server.settings.load().local_playlists == {}, "to look at it changes nothing"
    page.goto(f"{server.url}/moods/sad/add")
    page.get_by_role("button", name="Add Rain").click()
    said(page, "“Rain” was added to the music for sad.")
    assert server.settings.load().local_playlists["sad"] == (own, rain)
    page.goto(f"{server.url}/moods")
    expect(sad.locator(".name")).to_have_text(["Sad", "Rain"])
    page.get_by_role("button", name="Take Sad out").click()
    said(page, "“Sad” was taken out. Undo")
    assert server.settings.load().local_playlists["sad"] == (rain,)


def test_the_folder_that_plays_is_used_as_any_other(
    page: Page, server: PageServer, own: str
) -> None:
    """Played, copied, taken out for good, and put back."""
    page.goto(f"{server.url}/moods")
    sad = page.locator("section.sad")
    sad.get_by_role("button", name="Play Sad").click()
    wait_until(lambda: [e for e in server.events if isinstance(e, events.PlayPlaylist)], "play")
    sad.get_by_text("Copy to another mood").click()
    sad.get_by_label("Mood to copy to").select_option("angry")
    sad.get_by_role("button", name="Copy", exact=True).click()
    said(page, "Copied to angry.")
    assert server.settings.load().local_playlists == {"angry": (own,)}
    sad.get_by_role("button", name="Take Sad out").click()
    said(page, "“Sad” was taken out. Undo")
    assert server.settings.load().local_playlists["sad"] == (), "else it would play on"
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    said(page, "“Sad” is back.")
    assert server.settings.load().local_playlists["sad"] == (own,)


def test_an_undo_puts_back_what_was_there_and_no_more(
    page: Page, server: PageServer, tmp_path: Path, own: str
) -> None:
    rain = str(tmp_path / "Rain")
    server.settings.change("local_playlists.sad", [rain])
    page.goto(f"{server.url}/moods")
    sad = page.locator("section.sad")
    sad.get_by_role("button", name="Take Rain out").click()
    said(page, "“Rain” was taken out. Undo")
    expect(sad.locator(".name")).to_have_text("Sad")
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    said(page, "“Rain” is back.")
    assert server.settings.load().local_playlists["sad"] == (rain,)


@pytest.mark.parametrize("area", ["moods", "start?step=moods"])
def test_a_folder_that_rests_says_so_and_is_a_click_away(
    page: Page, server: PageServer, tmp_path: Path, own: str, area: str
) -> None:
    """Songs that were put there later were never played, and nothing said why."""
    rain = str(tmp_path / "Rain")
    server.settings.change("local_playlists.sad", [rain])
    page.goto(f"{server.url}/{area}")
    told = page.get_by_text(re.compile("is not in this list, so it rests"))
    expect(told).to_have_count(1)
    expect(told).to_contain_text("Moodtray/Sad")
    page.get_by_role("button", name="Add Sad").click()
    said(page, "“Sad” was added to the music for sad.")
    assert server.settings.load().local_playlists["sad"] == (rain, own)
    expect(told).to_have_count(0)


def test_its_sentence_has_room_in_a_narrow_window(
    browser: Browser, server: PageServer, own: str
) -> None:
    """Beside a long button each of its letters had a line."""
    server.settings.change("local_playlists.sad", ["local:sad"])
    catalogues.speak("de")
    try:
        with new_page(browser, width=390) as page:
            page.goto(server.access.link())
            page.wait_for_url(f"{server.url}/")
            page.goto(f"{server.url}/start?step=moods")
            told = page.get_by_text("steht nicht in dieser Liste")
            box = told.bounding_box()
    finally:
        catalogues.speak("en")
    assert box is not None
    assert box["width"] > 90


def test_a_folder_that_the_settings_name_in_short_does_not_rest(
    page: Page, server: PageServer, tmp_path: Path, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    server.settings.change("local_playlists.sad", ["~/Moodtray/Sad/"])
    page.goto(f"{server.url}/moods")
    expect(page.locator("section.sad [data-sort] > li")).to_have_count(1)
    expect(page.get_by_text("so it rests")).to_have_count(0)
    page.goto(f"{server.url}/moods/sad/add?folder={tmp_path / 'Moodtray'}")
    expect(page.get_by_role("button", name="Add Sad")).to_have_count(0)


# --- the first steps


def test_the_folder_that_plays_counts_in_the_first_steps(
    page: Page, server: PageServer, own: str
) -> None:
    page.goto(f"{server.url}/start?step=moods")
    expect(page.get_by_text("1 of 7 moods have music of their own")).to_be_visible()
    server.settings.change("local_playlists.sad", [])
    page.goto(f"{server.url}/start?step=moods")
    expect(page.get_by_text("0 of 7 moods have music of their own")).to_be_visible()


def test_what_was_added_by_mistake_is_taken_back_where_it_was_added(
    page: Page, server: PageServer, tmp_path: Path
) -> None:
    """Only the page Moods and music could."""
    (tmp_path / "Rain").mkdir()
    (tmp_path / "Snow").mkdir()
    names = [str(tmp_path / "Rain"), str(tmp_path / "Snow")]
    server.settings.change("local_playlists.sad", names)
    page.goto(f"{server.url}/start?step=moods")
    page.get_by_role("button", name="Take Rain out").click()
    said(page, "“Rain” was taken out. Undo")
    assert server.settings.load().local_playlists["sad"] == (names[1],)
    page.get_by_role("button", name="Take Snow out").click()
    expect(page.get_by_text("0 of 7 moods have music of their own")).to_be_visible()
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Take Snow out")).to_be_visible()


# --- two steps from the menu to the music


def test_a_folder_elsewhere_is_added_on_its_card(
    page: Page, server: PageServer, tmp_path: Path
) -> None:
    """'Music for my moods…' in the menu, and this: there was a page in between."""
    (tmp_path / "Rain").mkdir()
    page.goto(f"{server.url}/moods")
    field = page.get_by_label("Add a folder for sad")
    proposed = page.locator("datalist option").evaluate_all("all => all.map(one => one.value)")
    assert str(tmp_path / "Rain") in proposed
    field.fill("/nowhere/at/all")
    field.press("Enter")
    told = page.locator("form", has=field).locator(".error")
    expect(told).to_contain_text("The folder /nowhere/at/all is not there.")
    field.fill(str(tmp_path / "Rain"))
    page.locator("section.sad").get_by_role("button", name="Add", exact=True).click()
    said(page, "“Rain” was added to the music for sad.")
    expect(page.locator("section.sad .name")).to_have_text("Rain")
    expect(field).to_have_value("")
    assert server.settings.load().local_playlists == {"sad": (str(tmp_path / "Rain"),)}


def test_a_link_is_pasted_on_its_card(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/moods?of=spotify")
    field = page.get_by_label("Add a playlist for happy by its link")
    field.fill("spotify:playlist:abc")
    field.press("Enter")
    said(page, "“abc” was added to the music for happy.")
    assert server.settings.load().spotify_playlists == {"happy": ("spotify:playlist:abc",)}


def test_music_beside_the_moods_folders_is_named(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/moods")
    expect(page.locator(".note.bad")).to_have_count(0)
    server.desk.beside = "No mood plays what is in ~/Music/Moodtray beside the moods' folders: x."
    page.goto(f"{server.url}/moods")
    expect(page.locator(".note.bad")).to_have_text(server.desk.beside)
    page.goto(f"{server.url}/moods?of=spotify")
    expect(page.locator(".note.bad")).to_have_count(0)
