"""Every setting is on the page, with words of its own and its limits."""

from __future__ import annotations

import html
import re
from typing import Any, cast

import httpx
import pytest
from playwright.sync_api import Page, expect

from agent.app.page_desks import MusicChoice, SpotifyLink
from agent.settings import Settings
from agent.web.page.fields import HIDDEN, TOLD, Field, field, fields, parse
from tests.web.page.harness import PageServer

SHOWN = [member for _title, _about, members in fields(Settings()) for member in members]


def test_every_setting_is_shown() -> None:
    wanted = set()
    for name, info in Settings.model_fields.items():
        inner = getattr(info.annotation, "model_fields", None)
        if name not in HIDDEN:
            wanted |= {name} if inner is None else {f"{name}.{key}" for key in inner}
    assert {member.key for member in SHOWN} == wanted


@pytest.mark.parametrize("member", SHOWN, ids=lambda member: member.key)
def test_each_has_a_label(member: object) -> None:
    assert member.key in TOLD, "give it a label (and help) in agent/web/page/fields.py"  # type: ignore[attr-defined]


PLAIN = {
    "mood.certainty": "a probability",
    "mood.pace": "a factor",
    "local.volume": "a share",
    "spotify.port": "a name",
    "web.port": "a name",
}
"""Numbers that are counted in nothing."""


def other(member: Field) -> object:
    """Some value that a setting may have and does not ship with."""
    match member.kind:
        case "check":
            return member.default != "true"
        case "choice":
            return next(value for value, _word in member.choices if value != member.default)
        case "time":
            return "21:30" if member.key.endswith("from") else "06:45"
        case "number":
            low, high = float(member.low), float(member.high)
            value = low + (high - low) / 4
            return round(value) if member.step == "1" else round(value, 2)
        case _text:
            return {"camera.source": "~/clip.mp4", "spotify.client_id": 32 * "a"}[member.key]


def changed() -> Settings:
    """All settings set to something else."""
    values: dict[str, Any] = {}
    for member in SHOWN:
        section, _dot, name = member.key.rpartition(".")
        inner = values.setdefault(section, {}) if section else values
        inner[name] = "en" if member.key == "language" else other(member)
    return Settings.model_validate(values)


@pytest.mark.parametrize("wanted", [Settings(), changed()], ids=["as shipped", "all changed"])
def test_each_is_on_the_page_with_all_that_one_wants_to_know(
    server: PageServer, wanted: Settings
) -> None:
    """Label, help, unit, limits and default: as it ships, and once it was changed."""
    server.settings.save(wanted)
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as user:
        user.get(server.access.link())
        whole = user.get("/settings").text
    seen = 0
    for _title, about, members in fields(wanted):
        assert html.escape(about, quote=False) in whole
        for member in members:
            found = re.search(
                rf'<form class="setting[^>]* id="{member.key}".*?</form>', whole, re.S
            )
            assert found, member.key
            shown = html.unescape(found.group())
            seen += 1
            assert member.help or about, f"{member.key}: nothing says what it is for"
            for text in (member.label, member.help, member.unit, member.limits):
                assert text in shown, (member.key, text)
            assert (member.value != member.default) == (wanted != Settings()), member.key
            if member.changed:
                ships = f"Moodtray ships: {member.shown_default}<"
                assert ships in shown, (member.key, ships)
                assert f'form="shipped-{member.key}"' in shown
            if member.kind == "number":
                assert member.unit or member.key in PLAIN, f"{member.key}: of what?"
                assert member.low in member.limits, member.key
                assert member.high in member.limits, member.key
    assert seen == len(SHOWN)


NUMBERS = [member for member in SHOWN if member.kind == "number"]


def test_a_number_that_makes_no_sense_is_told_at_its_field(page: Page, server: PageServer) -> None:
    """Each numeric setting, typed by hand."""
    page.goto(f"{server.url}/settings")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    before = server.paths.settings_file.read_bytes()
    for member in NUMBERS:
        field, error = (
            page.locator(f"[id='f-{member.key}']"),
            page.locator(f"[id='e-{member.key}']"),
        )
        for typed in ("-5", "soon"):
            expect(error).to_be_empty()
            field.fill(typed)
            field.press("Enter")
            expect(error).to_contain_text(member.label)
            expect(field).to_have_value(typed)
            expect(field).to_have_attribute("aria-invalid", "true")
            field.fill(member.value)
            field.press("Tab")
    assert server.paths.settings_file.read_bytes() == before


@pytest.mark.parametrize("typed", ["nan", "1e999", "-0.001", "9" * 400, "0x10", "1 000", "½"])
def test_odd_numbers_are_refused_in_words(server: PageServer, typed: str) -> None:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as user:
        user.get(server.access.link())
        token = re.search(r'name="token" content="(\w+)"', user.get("/").text)
        assert token
        headers = {"Origin": server.url, "X-Moodtray-Token": token.group(1)}
        for member in NUMBERS:
            words = {"value": typed, "was": member.value}
            answer = user.post(f"/api/settings/{member.key}", json=words, headers=headers)
            assert 400 <= answer.status_code < 500, (member.key, answer.text)
            assert member.label in answer.json()["error"]
    assert server.settings.load() == Settings()


def test_what_experts_set_can_be_emptied_again(page: Page, server: PageServer) -> None:
    server.settings.change("mood.certainty", 0.9)
    page.goto(f"{server.url}/settings")
    page.get_by_label("Find a setting").fill("certainty")
    field = page.get_by_role("textbox", name="How sure it must be")
    field.fill("")
    field.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Saved: How sure it must be.")
    assert server.settings.load().mood.certainty is None


@pytest.mark.parametrize(
    ("place", "label", "typed", "told"),
    [
        ("settings", "Which camera", "soon", "soon is not there."),
        ("settings", "Which camera", "-5", "-5 is not there."),
        ("settings", "Which camera", "/tmp", "/tmp is not there."),
        ("settings", "Which camera", "9" * 20, "too large to be meant"),
        ("start?step=camera", "Address of a stream", "soon", "soon is not there."),
        ("start?step=camera", "Address of a stream", "", "Nothing was entered."),
        ("start?step=camera", "Address of a stream", "<b>0</b>", "<b>0</b> is not there."),
        ("settings", "Client ID", "soon", "There is no client ID in it."),
        ("settings", "Client ID", "x" * 10_000, "This is too long"),
        ("moods/sad/add?of=local", "Path of a folder", "Music/Rain", "is no whole path"),
        ("moods/sad/add?of=local", "Path of a folder", "/gone/away", "There is no folder or file"),
        ("moods/sad/add?of=local", "Path of a folder", "~nobody-of-that-name", "~nobody-of"),
        ("moods/sad/add?of=spotify", "Link of a playlist", "", "Nothing was entered."),
        ("moods/sad/add?of=spotify", "Link of a playlist", "soon", "is no Spotify playlist"),
        (
            "moods/sad/add?of=spotify",
            "Link of a playlist",
            "https://open.spotify.com/track/6rqhFgbbKwnb9MLmUQDhG6",
            "is a single song",
        ),
        ("moods/sad/add?of=spotify", "Link of a playlist", "https://spotify.link/a", "short link"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field(
    page: Page, server: PageServer, place: str, label: str, typed: str, told: str
) -> None:
    """As the agent itself judges it."""
    nobody = cast(Any, None)
    link = SpotifyLink(server.paths, server.clock, server.settings, nobody, None)
    music = MusicChoice(server.paths, server.clock, server.settings, link, nobody, None)
    server.desk.look_up = music.look_up  # type: ignore[method-assign]
    server.desk.allowed = True
    before = server.paths.settings_file.read_bytes()
    page.goto(f"{server.url}/{place}")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    field = page.get_by_label(label).first
    field.fill(typed)
    field.press("Enter")
    expect(page.locator("form", has=field).locator(".error")).to_contain_text(told)
    assert field.input_value() == typed
    assert server.paths.settings_file.read_bytes() == before


def test_a_dashboards_link_is_a_client_id_in_the_settings_too(
    page: Page, server: PageServer
) -> None:
    page.goto(f"{server.url}/settings")
    field = page.get_by_label("Client ID")
    field.fill(f"https://developer.spotify.com/dashboard/{32 * 'a'}/settings")
    field.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Saved: Client ID.")
    assert server.settings.load().spotify.client_id == 32 * "a"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("policy.cooldown", "45", 45.0),
        ("policy.cooldown", "4,5", 4.5),
        ("policy.cooldown", "soon", "soon"),
        ("camera.burst_frames", "5", 5),
        ("camera.source", "1", 1),
        ("camera.source", "~/clip.mp4", "~/clip.mp4"),
        ("notifications.enabled", "false", False),
        ("notifications.quiet_from", "", None),
        ("mood.certainty", "", None),
        ("policy.cooldown", "", ""),
        ("policy.timing", "now", "now"),
    ],
)
def test_what_was_typed(key: str, text: str, value: object) -> None:
    shown = field(Settings(), key)
    assert shown is not None
    assert parse(shown, text) == value
