"""What the page says is so, and looking at it changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect

from agent import events
from agent.store import catalogues
from agent.timing import tomorrow
from agent.translation import _
from agent.types import (
    Action,
    CameraState,
    Decision,
    Mood,
    MoodState,
    OwnFace,
    Playlist,
    PlayState,
    Status,
)
from agent.web.page.context import CameraChoice
from agent.web.page.history_view import midnight
from agent.wording import MOODS, describe
from tests.browser import new_page
from tests.web.page.harness import PageServer, fill_history, wait_until
from tests.web.page.test_areas import said


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    catalogues.speak("en")
    yield
    catalogues.speak("en")


# --- whose music is looked at, and whose plays


def test_to_look_at_spotify_changes_nothing(page: Page, server: PageServer) -> None:
    server.settings.change("local_playlists.happy", ["/music/Summer"])
    before = server.paths.settings_file.read_text()
    page.goto(f"{server.url}/moods")
    page.get_by_role("link", name="Spotify", exact=True).click()
    expect(page.get_by_text("Nobody is logged in to Spotify here")).to_be_visible()
    expect(page.get_by_text("Summer")).to_be_hidden()
    page.get_by_role("link", name="Log in to Spotify…").click()
    expect(page.get_by_role("heading", name="Spotify", exact=True)).to_be_visible()
    assert (server.paths.settings_file.read_text(), server.events) == (before, [])


def test_what_is_added_belongs_to_what_is_looked_at(page: Page, server: PageServer) -> None:
    server.desk.logged_in = True
    page.goto(f"{server.url}/moods?of=spotify")
    page.get_by_role("link", name="Choose music for sad").click()
    page.get_by_label("Link of a playlist").fill("spotify:playlist:abc")
    page.get_by_label("Link of a playlist").press("Enter")
    said(page, "“abc” was added to the music for sad.")
    page.get_by_role("link", name="← Moods and music").click()
    expect(page.locator("section.sad").get_by_text("abc")).to_be_visible()
    kept = server.settings.load()
    assert (kept.player, kept.spotify_playlists["sad"]) == ("auto", ("spotify:playlist:abc",))


@pytest.mark.parametrize(
    ("plays", "looked_at", "button"),
    [
        ("local", "spotify", "Use Spotify"),
        ("spotify", "local", "Use the music on this computer"),
    ],
)
def test_one_button_changes_who_plays(
    page: Page, server: PageServer, plays: Any, looked_at: str, button: str
) -> None:
    server.desk.logged_in, server.desk.player = True, plays
    page.goto(f"{server.url}/moods")
    expect(page.get_by_role("button", name="Use ")).to_be_hidden()
    page.goto(f"{server.url}/moods?of={looked_at}")
    page.get_by_role("button", name=button).click()
    wait_until(lambda: server.settings.load().player == looked_at, "the choice")


def test_spotify_without_a_login_waits_for_it_and_the_music_plays_on(
    page: Page, server: PageServer
) -> None:
    server.settings.change("player", "local")
    page.goto(f"{server.url}/start?step=music")
    page.locator("#use-spotify").click()
    expect(page.get_by_label("Client ID")).to_be_visible()
    assert server.settings.load().player == "auto", "Spotify, once somebody is logged in"
    server.desk.logged_in = True
    page.goto(f"{server.url}/start?step=music")
    page.locator("#use-spotify").click()
    wait_until(lambda: server.settings.load().player == "spotify", "the choice")


def test_a_missing_login_is_told_with_the_way_to_it(page: Page, server: PageServer) -> None:
    from agent.wording import LOG_IN

    problem = f"Moodtray is not logged in to Spotify. {LOG_IN}"
    server.publish(problem=problem, logged_in=False)
    shown = page.locator("[data-problem]")
    expect(shown.locator("span")).to_have_text("Moodtray is not logged in to Spotify.")
    shown.get_by_role("link", name="Log in to Spotify…").click()
    page.wait_for_url(f"{server.url}/spotify")


def test_a_click_is_not_lost_while_the_page_is_made_anew(page: Page, server: PageServer) -> None:
    """What was pressed had been replaced when the button went up, and nothing happened."""
    held: list[Route] = []
    page.route(f"{server.url}/", lambda route: held.append(route))
    server.publish(problem="Moodtray is not logged in to Spotify.", logged_in=False)
    link = page.get_by_role("link", name="Log in to Spotify…")
    expect(link).to_be_visible()
    wait_until(lambda: page.evaluate("true") and held, "the page is asked for")
    link.hover()
    page.mouse.down()
    with page.expect_response(f"{server.url}/"):
        held[0].continue_()
    page.evaluate("() => new Promise((done) => setTimeout(done, 300))")
    page.mouse.up()
    page.wait_for_url(f"{server.url}/spotify")


def two_folders(server: PageServer, tmp_path: Path) -> None:
    for name in ("Alpha", "Beta"):
        (tmp_path / name).mkdir()
    folders = (str(tmp_path / "Alpha"), str(tmp_path / "Beta"))
    settings = server.settings.load()
    server.settings.save(settings.model_copy(update={"local_playlists": {"sad": folders}}))


@pytest.mark.parametrize("news", [True, False])
def test_what_is_chosen_and_not_sent_yet_outlives_a_page_made_anew(
    page: Page, server: PageServer, tmp_path: Path, news: bool
) -> None:
    """The music went to 'happy': the answer to a move came between the choice and its click."""
    two_folders(server, tmp_path)
    page.goto(f"{server.url}/moods?of=local")
    page.get_by_label("Add a folder for happy").fill("/half/typed")
    page.get_by_text("Copy to another mood").click()
    to = page.get_by_label("Mood to copy to")
    held: list[Route] = []
    page.route("**/moods?of=local", lambda it: it.continue_() if held else held.append(it))
    if news:
        server.publish(problem="Moodtray is not logged in to Spotify.", logged_in=False)
    else:
        page.get_by_role("button", name="Move Beta up").click()
    wait_until(lambda: page.evaluate("true") and held, "the page is asked for")
    to.select_option("angry")
    page.evaluate("document.querySelector('main').firstElementChild.dataset.old = ''")
    held[0].continue_()
    expect(page.locator("[data-old]")).to_have_count(0)
    expect(to).to_have_value("angry")
    expect(page.get_by_label("Add a folder for happy")).to_have_value("/half/typed")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Copied to angry.")
    expect(page.locator("section.sad").get_by_label("Mood to copy to")).to_have_value("happy")
    assert "angry" in server.settings.load().local_playlists


def test_what_is_changed_while_the_page_is_made_anew_is_shown_too(
    page: Page, server: PageServer, tmp_path: Path
) -> None:
    """The second of two quick moves was not shown: the page was of the time before it."""
    two_folders(server, tmp_path)
    page.goto(f"{server.url}/moods?of=local")
    page.evaluate("source.close()")  # no news will make it anew
    held: list[Route] = []

    def hold(route: Route) -> None:
        answer = route.fetch()
        held.append(route)
        route.fulfill(response=answer) if len(held) > 1 else bodies.append(answer)

    bodies: list[APIResponse] = []
    page.route("**/moods?of=local", hold)
    page.get_by_role("button", name="Move Beta up").click()
    wait_until(lambda: page.evaluate("true") and bodies, "the page before the second change")
    page.get_by_role("button", name="Take Alpha out").click()
    wait_until(
        lambda: (
            page.evaluate("true")
            and server.settings.load().local_playlists["sad"] == (str(tmp_path / "Beta"),)
        ),
        "the second change",
    )
    held[0].fulfill(response=bodies[0])
    expect(page.get_by_role("button", name="Take Alpha out")).to_have_count(0)


# --- why, and what next


def test_silence_without_a_change_has_its_reason(page: Page, server: PageServer) -> None:
    """'Why is it silent?' was answered by what is not noted."""
    why = "nothing plays, and Moodtray starts music only when asked"
    keeps = Decision(server.clock.monotonic(), Action.KEEP, MoodState.HAPPY, None, why)
    server.publish(switch=None, change=None, decision=keeps, playback=None)
    expect(page.locator("[data-live=question]")).to_have_text("Why is it silent?")
    expect(page.locator("[data-live=why]")).to_have_text(f"N{why[1:]}.")
    expect(page.locator("[data-live=next]")).to_have_text("No change is planned.")


def test_music_that_is_left_alone_says_until_when(page: Page, server: PageServer) -> None:
    """Only the menu and the terminal told it."""
    why = "you took back a change"
    keeps = Decision(server.clock.monotonic(), Action.KEEP, MoodState.HAPPY, None, why)
    back = replace(keeps, action=Action.SWITCH_NOW, playlist=Playlist("p:party", "Party"))
    until = server.clock.now() + timedelta(hours=1)
    server.publish(switch=None, change=back, decision=keeps, left_alone_until=until)
    expect(page.locator("[data-live=next]")).to_have_text(
        f"No change is planned. Moodtray leaves the music alone until {until:%H:%M}."
    )


def test_a_change_for_a_face_that_looks_otherwise_is_told_in_the_past(
    page: Page, server: PageServer
) -> None:
    now = server.clock.monotonic()
    why = _("you look {mood}").format(mood="sad")
    then = Decision(now, Action.SWITCH_NOW, MoodState.SAD, Playlist("p:rain", "Rain"), why)
    server.publish(change=then)
    expect(page.locator("[data-live=why]")).to_contain_text("“Rain” began: you looked sad.")


def test_the_way_back_is_a_change_with_its_own_reason(page: Page, server: PageServer) -> None:
    now = server.clock.monotonic()
    why = _("{mood} was not your mood").format(mood="happy")
    back = Decision(now, Action.SWITCH_NOW, MoodState.HAPPY, Playlist("p:party", "Party"), why)
    server.publish(switch=None, change=back, decision=replace(back, action=Action.KEEP))
    expect(page.locator("[data-live=why]")).to_contain_text(
        "“Party” began: happy was not your mood."
    )
    expect(page.locator("[data-live=next]")).to_have_text("No change is planned.")
    silence = replace(back, playlist=None)
    server.publish(change=silence)
    expect(page.locator("[data-live=why]")).to_contain_text("the music was paused: happy was not")


def test_history_tells_a_correction_from_an_undo(page: Page, server: PageServer) -> None:
    noon = server.clock.now() - timedelta(minutes=3)
    for kind, name in (("undo", "Rain"), ("corrected", "Party")):
        playlist = Playlist(f"p:{kind}", name)
        decision = Decision(0.0, Action.SWITCH_NOW, MoodState.HAPPY, playlist, "you look happy")
        server.history.add_switch(noon, decision)
        server.history.add_feedback(noon + timedelta(seconds=9), kind, "")
        noon += timedelta(minutes=1)
    page.goto(f"{server.url}/history?day={noon:%Y-%m-%d}")
    rain, party = (page.locator("tr", has_text=name).first for name in ("Rain", "Party"))
    expect(rain).to_contain_text("taken back by you")
    expect(party).to_contain_text("taken back: not your mood")
    expect(party).not_to_contain_text("by you")
    expect(page.locator("main")).to_contain_text("2 changes, 2 taken back")


def test_reasons_are_told_in_the_language_of_now(page: Page, server: PageServer) -> None:
    now = server.clock.monotonic()
    reason = _("you asked for music, and {mood}").format(mood=describe(Mood(MoodState.HAPPY, 0, 1)))
    change = Decision(now, Action.SWITCH_NOW, MoodState.HAPPY, Playlist("p", "Party"), reason)
    server.history.add_switch(server.clock.now(), change)
    server.publish(change=change, decision=replace(change, action=Action.KEEP))
    expect(page.locator("[data-live=why]")).to_contain_text(
        "you asked for music, and you look happy"
    )
    catalogues.speak("de")
    server.publish(problem="")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    for area in ("", "history"):
        page.goto(f"{server.url}/{area}")
        expect(page.locator("main")).to_contain_text("du wirkst fröhlich")
        expect(page.locator("main")).not_to_contain_text("you look")


# --- now


def test_a_mood_that_was_said_is_marked_and_can_be_ended(page: Page, server: PageServer) -> None:
    sad = page.get_by_role("button", name="sad", exact=True)
    expect(sad).to_have_attribute("aria-pressed", "false")
    until = server.clock.now() + timedelta(minutes=30)
    now = server.clock.monotonic()
    server.publish(mood=Mood(MoodState.SAD, now, 1.0, by_hand=True), mood_until=until)
    expect(sad).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-live=detail]")).to_have_text(f"until {until:%H:%M}")
    expect(page.get_by_role("button", name="I just do not feel")).to_be_hidden()
    expect(page.locator(".top")).to_have_count(0)  # the bars are what is read, not what was said
    page.get_by_role("button", name="Go by my face again").click()
    wait_until(lambda: server.events == [events.FollowFace()], "the face")


def test_while_it_is_paused_no_mood_is_claimed(page: Page, server: PageServer) -> None:
    expect(page.locator("[data-bar=happy]")).to_have_class("happy top")
    server.publish(
        camera=CameraState.OFF, camera_paused=True, until_back=True, on_break=True,
        status=Status.PAUSED,
    )  # fmt: skip
    bar = page.locator("[data-bar=happy]")
    expect(bar.locator("span").last).to_have_text("–")
    expect(bar.locator("rect")).to_have_attribute("width", "0%")
    expect(bar).to_have_class("happy")
    expect(page.locator("[data-live=headline]")).to_have_text("You are taking a break")
    expect(page.locator("[data-live=detail]")).to_have_text(
        "until you use this computer again after a locked screen, sleep or a while untouched"
    )
    expect(page.get_by_role("button", name="I just do not feel")).to_be_hidden()
    page.reload()
    expect(page.locator("[data-bar=happy] span").last).to_have_text("–")
    page.get_by_role("button", name="I am back").click()
    said(page, "Moodtray switches the camera on again.")


@pytest.mark.parametrize(
    ("button", "minutes", "told"),
    [
        ("15 minutes", 15, "Camera and music rest until "),
        ("1 hour", 60, "Camera and music rest until "),
        ("Until I come back", None, "when you use this computer again after a locked screen"),
    ],
)
def test_a_break_is_offered_in_one_place(
    page: Page, server: PageServer, button: str, minutes: int | None, told: str
) -> None:
    page.get_by_text("Take a break…").click()
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("status")).to_contain_text(told)
    (event,) = server.events
    assert isinstance(event, events.TakeBreak)
    if minutes is None:
        assert event == events.TakeBreak(None, until_back=True)
    else:
        assert event.until is not None
        left = event.until - server.clock.now()
        assert timedelta(minutes=minutes - 1) < left <= timedelta(minutes=minutes)
    expect(page.get_by_role("button", name=button)).to_be_hidden()


def test_a_wrong_mood_leads_to_the_choice_of_the_right_one(
    browser: Browser, server: PageServer
) -> None:
    with new_page(browser, width=400, height=500) as page:
        page.goto(server.access.link())
        page.wait_for_url(f"{server.url}/")
        page.get_by_role("link", name="Wrong mood?").click()
        expect(page.get_by_role("button", name="surprised", exact=True)).to_be_in_viewport()


def test_silence_is_asked_for_as_in_the_menu(page: Page, server: PageServer) -> None:
    question = page.locator("[data-live=question]")
    expect(question).to_have_text("Why this music?")
    wait_until(lambda: server.streams == 1, "the open page")
    server.publish(playback=None)
    expect(question).to_have_text("Why is it silent?")


def test_a_break_until_tomorrow_is_the_menus(page: Page, server: PageServer) -> None:
    page.get_by_text("Take a break…").click()
    page.get_by_role("button", name="Until tomorrow").click()
    wait_until(
        lambda: server.events == [events.TakeBreak(tomorrow(server.clock.now()))], "the break"
    )


def test_a_break_that_has_no_end_yet_has_its_comma_in_german(
    page: Page, server: PageServer
) -> None:
    catalogues.speak("de")
    sad = Mood(MoodState.SAD, 1.0, 1.0, by_hand=True)
    until = server.clock.now()
    server.publish(mood=sad, mood_until=until, on_break=True, camera_paused=True)
    page.goto(server.url)
    expect(page.locator("[data-live=detail]")).to_contain_text("Du machst Pause, bis du es sagst")


def test_the_camera_alone_can_be_paused(page: Page, server: PageServer) -> None:
    page.get_by_text("Take a break…").click()
    page.get_by_role("button", name="Until I resume it").click()
    wait_until(lambda: server.events == [events.PauseCamera()], "the pause")


def test_the_camera_goes_on_when_what_holds_it_off_is_over(page: Page, server: PageServer) -> None:
    server.publish(camera_paused=True, held_off="the screen is locked", camera=CameraState.OFF)
    page.get_by_role("button", name="Resume camera").click()
    said(page, "Moodtray looks again as soon as this is over: the screen is locked.")


def test_a_word_is_told_from_a_lesson(page: Page, server: PageServer) -> None:
    server.publish(own_face=OwnFace.ADJUSTED)
    expect(page.locator("[data-live='face.line']")).to_contain_text("Your words on your mood")
    server.publish(own_face=OwnFace.LEARNED)
    expect(page.locator("[data-live='face.line']")).to_contain_text("Your face was learned")


def test_both_places_name_the_same_count(page: Page, server: PageServer) -> None:
    from agent.desktop import consent

    page.goto(f"{server.url}/face")
    assert "sixteen numbers" in consent.TEXT
    expect(page.get_by_text("Sixteen numbers")).to_be_visible()


# --- first steps


def test_a_video_that_is_looked_through_is_among_the_cameras(
    page: Page, server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.desk.allowed = True
    video = str(server.paths.data / "me.mp4")
    Path(video).write_bytes(b"")
    server.settings.change("camera.source", video)
    choices = [CameraChoice(video, f"Video: {video}")]
    monkeypatch.setattr(server.desk, "choices", lambda: choices)
    page.goto(f"{server.url}/start?step=camera")
    shown = page.get_by_role("button", name="Video: ")
    expect(shown).to_have_attribute("aria-pressed", "true")
    expect(shown).to_contain_text("chosen")
    expect(page.get_by_text("Besides that no camera was found.")).to_be_visible()
    shown.click()
    said(page, "Moodtray looks through this camera from now on.")


def test_a_look_moves_no_button(browser: Browser, server: PageServer) -> None:
    """What is read may be a short word or a long one."""
    server.desk.allowed = True
    with new_page(browser, width=900) as page:
        page.goto(server.access.link())
        page.wait_for_url(f"{server.url}/")
        for step, texts, below in (
            ("camera", "[data-still-text]", "#onward"),
            ("try", "[data-live=headline], [data-live=detail]", "#try"),
        ):
            page.goto(f"{server.url}/start?step={step}")
            page.evaluate("source.close(); still = () => {}")
            places = set()
            for text in ("", "You look sad", "You said you feel disgusted"):
                places.add(
                    page.evaluate(
                        """([texts, below, text]) => {
                            const set = (one) => { one.textContent = text; };
                            document.querySelectorAll(texts).forEach(set);
                            return document.querySelector(below).getBoundingClientRect().top;
                        }""",
                        [texts, below, text],
                    )
                )
            assert len(places) == 1, (step, places)


def test_consent_that_was_given_is_no_question_any_more(page: Page, server: PageServer) -> None:
    server.desk.allowed = True
    page.goto(f"{server.url}/start?step=consent")
    expect(page.get_by_role("heading", name="You allowed the camera")).to_be_visible()
    expect(page.get_by_role("heading", name=server.desk.question)).to_be_hidden()
    expect(page.get_by_role("heading", name="What is kept, and where")).to_be_visible()
    expect(page.get_by_text(str(server.paths.history_file))).to_be_visible()


def test_on_the_page_no_command_stands_beside_the_button(page: Page) -> None:
    from agent.app.page_desks import ConsentAnswers
    from agent.desktop import consent

    assert "--withdraw" not in ConsentAnswers.text
    assert consent.whole_text().endswith("'moodtray consent --withdraw'.")


LATE_NEWS = """\
const Source = EventSource;
window.EventSource = function (address) {
  const late = {};
  window.newsCome = () => { new Source(address).onmessage = (event) => late.onmessage(event); };
  return late;
};
"""


def test_a_page_that_came_before_the_news_is_made_anew(page: Page, server: PageServer) -> None:
    """The camera begins to look between the page and the first news of it."""
    server.desk.allowed = True
    server.publish(camera=CameraState.OFF)
    page.add_init_script(LATE_NEWS)
    page.goto(f"{server.url}/start?step=music")
    step = page.get_by_role("link", name="The camera")
    expect(step).not_to_contain_text("it sees")
    server.publish(camera=CameraState.ON)
    page.evaluate("newsCome()")
    expect(step).to_contain_text("it sees")


def test_without_a_picture_its_place_says_what_is_so(page: Page, server: PageServer) -> None:
    """It went on waiting for a picture beside the sentence that there is no camera."""
    server.desk.allowed, server.desk.sees = True, False
    server.publish(camera=CameraState.BUSY)
    page.goto(f"{server.url}/start?step=camera")
    expect(page.locator(".picture")).to_have_text("The camera cannot be used")
    expect(page.locator("[data-still-text]")).to_have_text("")
    server.desk.sees = True
    expect(page.locator("[data-still-text]")).to_contain_text("This look: happy")
    expect(page.locator(".picture p")).to_be_hidden()


def test_the_hour_to_delete_is_one_in_which_something_was_noted(
    page: Page, server: PageServer
) -> None:
    fill_history(server.history, server.clock.now())
    day = server.clock.now() - timedelta(days=1)
    page.goto(f"{server.url}/history?view=day&day={day:%Y-%m-%d}")
    chosen = page.get_by_label("One hour of").input_value()
    since = datetime.fromisoformat(chosen)
    moods, changes = server.history.moods(), server.history.switches()
    noted = [*(entry.at for entry in moods), *(entry.at for entry in changes)]
    assert any(since <= at < since + timedelta(hours=1) for at in noted)
    form = page.locator("form", has=page.get_by_label("One hour of"))
    form.get_by_role("button", name="Delete…").click()
    hour = f"{since:%H:%M} – {since + timedelta(hours=1):%H:%M}"
    expect(page.locator("dialog[open]")).to_contain_text(f"Delete {hour} of ")


def test_music_without_a_note_of_a_change_is_not_said_to_be_unchanged(
    page: Page, server: PageServer
) -> None:
    """It may have been deleted; and whose mood music is, is no claim of the user's mood."""
    now = server.clock.now()
    server.history.add_mood(now - timedelta(minutes=5), Mood(MoodState.SAD, 0.0, 0.9))
    page.goto(f"{server.url}/history?day={now:%Y-%m-%d}")
    expect(page.get_by_text("No change of the music is noted.")).to_be_visible()
    fill_history(server.history, now)
    page.goto(f"{server.url}/history?day={now - timedelta(days=1):%Y-%m-%d}")
    expect(page.get_by_role("columnheader", name="Music for")).to_be_visible()


HEAR_NEWS = """\
window.heard = "";
const take = source.onmessage;
source.onmessage = (event) => { take(event); window.heard += event.data; };
0;
"""


def test_news_that_come_while_a_form_is_on_its_way_make_the_page_anew_later(
    page: Page, server: PageServer
) -> None:
    """The list of steps went on taking a first look, since 'Allow' was on its way just then."""
    server.desk.allowed = True
    server.publish(camera=CameraState.OFF)
    page.goto(f"{server.url}/start?step=music")
    step = page.get_by_role("link", name="The camera")
    expect(step).to_contain_text("Switching the camera on…")
    page.evaluate("document.querySelector('main form').setAttribute('aria-busy', 'true')")
    page.evaluate(HEAR_NEWS)
    server.publish(camera=CameraState.BUSY)
    wait_until(lambda: bool(page.evaluate("heard.includes('cannot be used')")), "the news")
    expect(step).to_contain_text("Switching the camera on…")
    page.evaluate("document.querySelector('main form').removeAttribute('aria-busy')")
    server.publish(paused_until=None)  # any news
    expect(step).to_contain_text("The camera cannot be used")


def test_what_another_tab_deleted_is_shown_no_more(page: Page, server: PageServer) -> None:
    fill_history(server.history, server.clock.now())
    yesterday = server.clock.now() - timedelta(days=1)
    page.goto(f"{server.url}/history?day={yesterday:%Y-%m-%d}")
    expect(page.locator("svg.band rect.happy").first).to_be_visible()
    server.history.forget_between(0.0, server.clock.now().timestamp())
    server.publish(deletions=1)
    expect(page.locator("svg.band rect.happy")).to_have_count(0)


def test_the_try_out_counts_down_and_can_be_ended(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/start?step=try")
    end = page.get_by_role("button", name="End the try-out")
    expect(end).to_be_hidden()
    wait_until(lambda: server.streams == 1, "the open page")
    page.get_by_role("button", name="Start the try-out").click()
    said(page, "The try-out runs. Look happy, or sad.")
    server.publish(trial_until=server.clock.monotonic() + 125.4)
    expect(page.locator("[data-countdown]")).to_have_text(re.compile(r"^(2:0[0-4]|1:\d\d)$"))
    expect(page.get_by_role("button", name="Start the try-out")).to_be_hidden()
    end.click()
    said(page, "Back to its usual pace.")
    assert server.events == [events.TryNow(180.0), events.TryNow(0.0)]
    page.get_by_role("link", name="Now", exact=True).click()
    expect(page.locator("[data-countdown]")).to_be_visible()
    page.get_by_role("button", name="End the try-out").click()
    said(page, "Back to its usual pace.")
    assert server.events[-1] == events.TryNow(0.0)


# --- settings


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("spotify login", "Login to Spotify"),
        ("how often", "Look every"),
        ("loud", "Volume"),
        ("privacy", "What is kept, and where"),
        ("permission", "The camera's permission"),
        ("login", "Start at login"),
        ("start at login", "Start at login"),
        ("notifications", "Show notifications"),
        ("learn my face", "Read my own face"),
        ("When Moodtray may change", "Start music by itself"),
    ],
)
def test_everyday_words_find_it(page: Page, server: PageServer, typed: str, found: str) -> None:
    page.goto(f"{server.url}/settings")
    page.get_by_label("Find a setting").fill(typed)
    expect(page.locator(".setting:visible").filter(has_text=found).first).to_be_visible()
    expect(page.get_by_text("No setting has these words in it.")).to_be_hidden()


def test_who_goes_on_past_the_framed_choice_has_made_it(page: Page, server: PageServer) -> None:
    """Else a later login to Spotify, to look around, would take the music over."""
    assert server.settings.load().player == "auto"
    page.goto(f"{server.url}/start?step=music&of=spotify")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#step-title")).to_contain_text("Which music for which mood")
    assert server.settings.load().player == "auto", "Spotify was looked at, and is not there"
    page.goto(f"{server.url}/start?step=music")
    expect(page.locator("#use-local")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#step-title")).to_contain_text("Which music for which mood")
    assert server.settings.load().player == "local"


def test_the_page_of_spotify_says_what_plays_and_changes_it(page: Page, server: PageServer) -> None:
    server.desk.logged_in = True
    server.settings.change("player", "local")
    page.goto(f"{server.url}/spotify")
    expect(page.get_by_text("The music on this computer plays, as you chose.")).to_be_visible()
    page.get_by_role("button", name="Play from Spotify instead").click()
    said(page, "Chosen: Spotify.")
    assert server.settings.load().player == "spotify"


def test_deleting_is_a_click_from_the_day(page: Page, server: PageServer) -> None:
    fill_history(server.history, server.clock.now(), days=1)
    page.goto(f"{server.url}/history")
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_role("heading", name="Delete my data")).to_be_in_viewport()


def test_yesterday_can_be_deleted_where_the_menu_leads(page: Page, server: PageServer) -> None:
    now = server.clock.now()
    fill_history(server.history, now, days=3)
    page.goto(f"{server.url}/history#delete")
    page.get_by_role("button", name="All of yesterday…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("was deleted.")).to_be_visible()
    today = midnight(now.date())
    yesterday = midnight(now.date() - timedelta(days=1))
    assert server.forgotten == [(yesterday.timestamp(), today.timestamp())]
    page.goto(f"{server.url}/history?day={yesterday:%Y-%m-%d}")
    expect(page.get_by_role("button", name="All of")).to_have_count(1)


def test_what_is_deleted_at_once_and_what_stays_is_said(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/start?step=consent")
    told = page.get_by_text("To delete:").inner_text()
    assert "history, face, log and names at once" in told
    assert told.endswith("settings, permission and login stay.")


def test_settings_lead_to_what_lies_elsewhere(page: Page, server: PageServer) -> None:
    for title, heading in (
        ("What is kept, and where", "What is kept, and where"),
        ("The camera's permission", server.desk.question),
        ("Your face", "Your face"),
        ("Login to Spotify", "Spotify"),
    ):
        page.goto(f"{server.url}/settings")
        page.get_by_role("main").get_by_role("link", name=title, exact=True).click()
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    page.goto(f"{server.url}/settings")
    page.get_by_role("switch", name="Start at login").click()
    said(page, "Moodtray starts at login from now on.")
    assert server.events == [events.SetAutostart(True)]


def test_a_field_saves_itself_a_moment_after_the_last_key(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/settings")
    field = page.get_by_role("textbox", name="Pause between changes")
    field.fill("")
    field.press_sequentially("45", delay=20)
    said(page, "Saved: Pause between changes.")
    assert server.settings.load().policy.cooldown == 45.0
    expect(page.get_by_text("● changed by you; Moodtray ships: 120")).to_be_visible()
    field.press("0")  # they type on, behind what they typed
    expect(field).to_have_value("450")
    wait_until(lambda: server.settings.load().policy.cooldown == 450.0, "the second save")
    expect(page.locator("[id='e-policy.cooldown']")).to_be_empty()
    wait_until(lambda: "cooldown=450.0" in str(server.events[-1]), "the news of it")
    saves = len(server.events)
    field.press("Tab")
    page.wait_for_timeout(1200)
    assert len(server.events) == saves, "it is saved already"


def test_a_field_left_while_it_is_saved_is_saved_once(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/settings")
    slow: list[Any] = []
    page.route("**/api/settings/policy.cooldown", lambda route: slow.append(route))
    page.get_by_role("textbox", name="Pause between changes").fill("45")
    wait_until(lambda: (page.wait_for_timeout(50), slow)[1], "the save")
    page.keyboard.press("Tab")
    page.wait_for_timeout(300)
    slow[0].continue_()
    said(page, "Saved: Pause between changes.")
    page.wait_for_timeout(1200)
    assert len(slow) == 1, "it was on its way already"


def test_a_save_leaves_the_search_where_it_was(page: Page, server: PageServer) -> None:
    page.set_viewport_size({"width": 1100, "height": 690})
    page.goto(f"{server.url}/settings")
    page.locator("#filter").press_sequentially("how often")
    field = page.get_by_role("textbox", name="Look every", exact=True)
    field.click(click_count=3)
    page.mouse.wheel(0, 400)
    page.wait_for_timeout(300)
    before = page.evaluate("window.scrollY")
    page.keyboard.type("9")
    said(page, "Saved: Look every.")
    page.wait_for_timeout(1500)  # the news of the change has come, too
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport()
    assert page.evaluate("window.scrollY") == pytest.approx(before, abs=150)
    expect(page.locator("#filter")).to_have_value("how often")


def test_what_is_typed_while_it_is_saved_is_not_lost(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/settings")
    slow: list[Any] = []
    page.route("**/api/settings/policy.cooldown", lambda route: slow.append(route))
    field = page.get_by_role("textbox", name="Pause between changes")
    field.fill("4")
    wait_until(lambda: (page.wait_for_timeout(50), slow)[1], "the first save")
    field.press("End")
    field.press_sequentially("56")
    slow[0].continue_()
    page.unroute("**/api/settings/policy.cooldown")
    wait_until(
        lambda: (page.wait_for_timeout(50), server.settings.load().policy.cooldown)[1] == 456.0,
        "the second save",
    )
    expect(field).to_have_value("456")
    expect(page.locator("[id='e-policy.cooldown']")).to_be_empty()


def test_a_mistake_that_is_mended_already_is_not_told(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/settings")
    slow: list[Any] = []
    page.route("**/api/settings/policy.cooldown", lambda route: slow.append(route))
    field = page.get_by_role("textbox", name="Pause between changes")
    right = field.input_value()
    field.fill("-5")
    wait_until(lambda: (page.wait_for_timeout(50), slow)[1], "the first save")
    field.fill(right)
    with page.expect_response("**/api/settings/policy.cooldown"):
        slow[0].continue_()
    page.wait_for_timeout(200)
    assert page.locator("[id='e-policy.cooldown']").inner_text() == "", "not even for a moment"
    expect(field).to_have_value(right)


def test_zero_is_told_as_it_was_typed(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/settings")
    field = page.get_by_label("Look every").first
    field.fill("0")
    expect(page.locator("[id='e-camera.interval']")).to_have_text(
        "“Look every” must be a number from 0.2 to 600, not 0."
    )


def test_another_language_makes_the_whole_page_anew(page: Page, server: PageServer) -> None:
    def agent(event: events.Event) -> None:
        server.events.append(event)
        if isinstance(event, events.SettingsChanged):
            catalogues.speak(event.settings.language)

    object.__setattr__(server.context, "report", agent)
    page.goto(f"{server.url}/settings")
    page.get_by_label("Language", exact=True).select_option("de")
    said(page, "Gespeichert: Sprache.")
    expect(page.get_by_role("link", name="Verlauf", exact=True)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_label("Sprache", exact=True).select_option("en")
    said(page, "Saved: Language.")
    expect(page.get_by_role("link", name="History", exact=True)).to_be_visible()


# --- history


@pytest.mark.parametrize(("share", "words"), [(46, "More than anything else"), (50, "Most of the")])
def test_most_is_half_at_least(share: int, words: str) -> None:
    from agent.web.page.history_view import recap

    minutes = dict.fromkeys(MOODS, 0.0)
    minutes[MoodState.NEUTRAL], minutes[MoodState.HAPPY] = float(share), (100.0 - share) * 0.6
    minutes[MoodState.SAD] = (100.0 - share) * 0.4
    week: Any = SimpleNamespace(
        minutes=lambda day=None: minutes, days=[0], changes=(), taken_back=0
    )
    week.days = [__import__("datetime").date(2026, 11, 26)]
    told = recap(week)
    assert told[0].startswith(words)
    assert not [line for line in told if "look" in line], "the user may have said so"


@pytest.mark.parametrize("days", [1, 2])
def test_no_day_is_the_brightest_of_one(days: int) -> None:
    """'Thu 26 was the brightest day', of a week with that day alone in it."""
    from agent.web.page.history_view import recap

    happy = {**dict.fromkeys(MOODS, 0.0), MoodState.HAPPY: 30.0}
    nothing = dict.fromkeys(MOODS, 0.0)
    first = datetime(2026, 11, 26).date()
    seen = [first + timedelta(days=n) for n in range(days)]
    week: Any = SimpleNamespace(
        minutes=lambda day=None: happy if day is None or day in seen else nothing,
        days=[first + timedelta(days=n) for n in range(7)],
        changes=(),
        taken_back=0,
    )
    told = recap(week)
    assert any("brightest" in line for line in told) == (days > 1)
    assert not any("laughter" in line for line in told)
    assert len(told) == (2 if days == 1 else 3)


def test_the_recap_counts_no_sentences(page: Page, server: PageServer) -> None:
    """It said three above two."""
    fill_history(server.history, server.clock.now())
    page.goto(f"{server.url}/history?view=week")
    expect(page.get_by_role("heading", name="The week from")).not_to_contain_text("sentences")


def test_the_question_before_all_is_deleted_says_what_cannot_be_taken_back(
    page: Page, server: PageServer
) -> None:
    page.goto(f"{server.url}/history")
    page.get_by_role("button", name="Everything…").click()
    asked = page.locator("#ask-text")
    expect(asked).to_contain_text("This cannot be taken back")
    expect(asked).not_to_contain_text("what can be undone")


def test_no_page_claims_more_than_is_guarded(page: Page, server: PageServer) -> None:
    """'Nobody else can open this page': programs that run as the user can, and root."""
    side = page.get_by_role("navigation").first
    expect(side).not_to_contain_text("Nobody")
    expect(side).to_contain_text("a link from Moodtray, which works once")


@pytest.mark.parametrize(
    "changes",
    [
        {"camera": CameraState.OFF, "camera_paused": True, "on_break": True},
        {"mood": Mood(MoodState.AWAY, 0.0, 1.0)},
        {"affect": None},
    ],
)
def test_the_dot_is_of_nobody_while_nobody_is_seen(
    page: Page, server: PageServer, changes: dict[str, Any]
) -> None:
    wait_until(lambda: server.streams == 1, "the open page")
    server.publish(affect=(0.5, 0.5))
    expect(page.locator("[data-dot]")).to_be_visible()
    caption = page.locator(".place .note")
    expect(caption).to_contain_text("The dot is how you seem")
    server.publish(**changes)
    expect(page.locator("[data-dot]")).to_be_hidden()
    expect(caption).to_have_text(
        "No dot just now: your face is not read. It shows how pleasant and how lively you seem."
    )
    page.reload()
    expect(caption).to_contain_text("No dot just now")


def test_what_a_lesson_of_the_face_is_for_stands_beside_it(page: Page, server: PageServer) -> None:
    card = page.locator("section.card", has=page.get_by_role("link", name="Learn my face…"))
    expect(card).to_contain_text("Some faces look sad or angry at rest.")


def test_an_empty_day_offers_nothing_to_delete(page: Page, server: PageServer) -> None:
    fill_history(server.history, server.clock.now(), days=1)
    today = server.clock.now()
    page.goto(f"{server.url}/history?day={today:%Y-%m-%d}")
    expect(page.get_by_role("button", name="Everything…")).to_be_visible()
    long_ago = today - timedelta(days=40)
    page.goto(f"{server.url}/history?day={long_ago:%Y-%m-%d}")
    expect(page.get_by_role("button", name="All of")).to_be_hidden()
    expect(page.get_by_role("button", name="Delete…", exact=True)).to_be_hidden()


def test_what_plays_where_is_told_in_whole_words(page: Page, server: PageServer) -> None:
    assert server.snapshot.playback is not None
    catalogues.speak("de")
    playback = replace(server.snapshot.playback, device=_("this computer"), state=PlayState.PLAYING)
    server.publish(playback=playback)
    page.goto(server.url)
    expect(page.locator("[data-live='music.about']")).to_contain_text("Gerät: dieser Computer")


# --- what needs a look at the face


@pytest.mark.parametrize(
    ("changes", "why", "way"),
    [
        ({"consent": False}, "The camera is not allowed.", "Allow the camera…"),
        ({"camera_paused": True}, "The camera is paused.", "Resume camera"),
        ({"camera_paused": True, "on_break": True}, "You are taking a break.", "I am back"),
        ({"camera": CameraState.BUSY}, "The camera cannot be used.", "Choose the camera…"),
        ({"mood": Mood(MoodState.SAD, 1.0, 1.0, by_hand=True)}, "You said you feel sad.", "Go by"),
    ],
)
def test_the_try_out_promises_no_look_where_nobody_looks(
    page: Page, server: PageServer, changes: dict[str, Any], why: str, way: str
) -> None:
    """It says what stands in the way and offers the way out, at the start and while it runs."""
    page.goto(f"{server.url}/start?step=try")
    wait_until(lambda: server.streams == 1, "the open page")
    promise = page.get_by_text("For three minutes Moodtray looks every second")
    begin = page.get_by_role("button", name="Start the try-out")
    expect(promise).to_be_visible()
    expect(begin).to_be_visible()
    server.publish(**changes)
    banner = page.locator("[data-can=blocked]")
    expect(banner).to_contain_text(why)
    expect(promise).to_be_hidden()
    expect(begin).to_be_hidden()
    expect(banner.locator("a, button").filter(has_text=way)).to_be_visible()
    page.reload()
    expect(banner).to_contain_text(why)
    expect(begin).to_be_hidden()


def test_the_place_of_the_picture_says_why_there_is_none(page: Page, server: PageServer) -> None:
    """Of the camera, whatever the user said of their mood; and how to go on."""
    server.desk.allowed = True
    server.desk.sees = False
    mood = Mood(MoodState.SAD, 1.0, 1.0, by_hand=True)
    server.publish(mood=mood, mood_until=None, camera_paused=True)
    for area in ("face", "start?step=camera"):
        page.goto(f"{server.url}/{area}")
        expect(page.locator(".picture p")).to_have_text("The camera is paused")
        expect(page.get_by_role("button", name="Resume camera")).to_be_visible()
    expect(page.locator("[data-still-bar=happy] span").last).to_have_text("–")


def test_a_word_on_the_mood_hides_no_break(page: Page, server: PageServer) -> None:
    until = datetime(2026, 1, 15, 9, 55).astimezone()
    mood = Mood(MoodState.SAD, 1.0, 1.0, by_hand=True)
    server.publish(mood=mood, mood_until=until, on_break=True, camera_paused=True)
    page.goto(server.url)
    expect(page.locator("[data-live=detail]")).to_have_text(
        "until 09:55 · You are taking a break until you say so"
    )
