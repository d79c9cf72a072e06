"""How the page lies in its window: nothing scrolls sideways, jumps, or is covered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from agent.types import EMOTIONS, Mood, MoodState
from agent.web.page import charts, history_view, terms
from agent.web.page.context import Still
from agent.web.page.fields import fields
from agent.web.page.history_view import Period, Span
from agent.wording import MOODS
from tests.browser import new_page
from tests.web.page.harness import PageServer, fill_history, wait_until
from tests.web.page.test_areas import AREAS

SCROLLS = """[...document.querySelectorAll('body *')]
    .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 2
        && ['auto', 'scroll'].includes(getComputedStyle(one).overflowX))
    .slice(0, 4).map((one) => one.outerHTML.slice(0, 100))"""
"""What has a scrollbar of its own from left to right."""
BROKEN = """[...document.querySelectorAll('.side a, .setting label, td.number, .bars span')]
    .filter((one) => one.offsetParent && one.getBoundingClientRect().right > innerWidth)
    .map((one) => one.outerHTML.slice(0, 100))"""


def seen(server: PageServer, state: MoodState, share: float) -> tuple[float, ...]:
    """One look that shows a mood."""
    rest = (1 - share) / 6
    return tuple(share if name == state.value else rest for name in EMOTIONS)


def place_of(page: Page, name: str) -> tuple[float, float]:
    """Where a button is."""
    box = page.get_by_role("button", name=name, exact=True).bounding_box()
    assert box is not None
    return box["x"], box["y"]


@pytest.fixture
def narrow(browser: Browser, server: PageServer) -> Iterator[Page]:
    """The narrowest window that is promised."""
    with new_page(browser, width=360, height=740) as page:
        page.goto(server.access.link())
        page.wait_for_url(f"{server.url}/")
        yield page


# --- any window


def test_nothing_scrolls_sideways_in_a_narrow_window(narrow: Page, server: PageServer) -> None:
    fill_history(server.history, server.clock.now())
    server.desk.allowed = True
    long_path = "/home/somebody/Music/Evenings at the river/A quite long name of an album"
    server.settings.change("local_playlists.happy", ["local:happy", long_path])
    yesterday = f"{server.clock.now() - timedelta(days=1):%Y-%m-%d}"
    found: dict[str, Any] = {}
    for area in [*AREAS, f"history?day={yesterday}"]:
        narrow.goto(f"{server.url}/{area}")
        narrow.evaluate(
            "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
        )
        wide = narrow.evaluate("document.documentElement.scrollWidth > innerWidth")
        told = [
            *narrow.evaluate(SCROLLS),
            *narrow.evaluate(BROKEN),
            *(["too wide"] if wide else []),
        ]
        if told:
            found[area] = told
    assert not found, json.dumps(found, indent=1)


def test_a_row_of_a_table_becomes_a_block(narrow: Page, server: PageServer) -> None:
    fill_history(server.history, server.clock.now())
    narrow.goto(f"{server.url}/history?view=week")
    use = narrow.locator("section", has_text="Playlists by mood").locator("tbody tr").first
    name, started = use.locator("td").nth(1), use.locator("td").nth(2)
    assert narrow.evaluate("(one) => getComputedStyle(one).display", use.element_handle()) == "flex"
    label = "(one) => getComputedStyle(one, '::before').content"
    assert narrow.evaluate(label, started.element_handle()) == '"started "'
    above, below = name.bounding_box(), started.bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] + above["height"] <= below["y"] + 1


def test_the_menu_stays_while_one_scrolls_and_keeps_its_colour(
    page: Page, server: PageServer
) -> None:
    page.goto(f"{server.url}/settings")
    current = page.locator(".side [aria-current=page]")
    colour = "(one) => getComputedStyle(one).backgroundColor"
    before = page.evaluate(colour, current.element_handle())
    page.mouse.wheel(0, 2000)
    wait_until(lambda: page.evaluate("scrollY") > 500, "the scrolling")
    expect(current).to_be_in_viewport(ratio=1)
    line = page.locator(".side").bounding_box()
    assert line is not None
    assert (line["y"], line["height"]) == (0, page.evaluate("innerHeight"))
    wait_until(lambda: server.streams == 1, "the open page")
    server.publish(mood=Mood(MoodState.ANGRY, 0.0, 0.9, seen(server, MoodState.ANGRY, 0.9)))
    expect(page.locator("html")).to_have_class("angry")
    assert page.evaluate(colour, current.element_handle()) == before


@pytest.mark.parametrize("width", [360, 1180])
def test_a_message_covers_nothing(browser: Browser, server: PageServer, width: int) -> None:
    with new_page(browser, width=width) as page:
        page.goto(server.access.link())
        page.wait_for_url(f"{server.url}/")
        heading = page.get_by_role("heading", name="Now")
        before = heading.bounding_box()
        page.get_by_role("button", name="Next playlist").click()
        page.evaluate("scrollTo(0, 0)")
        message = page.get_by_role("status").locator("span")
        expect(message).to_be_visible()
        told, below = message.bounding_box(), heading.bounding_box()
        assert told is not None
        assert below is not None
        assert told["y"] + told["height"] <= below["y"]
        assert below == before  # and it moved nothing


# --- nothing jumps


@pytest.mark.parametrize("width", [360, 420, 1180])
def test_no_mood_moves_the_buttons(browser: Browser, server: PageServer, width: int) -> None:
    """On the page Now, in the camera's step and while one tries it out."""
    server.desk.allowed = True
    server.publish(affect=None)
    pages = {"": "Pause music", "start?step=camera": "Go on", "start?step=try": "Start the try-out"}
    moods = ((MoodState.SAD, 0.4, False), (MoodState.SURPRISE, 1.0, True))
    with new_page(browser, width=width) as page:
        page.goto(server.access.link())
        page.wait_for_url(f"{server.url}/")
        for area, button in pages.items():
            page.goto(f"{server.url}/{area}")
            places = set()
            for state, share, by_hand in moods:
                seven = seen(server, state, share)
                server.desk.still = lambda seven=seven: Still(b"\xff\xd8\xff", 1, seven)  # type: ignore[method-assign,misc]
                affect = (0.2, 0.4) if by_hand else None
                now = server.clock.monotonic()
                told_it = by_hand and "try" not in area  # a word on it ends what there is to try
                server.publish(mood=Mood(state, now, share, seven, by_hand=told_it), affect=affect)
                told = "data-still-text" if "camera" in area else "data-live=headline"
                expect(page.locator(f"[{told}]")).to_contain_text(terms.mood_word(state))
                places.add(place_of(page, button))
            assert len(places) == 1, (area, width, places)


@pytest.mark.parametrize("width", [360, 900, 1110, 1180])
def test_bars_are_long_enough_to_be_told_apart(
    browser: Browser, server: PageServer, width: int
) -> None:
    server.desk.allowed = True
    with new_page(browser, width=width) as page:
        page.goto(server.access.link())
        page.wait_for_url(f"{server.url}/")
        for area in ("", "start?step=camera"):
            page.goto(f"{server.url}/{area}")
            bar = page.locator(".bars [class] > svg").first.bounding_box()
            assert bar is not None
            assert bar["width"] > 60, area


# --- single things


def test_one_knows_which_step_it_is_in_a_narrow_window(narrow: Page, server: PageServer) -> None:
    narrow.goto(f"{server.url}/start?step=music")
    expect(narrow.get_by_text("Step 3 of 6: Where the music comes from")).to_be_visible()
    expect(narrow.get_by_role("link", name="Your consent")).to_be_visible()
    narrow.set_viewport_size({"width": 1180, "height": 800})
    expect(narrow.get_by_text("Step 3 of 6: Where the music comes from")).to_be_hidden()


def test_a_switch_leaves_its_text_the_room(page: Page, server: PageServer) -> None:
    page.set_viewport_size({"width": 1180, "height": 800})
    page.goto(f"{server.url}/start?step=notices")
    text = page.locator(".setting .about").first.bounding_box()
    assert text is not None
    assert text["width"] > 350


def test_what_experts_set_is_folded_and_found(page: Page, server: PageServer) -> None:
    page.goto(f"{server.url}/settings")
    engine, search = page.get_by_label("Engine"), page.get_by_label("Find a setting")
    expect(engine).to_be_hidden()
    search.fill("engine")
    expect(engine).to_be_visible()
    line = "(one) => getComputedStyle(one).borderTopStyle"
    first = page.locator(".setting:visible").first.element_handle()
    assert page.evaluate(line, first) == "none"  # no line between the section's text and it
    search.fill("port")
    expect(engine).to_be_hidden()
    expect(page.get_by_label("Port of this page")).to_be_visible()


def test_moods_have_one_order_in_the_settings_too(server: PageServer) -> None:
    keys = [member.key for _t, _a, members in fields(server.settings.load()) for member in members]
    asked = [key for key in keys if key.startswith("response.")]
    moods = [f"response.{mood}" for mood in MOODS]
    assert asked == [*moods, "response.tracks", "response.minutes"]


def test_paths_break_after_a_slash_alone(page: Page, server: PageServer) -> None:
    from agent.web.page.context import Card

    entry = "/home/<b>/Music"
    server.desk.card = lambda player, entry: Card(entry, "Music", entry)  # type: ignore[method-assign]
    server.settings.change("local_playlists.happy", [entry])
    page.goto(f"{server.url}/moods")
    path = page.locator(".mood small").first
    expect(path).to_have_text(entry)
    assert path.inner_html() == "/<wbr>home/<wbr>&lt;b&gt;/<wbr>Music"
    expect(page.locator("[data-count]")).to_contain_text("no music that Moodtray can play")


def test_a_count_whose_answer_was_lost_is_asked_for_again(page: Page, server: PageServer) -> None:
    """It said 'counting…' until the page was loaded anew."""
    server.settings.change("local_playlists.happy", ["/home/nobody/Music"])
    lost: list[Route] = []

    def lose_the_first(route: Route) -> None:
        lost.append(route)
        if len(lost) == 1:
            route.abort()
        else:
            route.continue_()

    page.route("**/api/folders/count*", lose_the_first)
    page.goto(f"{server.url}/moods")
    expect(page.locator("[data-count]")).to_contain_text("no music that Moodtray can play")
    assert len(lost) > 1


# --- numbers and drawings


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ((0.125, 0.375, 0.5), [13, 37, 50]),
        ((0.335, 0.335, 0.33), [34, 33, 33]),
        ((0.29, 0.71), [29, 71]),  # 100 * .29 is a hair below 29
        ((0.005,) * 6 + (0.97,), [1, 1, 1, 0, 0, 0, 97]),
        ((0.0,) * 7, [0] * 7),
    ],
)
def test_percents_sum_to_a_hundred(shares: tuple[float, ...], told: list[int]) -> None:
    assert terms.percents(shares) == told


def test_bars_on_all_pages_sum_to_a_hundred(page: Page, server: PageServer) -> None:
    seven = (0.005, 0.005, 0.005, 0.005, 0.005, 0.005, 0.97)
    mood = Mood(MoodState.NEUTRAL, server.clock.monotonic(), 0.97, seven)
    server.snapshot = replace(server.snapshot, mood=mood)
    page.goto(server.url)
    shares = page.locator("[data-bar] span:last-child").all_inner_texts()
    assert sum(int(text.removesuffix("%")) for text in shares) == 100


def _span(start: datetime, minutes: float, mood: MoodState) -> Span:
    return Span(start, start + timedelta(minutes=minutes), mood)


DAY = history_view.midnight(datetime(2026, 11, 26).date())
SPANS = (
    _span(DAY + timedelta(hours=9), 45, MoodState.HAPPY),
    _span(DAY + timedelta(hours=9, minutes=45), 20, MoodState.UNSURE),
    _span(DAY + timedelta(hours=10, minutes=5), 60, MoodState.AWAY),
    _span(DAY + timedelta(hours=17, minutes=47), 0.3, MoodState.UNSURE),
)


def test_the_table_of_a_day_leaves_out_moments_and_absence() -> None:
    shown = Period(DAY, DAY + timedelta(days=1), SPANS, (), ())
    assert shown.told() == list(SPANS[:2])
    assert round(shown.times()[MoodState.UNSURE], 1) == 20.3
    assert MoodState.UNSURE not in shown.minutes()  # of which the recap makes its shares


def test_the_hours_under_a_band_begin_and_end_within_it() -> None:
    day = str(charts.scale(DAY + timedelta(hours=8), DAY + timedelta(hours=20)))
    assert '<text class="" x="0.00%" y="17" text-anchor="start">8:00</text>' in day
    assert 'x="100.00%" y="17" text-anchor="end">20:00<' in day
    week = str(charts.scale(DAY, DAY + timedelta(days=1)))
    assert ">0:00<" in week
    assert ">24:00<" in week
    assert 'class="" x="50.00%" y="17" text-anchor="middle">12:00<' in week
    assert 'class="between" x="33.33%" y="17" text-anchor="middle">8:00<' in week


def test_every_view_draws_something_above_its_key(page: Page, server: PageServer) -> None:
    fill_history(server.history, server.clock.now())
    yesterday = f"{server.clock.now() - timedelta(days=1):%Y-%m-%d}"
    for view, drawing in (("day", "svg.hours"), ("week", "svg.hours"), ("month", "svg.days")):
        page.goto(f"{server.url}/history?view={view}&day={yesterday}")
        card = page.locator("section", has=page.locator(".key"))
        expect(card.locator(drawing)).to_have_count(1)


def test_the_bands_of_a_week_can_be_heard(page: Page, server: PageServer) -> None:
    """Every band says that a table holds the same: for a week it is there for screen readers."""
    fill_history(server.history, server.clock.now())
    yesterday = f"{server.clock.now() - timedelta(days=1):%Y-%m-%d}"
    page.goto(f"{server.url}/history?view=week&day={yesterday}")
    table = page.get_by_role("table", name="Mood on each day")
    drawn = page.locator("svg.band rect.fill title").all_text_contents()
    rows = [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]
    assert len({day for day, *_rest in rows}) > 1
    long = [text for text in drawn if text[:5] != text[6:11]]
    assert [f"{start}–{end} {mood}" for _day, start, end, mood in rows] == long
    box = table.locator("..").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (1, 1)
