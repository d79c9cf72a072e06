"""Which of the first steps is open, and which are done: none leaps, and what was done stays so."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from agent.types import CameraState
from agent.web.page.first_steps import STATE_FILE, Step, Visited
from tests.web.page.harness import PageServer, wait_until

RESTS: tuple[dict[str, Any], ...] = (
    {"camera": CameraState.OFF, "camera_paused": True, "on_break": True},
    {"camera": CameraState.OFF, "camera_paused": True},
    {"camera": CameraState.OFF, "held_off": "the screen is locked"},
)


def see_through(server: PageServer, *steps: Step) -> None:
    """The user has gone on past these steps."""
    for step in steps:
        Visited(server.paths.state / STATE_FILE).add(step)


def test_a_camera_that_is_named_is_seen_before_the_next_step(
    page: Page, server: PageServer
) -> None:
    """A stream's address led on to the music before there was a picture."""
    server.desk.allowed = True
    server.publish(camera=CameraState.BUSY)
    page.goto(f"{server.url}/start")
    expect(page.locator("#step-title")).to_have_text("The camera")
    wait_until(lambda: server.streams == 1, "the open page")
    page.get_by_text("A network camera or a video file").click()
    page.get_by_label("Address of a stream").fill("http://camera.local/video")
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_role("status")).to_contain_text("Moodtray looks through this camera")
    with page.expect_response("**/start*"):
        server.publish(camera=CameraState.ON)
    expect(page.locator("a[aria-current=step]")).to_contain_text("it sees")
    expect(page.locator("#step-title")).to_have_text("The camera")
    expect(page.get_by_text("This look: happy (86 %)")).to_be_visible()


@pytest.mark.parametrize("rests", RESTS)
def test_what_was_done_stays_done_while_the_camera_rests(
    page: Page, server: PageServer, rests: dict[str, Any]
) -> None:
    """A break led from the last step back to the second, whose tick was gone."""
    server.desk.allowed = True
    see_through(server, Step.MUSIC, Step.MOODS, Step.NOTICES)
    page.goto(f"{server.url}/start")
    expect(page.locator("#step-title")).to_have_text("Try it now")
    wait_until(lambda: server.streams == 1, "the open page")
    with page.expect_response("**/start*"):
        server.publish(**rests)
    camera = page.locator(".ladder li", has_text="The camera")
    expect(camera).to_contain_text("it rests now")
    expect(camera).to_have_class("done")
    expect(page.locator("#step-title")).to_have_text("Try it now")
    page.goto(f"{server.url}/start")
    expect(page.locator("#step-title")).to_have_text("Try it now")


@pytest.mark.parametrize("camera", [CameraState.BUSY, CameraState.LOST])
def test_a_camera_that_fails_is_not_done(
    page: Page, server: PageServer, camera: CameraState
) -> None:
    server.desk.allowed = True
    see_through(server, *Step)
    server.publish(camera=camera)
    page.goto(f"{server.url}/start")
    expect(page.locator("#step-title")).to_have_text("The camera")
    expect(page.locator(".ladder li", has_text="The camera")).not_to_have_class("done")


def test_a_camera_that_never_saw_is_not_done_in_a_break(page: Page, server: PageServer) -> None:
    server.desk.allowed = True
    server.publish(**RESTS[0])
    page.goto(f"{server.url}/start")
    expect(page.locator("#step-title")).to_have_text("The camera")
    expect(page.locator("a[aria-current=step]")).to_contain_text("You are taking a break")
