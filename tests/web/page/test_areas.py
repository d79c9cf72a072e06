"""Each area used as a person would, in a real browser."""

from __future__ import annotations

import csv
import json
import os
import re
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from agent import events
from agent.errors import Offline
from agent.store.history import SwitchEntry
from agent.store.settings_file import SettingsFile
from agent.types import (
    Action,
    CameraState,
    Decision,
    Evidence,
    JourneyView,
    LessonStage,
    LessonView,
    Mood,
    MoodState,
    OwnFace,
    Playlist,
    PlayState,
    Status,
)
from agent.web.page import terms
from agent.web.page.context import Card
from agent.web.page.folders import Counter
from agent.web.page.history_page import as_csv
from tests.browser import new_page
from tests.web.page.barriers import barriers
from tests.web.page.harness import SEVEN, PageServer, fill_history, wait_until

AREAS = [
    "",
    "moods",
    "moods/happy/add",
    "history",
    "history?view=week",
    "history?view=month",
    "settings",
    "face",
    "spotify",
    "start?step=consent",
    "start?step=camera",
    "start?step=music",
    "start?step=moods",
    "start?step=notices",
    "start?step=try",
]


def said(page: Page, text: str | re.Pattern[str]) -> None:
    """The page says so in its status line."""
    expect(page.get_by_role("status")).to_have_text(text)


# --- all areas


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_from_using_it(
    browser: Browser, server: PageServer, scheme: Any
) -> None:
    """axe, in each area; and on a narrow window nothing is cut off."""
    fill_history(server.history, server.clock.now())
    server.desk.allowed = True
    server.settings.change("local_playlists.happy", ["local:happy", "/music/Summer"])
    server.settings.change("policy.cooldown", 60.0)
    server.desk.own = {mood: (f"/music/{mood}",) for mood in (MoodState.HAPPY, MoodState.SAD)}
    found: dict[str, list[str]] = {}
    width = 1280 if scheme == "light" else 390
    with new_page(browser, scheme=scheme, width=width) as page:
        page.goto(server.access.link())
        page.wait_for_url(f"{server.url}/")
        for area in AREAS:
            page.goto(f"{server.url}/{area}")
            if told := barriers(page):
                found[area] = told
    assert not found, json.dumps(found, indent=1)


def test_every_page_has_one_heading_and_a_title(page: Page, server: PageServer) -> None:
    titles = set()
    for area in AREAS:
        page.goto(f"{server.url}/{area}")
        assert page.locator("h1").count() == 1, area
        titles.add(page.title())
    assert all(title.endswith("· Moodtray") for title in titles)


def test_an_address_that_there_is_not_leads_on(page: Page, server: PageServer) -> None:
    """'Choose one from the list' stood there, without a list."""
    answer = page.goto(f"{server.url}/now")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    expect(page.locator("nav a[aria-current]")).to_have_count(0)
    page.get_by_role("main").get_by_role("link", name="Now").click()
    expect(page.locator("[data-live=headline]")).to_have_text("You look happy")
    page.goto(f"{server.url}/moods/bored/add")
    page.get_by_role("navigation").get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", name="History", exact=True)).to_be_visible()


def test_who_has_no_cookie_learns_no_mood_from_a_missing_page(server: PageServer) -> None:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as stranger:
        answer = stranger.get("/static/nothing.css")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert '<html lang="en">' in answer.text, "its class would be the mood"
    assert 'href="/moods"' not in answer.text


# --- now


def test_a_dot_says_how_pleasant_and_lively_it_is(page: Page, server: PageServer) -> None:
    expect(page.locator(".plane")).to_be_visible()  # its place is kept, so that nothing jumps
    expect(page.locator("[data-dot]")).to_be_hidden()
    wait_until(lambda: server.streams == 1, "the open page")
    server.publish(affect=(-0.5, 0.25))
    expect(page.locator("[data-dot]")).to_be_visible()
    expect(page.locator("[data-dot]")).to_have_attribute("cx", "28")
    expect(page.locator("[data-dot]")).to_have_attribute("cy", "39")


def test_the_player_is_read_for_who_opens_now(page: Page, server: PageServer) -> None:
    """What is known of Spotify may be a minute old; the page follows what the reading shows."""
    page.goto(f"{server.url}/")
    expect(page.get_by_role("heading").first).to_be_visible()
    before = server.looks
    page.goto(f"{server.url}/moods")
    assert server.looks == before
    page.goto(f"{server.url}/")
    assert server.looks == before + 1


def test_now_is_live(page: Page, server: PageServer) -> None:
    expect(page.locator("[data-live=headline]")).to_have_text("You look happy")
    wait_until(lambda: server.streams == 1, "the open page")
    now = server.clock.monotonic()
    sad = (0.02, 0.0, 0.03, 0.05, 0.8, 0.0, 0.1)
    server.publish(mood=Mood(MoodState.SAD, now, 0.8, sad))
    expect(page.locator("[data-live=headline]")).to_have_text("You look sad")
    expect(page.locator("[data-bar=sad] span").last).to_have_text("80 %")
    assert page.locator("html").get_attribute("class") == "sad"
    server.publish(problem="The disk is full.")
    expect(page.locator("[data-problem]")).to_contain_text("The disk is full.")
    server.publish(camera=CameraState.OFF, camera_paused=True, status=Status.PAUSED)
    expect(page.get_by_role("button", name="Resume camera")).to_be_visible()
    expect(page.get_by_text("Take a break…")).to_be_visible()  # the music may rest, too
    server.publish(on_break=True)
    expect(page.get_by_text("Take a break…")).to_be_hidden()


@pytest.mark.parametrize(
    ("button", "event"),
    [
        ("Play for my mood", events.PlayForMood()),
        ("Next playlist", events.NextPlaylist()),
        ("Pause music", events.PauseMusic()),
        ("I just do not feel happy", events.NotMyMood(MoodState.HAPPY)),
        ("surprised", events.SetMood(MoodState.SURPRISE, 30.0, MoodState.HAPPY)),
        ("Next track", events.NextTrack()),
    ],
)
def test_buttons(page: Page, server: PageServer, button: str, event: events.Event) -> None:
    page.get_by_role("button", name=button, exact=True).click()
    wait_until(lambda: server.events == [event], button)


def test_the_answer_is_told_on_the_page_in_the_agents_words(page: Page, server: PageServer) -> None:
    for button in ("Next playlist", "surprised", "Undo the last change"):
        server.answer = f"♪ Rain plays on. That is the answer to “{button}”."
        page.get_by_role("button", name=button, exact=True).click()
        said(page, server.answer)
    server.answer = None  # it takes long
    page.get_by_role("button", name="Next playlist").click()
    said(page, "Asked for another playlist for this mood.")


def test_undo_takes_back_the_change_that_was_shown(page: Page, server: PageServer) -> None:
    page.get_by_role("button", name="Undo").click()
    wait_until(lambda: server.events == [events.UndoSwitch(server.snapshot.switch)], "undo")
    server.publish(undo_to=None)  # as in the menu
    expect(page.get_by_role("button", name="Undo")).to_be_hidden()


def test_undo_ends_a_journey_that_has_not_changed_the_music_yet(
    page: Page, server: PageServer
) -> None:
    journey = JourneyView(1, 2, MoodState.SAD, MoodState.HAPPY)
    server.publish(undo_to=None, journey=journey, undoes_journey=True)
    page.get_by_role("button", name="Undo").click()
    wait_until(lambda: server.events == [events.EndJourney()], "end of the journey")


def test_what_pauses_can_go_on(page: Page, server: PageServer) -> None:
    assert server.snapshot.playback is not None
    from dataclasses import replace

    server.publish(playback=replace(server.snapshot.playback, state=PlayState.PAUSED))
    page.get_by_role("button", name="Resume music").click()
    wait_until(lambda: server.events == [events.ResumeMusic()], "resume")


def test_names_are_text(page: Page, server: PageServer) -> None:
    from dataclasses import replace

    assert server.snapshot.playback is not None
    evil = "<img src=x onerror=alert(1)>\u202e‮&amp;" + "x" * 400
    server.publish(playback=replace(server.snapshot.playback, context_name=evil, title=evil))
    expect(page.locator("[data-live='music.title']")).to_contain_text("<img src=x")
    page.goto(server.url)
    expect(page.locator("[data-live='music.title']")).to_contain_text("<img src=x")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# --- the own face


def test_a_face_is_learned_step_by_step(page: Page, server: PageServer) -> None:
    server.desk.allowed = True
    expect(page.locator("[data-live='face.line']")).to_have_text(
        "Your face is read like anybody's."
    )
    page.get_by_role("link", name="Learn my face…").click()
    expect(page.locator("[data-still]")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    wait_until(lambda: server.streams == 1, "the open page")
    page.get_by_role("button", name="Learn my face").click()
    said(page, "Look as you do when you work.")
    assert server.events == [events.BeginLesson()]
    sad, calm = (0.0, 0.0, 0.0, 0.1, 0.6, 0.0, 0.3), (0.0, 0.0, 0.0, 0.1, 0.2, 0.0, 0.7)
    server.publish(lesson=LessonView(LessonStage.REST, 0.4, None, sad, calm))
    expect(page.get_by_role("heading", name="Look as you do when you work: 40 %.")).to_be_visible()
    expect(page.locator("[data-progress]")).to_have_attribute("width", "40%")
    expect(page.locator("[data-pair=sad] span")).to_have_text(["sad", "60 %", "20 %"])
    expect(page.locator("[data-pair=sad] rect").last).to_have_attribute("width", "20%")
    expect(page.get_by_role("button", name="Learn my face")).to_be_hidden()
    server.publish(lesson=LessonView(LessonStage.REST, 0.5, None, sad, calm, "No face is there."))
    expect(page.get_by_role("heading", name="No face is there.")).to_be_visible()
    server.publish(lesson=LessonView(LessonStage.READY, 0.1, None, sad, calm))
    page.get_by_role("button", name="happy").click()
    said(page, "Now look happy.")
    page.get_by_role("button", name="Keep it").click()
    said(page, "Your face is learned.")
    assert server.events[1:] == [events.ShowInLesson(MoodState.HAPPY), events.KeepLesson()]
    server.publish(lesson=LessonView(LessonStage.LEARNED, 1.0), own_face=OwnFace.LEARNED)
    expect(page.get_by_role("heading", name="Your face is learned.")).to_be_visible()
    page.get_by_role("button", name="Forget what was learned").click()
    page.get_by_role("button", name="Forget it").click()
    expect(page.get_by_role("status")).to_contain_text("Your face is forgotten.")
    assert server.events[-1] == events.LearnFace(None)
    server.publish(lesson=None, own_face=None)
    expect(page.get_by_role("button", name="Forget what was learned")).to_be_hidden()
    expect(page.locator("[data-pair=sad]")).to_be_hidden()


def test_what_was_not_begun_cannot_be_kept(page: Page, server: PageServer) -> None:
    server.desk.allowed = True
    server.publish(lesson=LessonView(LessonStage.READY, 0.1))
    page.goto(f"{server.url}/face")
    expect(page.get_by_role("button", name="Keep it")).to_be_visible()
    keep = page.get_by_role("button", name="Keep it").element_handle()
    server.snapshot = replace(server.snapshot, lesson=None)  # it has just ended
    keep.dispatch_event("click")  # though the page may know by now, and hide it
    said(page, "Your face at rest is not known yet. Begin first.")
    assert server.events == []


# --- moods and music


def test_a_folder_is_added_ordered_played_copied_and_taken_out(
    page: Page, server: PageServer, tmp_path: Path
) -> None:
    for name in ("Alpha", "Beta"):
        (tmp_path / "Tunes" / name).mkdir(parents=True)
        (tmp_path / "Tunes" / name / "1.mp3").write_bytes(b"")
    page.get_by_role("link", name="Moods and music").click()
    page.get_by_role("link", name="Choose music for sad").click()
    page.get_by_role("link", name="Tunes").click()
    expect(page.get_by_text("2 songs")).to_be_visible()
    page.get_by_role("button", name="Add Alpha").click()
    said(page, "“Alpha” was added to the music for sad.")
    page.get_by_role("button", name="Add Beta").click()
    said(page, "“Beta” was added to the music for sad.")
    page.get_by_role("link", name="← Moods and music").click()
    alpha, beta = (str(tmp_path / "Tunes" / name) for name in ("Alpha", "Beta"))
    assert server.settings.load().local_playlists["sad"] == (alpha, beta)
    page.get_by_role("button", name="Move Beta up").click()
    said(page, "The order is kept.")
    assert server.settings.load().local_playlists["sad"] == (beta, alpha)
    items = page.locator("[data-sort] > li")
    items.nth(1).drag_to(items.nth(0))
    wait_until(lambda: server.settings.load().local_playlists["sad"] == (alpha, beta), "the drag")
    page.get_by_role("button", name="Play Beta").click()
    wait_until(lambda: isinstance(server.events[-1], events.PlayPlaylist), "play")
    page.get_by_text("Copy to another mood").click()
    page.get_by_label("Mood to copy to").select_option("angry")
    page.get_by_role("button", name="Copy", exact=True).click()
    said(page, "Copied to angry.")
    assert server.settings.load().local_playlists["angry"] == (alpha, beta)
    sad = page.locator("section.sad")
    sad.get_by_role("button", name="Take Alpha out").click()
    said(page, "“Alpha” was taken out. Undo")
    assert server.settings.load().local_playlists["sad"] == (beta,)
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    said(page, "“Alpha” is back.")
    assert server.settings.load().local_playlists["sad"] == (alpha, beta), "at its place"
    expect(sad.get_by_role("button", name="Take Alpha out")).to_be_visible()


def test_the_folders_of_moods_are_a_click_away(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/moods")
    page.get_by_role("button", name="Open my music folders").click()
    wait_until(lambda: server.events == [events.ShowMusicFolders()], "the folders")
    said(page, "Your music folders are being opened.")
    page.goto(f"{server.url}/moods?of=spotify")
    expect(page.get_by_role("button", name="Open my music folders")).to_have_count(0)


def test_a_folder_of_music_that_came_later_is_two_clicks_away(
    page: Page, server: PageServer, tmp_path: Path
) -> None:
    server.music_folder = tmp_path / "Music"  # made after Moodtray was started
    (server.music_folder / "Summer songs").mkdir(parents=True)
    page.goto(f"{server.url}/moods?of=local")
    page.get_by_role("link", name="Choose music for happy…").click()
    page.get_by_role("button", name="Add Summer songs").click()
    said(page, re.compile("“Summer songs” was added"))


def test_what_is_dragged_takes_the_place_it_is_dropped_on(page: Page, server: PageServer) -> None:
    """Downwards to the very end, upwards to the very beginning; nothing is said of nothing."""

    def order() -> tuple[str, ...]:
        names = server.settings.load().local_playlists["sad"]
        return tuple(name.removeprefix("local:") for name in names)

    server.settings.change("local_playlists.sad", ["local:happy", "local:sad", "local:fear"])
    page.goto(f"{server.url}/moods")
    items = page.locator("section.sad [data-sort] > li")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    items.nth(1).drag_to(items.nth(1))
    page.wait_for_timeout(300)
    assert "POST" not in asked
    expect(page.locator("#said")).to_be_empty()
    for source, target, wanted in (
        (0, 1, ("sad", "happy", "fear")),
        (0, 2, ("happy", "fear", "sad")),
        (2, 0, ("sad", "happy", "fear")),
        (2, 1, ("sad", "fear", "happy")),
    ):
        items.nth(source).drag_to(items.nth(target))
        wait_until(lambda wanted=wanted: order() == wanted, f"{source} to {target}", 10.0)
        said(page, "The order is kept.")
        expect(page.locator("main [aria-busy=true]")).to_have_count(0)
        page.goto(f"{server.url}/moods")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "Nothing was entered."),
        ("x" * 10_000, "This is too long"),
        ("/gone\u0007away", "There are invisible characters in it."),
        ("<b>bold</b>", "The folder <b>bold</b> is not there."),
        ("/nowhere/at/all", "The folder /nowhere/at/all is not there."),
    ],
)
def test_what_cannot_be_added_is_told_at_the_field(
    page: Page, server: PageServer, typed: str, told: str
) -> None:
    page.goto(f"{server.url}/moods/happy/add")
    field = page.get_by_label("Path of a folder")
    field.fill(typed)
    field.press("Enter")
    expect(page.locator("form", has=field).locator(".error")).to_contain_text(told)
    assert field.input_value() == typed
    assert server.settings.load().local_playlists == {}


def test_proposals_and_own_playlists(page: Page, server: PageServer) -> None:
    server.desk.player = "spotify"
    server.desk.cards = [
        Card("spotify:playlist:1", "Sommer auf dem Balkon", "84 songs"),
        Card("spotify:playlist:2", "Deep Focus", "52 songs"),
        Card("spotify:playlist:3", "Untitled", "1 song"),
    ]
    page.goto(f"{server.url}/moods/happy/add")
    proposed = page.locator("section", has=page.get_by_role("heading", name="These may fit"))
    assert proposed.locator("li").count() == 1
    proposed.get_by_role("button", name="Add Sommer").click()
    expect(page.get_by_role("status")).to_contain_text("was added to the music for happy")
    assert server.settings.load().spotify_playlists == {"happy": ("spotify:playlist:1",)}
    server.desk.error = Offline("There is no connection to Spotify.")
    page.goto(f"{server.url}/moods/sad/add")
    expect(page.get_by_text("There is no connection to Spotify.")).to_be_visible()


def test_a_huge_folder_answers_at_once(
    page: Page, server: PageServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting it has not even begun while its page can be used."""
    huge = tmp_path / "huge"
    huge.mkdir()
    first = huge / "0.mp3"
    first.touch()
    for number in range(1, 50_000):  # links, which are ten times as quick to make
        os.link(first, huge / f"{number}.mp3")
    may_count = threading.Event()
    count = Counter._run

    def wait_and_count(self: Counter, *args: Any) -> None:
        may_count.wait(60)
        count(self, *args)

    monkeypatch.setattr(Counter, "_run", wait_and_count)
    page.goto(f"{server.url}/moods/happy/add?folder={huge}")
    expect(page.get_by_text("counting…")).to_be_visible()
    page.get_by_role("button", name="Add this folder").click()
    said(page, "“huge” was added to the music for happy.")
    page.goto(f"{server.url}/moods/happy/add?folder={huge}")
    may_count.set()
    expect(page.get_by_text("50 000 songs")).to_be_visible()


def test_the_mapping_as_a_file(page: Page, server: PageServer, tmp_path: Path) -> None:
    server.settings.change("local_playlists.happy", ["local:happy", "/music/Sommer & Söhne"])
    page.goto(f"{server.url}/moods")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as a file").click()
    kept = tmp_path / download.value.suggested_filename
    download.value.save_as(kept)
    server.settings.change("local_playlists.happy", None)
    page.reload()
    page.locator("#mapping").set_input_files(kept)
    page.get_by_role("button", name="Load it").click()
    said(page, "The music list was loaded.")
    assert server.settings.load().local_playlists["happy"][1] == "/music/Sommer & Söhne"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("#EXTM3U\nsong.mp3\n", "This file is no music list of Moodtray"),
        ('[package]\nname = "x"\n', "it has neither [local_playlists] nor"),
        ('[local_playlists]\nhapy = ["x"]\n', "hapy"),
        ('[camera]\nsource = 1\n[local_playlists]\nhappy = ["local:happy"]\n', "holds more"),
        ('[local_playlists]\nhappy = "local:happy"\n', "local_playlists.happy"),
        (f"[local_playlists]\nx = {'9' * 5_000}\n", "too large"),
        (f"[local_playlists]\nx = 0x{'f' * 50_000}\n", "too large"),
        ("[local_playlists]\nx = 2026-02-31\n", "no music list"),
    ],
)
def test_another_programs_file_is_refused(
    page: Page, server: PageServer, tmp_path: Path, text: str, told: str
) -> None:
    server.settings.change("local_playlists.sad", ["local:sad"])
    page.goto(f"{server.url}/moods")
    file = tmp_path / "other.toml"
    file.write_text(text)
    page.locator("#mapping").set_input_files(file)
    page.get_by_role("button", name="Load it").click()
    form = page.locator("form", has=page.locator("#mapping"))
    expect(form.locator(".error")).to_contain_text(told)
    assert server.settings.load().local_playlists == {"sad": ("local:sad",)}


# --- settings


def test_a_setting_is_saved_at_once_and_remarks_stay(page: Page, server: PageServer) -> None:
    file = server.paths.settings_file
    file.write_text("# mine\n" + file.read_text())
    page.goto(f"{server.url}/settings")
    field = page.get_by_role("textbox", name="Pause between changes")
    field.fill("45")
    field.press("Tab")
    said(page, "Saved: Pause between changes.")
    text = file.read_text()
    assert text.startswith("# mine\n")
    assert "cooldown = 45" in text
    assert any(isinstance(event, events.SettingsChanged) for event in server.events)
    page.get_by_role("button", name="Pause between changes as shipped").click()
    said(page, "Pause between changes is as shipped again.")
    assert "\ncooldown" not in file.read_text()
    page.get_by_role("switch", name="Start music by itself").click()
    said(page, "Saved: Start music by itself.")
    assert server.settings.load().policy.start_when_silent is True
    page.get_by_label("Change", exact=True).select_option("now")
    said(page, "Saved: Change.")
    assert server.settings.load().policy.timing == "now"


def test_a_mistake_is_told_in_the_pages_own_words(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/settings")
    field = page.get_by_role("textbox", name="Pause between changes")
    for typed, told in (
        ("-5", "“Pause between changes” must be a number from 0 to"),
        ("soon", 'not "soon"'),
    ):
        field.fill(typed)
        field.press("Tab")
        expect(page.locator("[id='e-policy.cooldown']")).to_contain_text(told)
        assert field.get_attribute("aria-invalid") == "true"
        assert field.input_value() == typed
    assert server.settings.load().policy.cooldown == 120.0


def test_two_tabs(page: Page, browser: Browser, server: PageServer) -> None:
    """The second one that saves is told, and overwrites only when it says so once more."""
    page.goto(f"{server.url}/settings")
    page.evaluate("source.close()")  # this tab has not heard of the other's change yet
    server.settings.change("policy.cooldown", 60.0)
    field = page.get_by_role("textbox", name="Pause between changes")
    field.fill("30")
    field.press("Tab")
    expect(page.locator("[id='e-policy.cooldown']")).to_contain_text("It was set to “60” meanwhile")
    assert server.settings.load().policy.cooldown == 60.0
    field.press("Enter")
    said(page, "Saved: Pause between changes.")
    assert server.settings.load().policy.cooldown == 30.0


def test_an_older_tab_goes_on_when_another_page_was_opened(page: Page, server: PageServer) -> None:
    """Each visit from the tray leaves a new cookie in the browser; what is open takes it in."""
    other = page.context.new_page()
    other.goto(server.access.link("settings"))
    other.wait_for_url(f"{server.url}/settings")
    page.get_by_role("button", name="Next playlist").click()
    wait_until(lambda: server.events == [events.NextPlaylist()], "the older tab")
    other.bring_to_front()
    field = other.get_by_role("textbox", name="Pause between changes")
    field.fill("30")
    field.press("Tab")
    said(other, "Saved: Pause between changes.")


def test_a_change_on_disk_shows_up(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/settings")
    wait_until(lambda: server.streams > 0, "the open page")
    SettingsFile(server.paths).change("policy.cooldown", 77.0)
    server.publish()
    expect(page.get_by_role("textbox", name="Pause between changes")).to_have_value("77")


def test_a_broken_file_is_told_and_left_alone(page: Page, server: PageServer) -> None:
    server.paths.settings_file.write_text("[policy\ncooldown = 1\n")
    page.goto(f"{server.url}/settings")
    expect(page.get_by_role("alert").first).to_contain_text("The settings file has a mistake")
    field = page.get_by_role("textbox", name="Pause between changes")
    field.fill("45")
    field.press("Tab")
    expect(page.locator("[id='e-policy.cooldown']")).to_contain_text("line 1")
    assert server.paths.settings_file.read_text() == "[policy\ncooldown = 1\n"


def test_a_setting_is_found_by_its_words(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/settings")
    page.get_by_label("Find a setting").fill("battery")
    expect(page.get_by_label("Look every, on battery")).to_be_visible()
    expect(page.get_by_label("Volume")).to_be_hidden()


# --- history


def test_history_shows_exports_and_deletes(page: Page, server: PageServer) -> None:
    fill_history(server.history, server.clock.now())
    yesterday = server.clock.now() - timedelta(days=1)
    page.goto(f"{server.url}/history?day={yesterday:%Y-%m-%d}")
    expect(page.get_by_role("heading", name=f"{yesterday.day} ")).to_be_visible()
    expect(page.locator("svg.band rect.happy").first).to_be_visible()
    page.get_by_text("The same as a table").click()
    expect(page.get_by_role("cell", name="08:05", exact=True).first).to_be_visible()
    expect(page.get_by_text("taken back by you").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as JSON").click()
    kept = json.loads(Path(download.value.path()).read_text())
    assert len(kept["moods"]) == len(server.history.moods())
    assert {answer["kind"] for answer in kept["answers"]} == {"undo"}
    day = terms.day(yesterday)
    page.get_by_role("button", name=f"All of {day}…").click()
    page.get_by_role("button", name="No, leave it").click()
    assert server.forgotten == []
    page.get_by_role("button", name=f"All of {day}…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    said(page, f"All of {day} was deleted.")
    midnight = yesterday.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    assert server.forgotten == [(midnight, midnight + 86_400)]
    page.get_by_label(f"One hour of {day}").select_option(label="09:00 – 10:00")
    page.get_by_role("button", name="Delete…", exact=True).click()
    page.get_by_role("button", name="Delete", exact=True).click()
    wait_until(lambda: server.forgotten[1:] == [(midnight + 9 * 3600, midnight + 36_000)], "hour")
    page.get_by_role("button", name="Everything…").click()
    expect(page.locator("#ask")).to_contain_text("settings and logins stay")
    page.get_by_role("button", name="Delete everything").click()
    said(page, "All that was noted is deleted.")
    assert server.forgotten[2:] == [(0.0, float("inf"))], "all, not the history alone"


def test_formulas_in_names_stay_texts(page: Page, server: PageServer) -> None:
    evil = Playlist("local:x", "=HYPERLINK(0)")
    decision = Decision(0.0, Action.SWITCH_NOW, MoodState.HAPPY, evil, "@SUM(1)")
    server.history.add_switch(server.clock.now(), decision)
    page.goto(f"{server.url}/history")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as CSV").click()
    text = Path(download.value.path()).read_text()
    assert "'=HYPERLINK(0)" in text
    assert "'@SUM(1)" in text


@pytest.mark.parametrize("before", ["", " ", "x;", "x; ", 'x;"', "x\t", "x\n", "x\r\n", "x,", "x|"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝"])
def test_no_cell_of_any_spreadsheet_is_a_formula(before: str, sign: str) -> None:
    """Some part cells at semicolons: those of countries with a comma in their numbers."""
    now = datetime(2026, 11, 28, tzinfo=UTC)
    name = f"{before}{sign}1+1"
    entry = SwitchEntry(now, Action.SWITCH_NOW, MoodState.HAPPY, "local:x", name, "a reason")
    text = "".join(as_csv([], [entry], []))
    assert f"{sign}1+1" in text
    for separator in (",", ";", "\t", "|"):
        for row in csv.reader(text.splitlines(), delimiter=separator):
            assert not any(cell.strip(' "').startswith(sign) for cell in row)


def test_a_change_is_shown_and_exported_with_its_evidence(page: Page, server: PageServer) -> None:
    correction = (0.0, 0.0, 0.0, 0.0, -1.2, 0.0, 0.4)
    found = Evidence(SEVEN, MoodState.NEUTRAL, 240.0, correction, 0.88)
    list_ = Playlist("local:happy", "Summer")
    decision = Decision(0.0, Action.SWITCH_NOW, MoodState.HAPPY, list_, "you look happy", found)
    now = server.clock.now()
    server.history.add_mood(now, Mood(MoodState.HAPPY, 0.0, 0.86, SEVEN), (0.75, 0.25))
    server.history.add_switch(now, decision)
    page.goto(f"{server.url}/history")
    cell = page.get_by_role("cell", name="Summer You look happy.")
    expect(cell).to_contain_text("Happy was at 86 %; for 4 min;")
    expect(cell).to_contain_text("next came neutral with 7 %; read as your own face.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as JSON").click()
    kept = json.loads(Path(download.value.path()).read_text())
    assert (kept["moods"][0]["valence"], kept["moods"][0]["arousal"]) == (0.75, 0.25)
    (change,) = kept["changes"]
    assert change["probabilities"]["happy"] == 0.86
    assert (change["runner_up"], change["mood_seconds"]) == ("neutral", 240.0)
    assert (change["correction"]["sad"], change["threshold"]) == (-1.2, 0.88)
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as CSV").click()
    mood, switch = csv.DictReader(Path(download.value.path()).read_text().splitlines())
    assert (mood["happy"], mood["valence"], mood["runner_up"]) == ("0.86", "0.75", "")
    assert (switch["happy"], switch["runner_up"], switch["own_face"]) == ("0.86", "neutral", "True")
    assert (switch["correction_sad"], switch["threshold"]) == ("-1.2", "0.88")


@pytest.mark.parametrize("day", ["", "yesterday", "9999-12-31", "0001-01-01", "2026-02-30"])
@pytest.mark.parametrize("view", ["day", "week", "month", "century"])
def test_odd_days_show_some_day(server: PageServer, view: str, day: str) -> None:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as user:
        user.get(server.access.link())
        answer = user.get("/history", params={"view": view, "day": day})
    assert answer.status_code == 200
    assert "Nothing was noted in this time." in answer.text


def test_a_setting_is_found_by_its_words_or_its_name_in_the_file(
    page: Page, server: PageServer
) -> None:
    page.goto(f"{server.url}/settings")
    search, interval = page.get_by_label("Find a setting"), page.get_by_label("Look every").first
    none = page.get_by_text("No setting has these words in it.")
    search.fill("time between")
    expect(interval).to_be_visible()
    expect(page.get_by_role("textbox")).to_have_count(1)
    search.fill("camera.interval")
    expect(interval).to_be_visible()
    interval.fill("7")
    interval.press("Tab")
    said(page, "Saved: Look every.")
    expect(search).to_have_value("camera.interval")  # still found after the page was made anew
    expect(page.get_by_role("textbox", name="Pause between changes")).to_be_hidden()
    expect(none).to_be_hidden()
    search.fill("weather")
    expect(none).to_be_visible()
    search.fill("")
    expect(none).to_be_hidden()
    expect(page.get_by_role("textbox", name="Pause between changes")).to_be_visible()


# --- first steps


def test_where_one_is_is_seen_on_a_narrow_window(browser: Browser, server: PageServer) -> None:
    """The rows of pages and of steps are wider than the window there."""
    with new_page(browser, width=400) as page:
        page.goto(server.access.link())
        page.wait_for_url(f"{server.url}/")
        page.goto(f"{server.url}/start?step=try")
        for current in ("a[aria-current=page]", "a[aria-current=step]"):
            expect(page.locator(current)).to_be_in_viewport(ratio=0.99)


def test_music_that_is_added_in_the_first_steps_leads_back_there(
    page: Page, server: PageServer, tmp_path: Path
) -> None:
    (tmp_path / "Rain").mkdir()
    page.goto(f"{server.url}/start?step=moods")
    page.get_by_role("link", name="Add music for sad").click()
    page.get_by_role("link", name="Rain").click()
    page.get_by_role("button", name="Add this folder").click()
    said(page, "“Rain” was added to the music for sad.")
    page.get_by_role("link", name="← First steps").click()
    expect(page.get_by_role("heading", name="Which music for which mood")).to_be_visible()
    expect(page.get_by_text("1 of 7 moods")).to_be_visible()


def test_steps_are_left_and_resumed(page: Page, server: PageServer) -> None:
    server.publish(consent=False)
    page.get_by_role("link", name="First steps").click()
    expect(page.get_by_role("heading", name="May Moodtray use the camera?")).to_be_visible()
    expect(page.get_by_text(server.desk.text.splitlines()[0])).to_be_visible()
    page.get_by_role("button", name="Allow the camera").click()
    expect(page.get_by_text("This look: happy (86 %)")).to_be_visible()
    assert server.desk.allowed
    assert events.ConsentGiven() in server.events
    server.publish(consent=True)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Where the music comes from")).to_be_visible()
    page.get_by_role("link", name="Now", exact=True).click()
    page.get_by_role("link", name="First steps").click()  # the camera is seen to work
    expect(page.get_by_role("heading", name="Where the music comes from")).to_be_visible()
    page.get_by_role("link", name="Your consent").click()
    page.get_by_role("button", name="Take it back…").click()
    expect(page.get_by_text("'moodtray forget --everything'")).to_be_visible()
    page.get_by_role("button", name="Take it back", exact=True).click()
    expect(page.get_by_text("Your permission is taken back")).to_be_visible()
    expect(page.get_by_role("button", name="Allow the camera")).to_be_visible()
    assert not server.desk.allowed


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        ("0123456789abcdef0123456789abcdef", True),
        (
            "  https://developer.spotify.com/dashboard/0123456789ABCDEF0123456789abcdef/settings ",
            True,
        ),
        ("0123456789abcdef", False),
        ("", False),
        ("<script>alert(1)</script>", False),
        ("x" * 10_000, False),
    ],
)
def test_client_ids(page: Page, server: PageServer, pasted: str, found: bool) -> None:
    page.goto(f"{server.url}/spotify")
    field = page.get_by_label("Client ID")
    field.fill(pasted)
    page.get_by_role("button", name="Log in").click()
    if found:
        wait_until(lambda: server.desk.logins, "the login")
        client_id, back = server.desk.logins[0]
        assert client_id.lower() == "0123456789abcdef0123456789abcdef"
        assert back == f"{server.url}/spotify"
    else:
        expect(page.locator("form", has=field).locator(".error")).not_to_be_empty()
        assert server.desk.logins == []


# --- an agent that goes and comes back


def test_the_page_says_that_the_agent_is_gone_and_goes_on_with_the_next(
    browser: Browser, tmp_path: Path
) -> None:
    from agent.web import loopback

    with new_page(browser) as page:
        with PageServer(tmp_path) as first:
            page.goto(first.access.link())
            page.wait_for_url(f"{first.url}/")
            wait_until(lambda: first.streams == 1, "the open page")
            port = first.port
        expect(page.locator("#lost")).to_be_visible()
        expect(page.locator("#lost")).to_contain_text("goes on by itself")
        page.get_by_role("button", name="Next playlist").click()
        expect(page.get_by_role("status")).to_contain_text("Nothing was changed.")
        with PageServer(tmp_path, loopback.listen(port)) as second:
            wait_until(lambda: second.streams == 1, "the page's return")
            expect(page.locator("#lost")).to_be_hidden()
            newer = page.context.new_page()  # as from the icon in the tray
            newer.goto(second.access.link())
            newer.wait_for_url(f"{second.url}/")
            page.get_by_role("button", name="Next playlist").click()
            wait_until(lambda: second.events == [events.NextPlaylist()], "the button")


def test_a_full_disk_is_told_at_the_field(
    page: Page, server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import os

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    page.goto(f"{server.url}/settings")
    before = server.paths.settings_file.read_text()
    monkeypatch.setattr(os, "fsync", full)
    field = page.get_by_role("textbox", name="Pause between changes")
    field.fill("45")
    field.press("Tab")
    expect(page.locator("[id='e-policy.cooldown']")).to_contain_text("the disk is full")
    assert field.input_value() == "45"
    assert server.paths.settings_file.read_text() == before


def test_seven_bars_of_a_face(page: Page) -> None:
    for name, share in zip(
        ("angry", "happy", "neutral"), (SEVEN[0], SEVEN[3], SEVEN[6]), strict=True
    ):
        expect(page.locator(f"[data-bar={name}] span").last).to_have_text(f"{round(100 * share)} %")


def test_quiet_hours_have_two_ends(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/settings")
    page.get_by_role("textbox", name="Quiet from").fill("23:15")
    page.get_by_role("textbox", name="Quiet from").press("Tab")
    expect(page.get_by_role("textbox", name="Quiet until")).to_have_value("07:00")
    kept = server.settings.load().notifications
    assert str(kept.quiet_from) == "23:15:00"
    page.get_by_role("button", name="Quiet from as shipped").click()
    expect(page.get_by_role("textbox", name="Quiet until")).to_have_value("")
    assert server.settings.load().notifications.quiet_to is None
