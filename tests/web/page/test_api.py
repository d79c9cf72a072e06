"""The page's API, asked by a machine that makes up its questions from the API's own document; and a
thousand visits, after which nothing may have grown."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    response_schema_conformance,
    status_code_conformance,
)

from tests.web.page.harness import PageServer, fill_history

CASES = 12
"""Questions for each operation."""


@pytest.fixture
def user(server: PageServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as made:
        made.get(server.access.link())
        yield made


def headers_of(server: PageServer, user: httpx.Client) -> dict[str, str]:
    """What the page's script sends."""
    token = re.search(r'name="token" content="(\w+)"', user.get("/").text)
    assert token
    name = server.access.cookie_name
    return {
        "Origin": server.url,
        "X-Moodtray-Token": token.group(1),
        "Cookie": f"{name}={user.cookies[name]}",
    }


def test_a_place_beyond_all_places_is_the_last(server: PageServer, user: httpx.Client) -> None:
    """A machine that makes up numbers seldom makes them larger than an address of memory."""
    words = {"player": "spotify", "entry": "spotify:playlist:" + "x" * 22, "place": 10**30}
    told = user.post("/api/moods/happy/back", json=words, headers=headers_of(server, user))
    assert told.status_code == 200
    assert server.settings.load().spotify_playlists["happy"] == (words["entry"],)


def asked(user: httpx.Client, mode: GenerationMode, ask: Callable[[Any], None]) -> set[str]:
    """Ask made-up questions of each operation; returns those of which none can be made up."""
    document = user.get("/api/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) >= 20
    without = set()
    for operation in operations:

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=CASES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def ask_one(case: Any) -> None:
            ask(case)

        try:
            ask_one()
        except Unsatisfiable:
            without.add(operation.label)
    return without


def is_sentence(answer: Any) -> bool:
    """It says what is wrong, in words."""
    error = answer.json()["error"]
    return len(error.split()) > 2 and error[-1] in ".!?"


@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("ignore")  # what the tool's own libraries deprecate is not ours
def test_made_up_questions_get_an_answer_that_was_promised(
    server: PageServer, user: httpx.Client
) -> None:
    server.desk.allowed = True
    headers = headers_of(server, user)

    def ask(case: Any) -> None:
        answer = case.call(base_url=server.url, headers=headers)
        assert answer.status_code < 500, (case.method, case.path, answer.text)
        case.validate_response(
            answer, checks=[status_code_conformance, response_schema_conformance]
        )

    assert asked(user, GenerationMode.POSITIVE, ask) == set()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/api/do", {"do": "break", "minutes": True}),
        ("/api/mood", {"mood": "happy", "minutes": True}),
        ("/api/moods/sad/back", {"player": "local", "entry": "local:sad", "place": True}),
    ],
)
def test_a_truth_is_no_number(
    server: PageServer, user: httpx.Client, address: str, words: dict[str, object]
) -> None:
    """It was taken for one minute."""
    answer = user.post(address, json=words, headers=headers_of(server, user))
    assert answer.status_code == 422
    assert is_sentence(answer)
    assert server.events == []


@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("ignore")
def test_ill_formed_questions_are_refused_in_words_and_change_nothing(
    server: PageServer, user: httpx.Client
) -> None:
    server.desk.allowed = True
    headers = headers_of(server, user)
    before = server.paths.settings_file.read_bytes()

    def ask(case: Any) -> None:
        answer = case.call(base_url=server.url, headers=headers)
        told = (case.method, case.path, case.body, answer.status_code, answer.text)
        if case.method == "GET" and answer.status_code == 200:
            return  # more words in an address than are asked for: passed over, as on any page
        assert 400 <= answer.status_code < 500, told
        assert is_sentence(answer), told

    without_words = {"GET /api/now", "GET /api/start/still", "POST /api/spotify/logout"}
    assert asked(user, GenerationMode.NEGATIVE, ask) == without_words
    assert server.paths.settings_file.read_bytes() == before
    assert (server.events, server.forgotten, server.desk.logins) == ([], [], [])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"value": ' + b"9" * 5_000 + b"}",
        b'{"do": "\\ud800", "entry": "\\ud800", "value": "\\ud800", "source": "\\ud800"}',
        b'{"since": 0, "hour": -2.5}',
        b'{"since": "0"}',
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_question_at_all_is_refused_in_words(
    server: PageServer, user: httpx.Client, body: bytes
) -> None:
    headers = {**headers_of(server, user), "Content-Type": "application/json"}
    paths = user.get("/api/openapi.json").json()["paths"]
    for path, methods in paths.items():
        words = methods.get("post", {}).get("requestBody")
        if words is None:
            continue
        address = path.format(mood="happy", key="policy.cooldown")
        answer = user.post(address, content=body, headers=headers)
        assert 400 <= answer.status_code < 500, (path, answer.text)
        assert is_sentence(answer), (path, answer.text)
    assert (server.events, server.forgotten) == ([], [])


def test_an_address_that_there_is_not_is_told_as_the_api_tells(
    server: PageServer, user: httpx.Client
) -> None:
    for path in ("/api/nothing", "/api/a%0Ab", "/api/settings/a/b/c"):
        answer = user.post(path, json={}, headers=headers_of(server, user))
        assert (answer.status_code, answer.json()) == (404, {"error": "There is no such page."})


@pytest.mark.timeout(400)
def test_a_thousand_visits_leave_nothing_behind(server: PageServer, user: httpx.Client) -> None:
    """Memory of this process (server and client), and threads, before and after."""
    import gc
    import threading

    import psutil

    fill_history(server.history, server.clock.now(), days=3)
    pages = [
        "/",
        "/moods",
        "/history",
        "/settings",
        "/start?step=try",
        "/api/now",
        "/moods/happy/add",
    ]

    def visit(count: int) -> None:
        for number in range(count):
            assert user.get(pages[number % len(pages)]).status_code == 200

    def grown_by_a_thousand() -> int:
        gc.collect()
        before = process.memory_info().rss
        visit(1000)
        gc.collect()
        return process.memory_info().rss - before

    visit(150)
    process, threads = psutil.Process(), threading.active_count()
    # What is left behind grows with each thousand; what the allocator takes for once, in a process
    # that many tests have used, does not.
    most = 4_000_000
    grown: list[int] = []
    while not grown or (grown[-1] >= most and len(grown) < 3):
        grown.append(grown_by_a_thousand())
    assert grown[-1] < most, f"{[f'{g / 1e6:.1f} MB' for g in grown]} more by each thousand visits"
    assert threading.active_count() <= threads + 2


STEERING = "a\x1b[31m\u202e\u2067b"
"""The name of a folder that turns what is written behind it."""


def test_no_folders_name_turns_the_page(
    server: PageServer, user: httpx.Client, tmp_path: Path
) -> None:
    (tmp_path / STEERING / STEERING).mkdir(parents=True)
    for folder in (tmp_path, tmp_path / STEERING):
        page = user.get("/moods/sad/add", params={"player": "local", "folder": str(folder)})
        assert page.status_code == 200
        shown = re.sub(r'(?:value|data-count)="[^"]*"', "", page.text)  # as the program needs it
        assert "\N{REPLACEMENT CHARACTER}[31m" in shown
        assert not set(shown) & set("\x1b\u202e\u2067")


@pytest.mark.parametrize("folder", ["\0", "~nobody-of-that-name", "/" + 5_000 * "x", "\ud800"])
def test_no_folder_is_too_odd_to_be_told(
    server: PageServer, user: httpx.Client, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: list[object] = []
    monkeypatch.setattr(threading, "excepthook", broken.append)
    text = quote(folder, errors="surrogatepass")
    assert user.get(f"/moods/sad/add?player=local&folder={text}").status_code < 500
    for _ in range(200):
        answer = user.get(f"/api/folders/count?path={text}")
        if answer.status_code != 200 or answer.json()["done"]:
            break
        time.sleep(0.05)
    assert answer.status_code < 500
    assert answer.status_code != 200 or answer.json()["done"]
    assert broken == []


@pytest.mark.parametrize(
    "source", ["9" * 300, "/dev/video" + "9" * 310, "~nobody-of-that-name", "/" + "x" * 4_000]
)
def test_no_camera_is_too_odd_to_be_told(
    server: PageServer, user: httpx.Client, source: str
) -> None:
    token = re.search(r'name="token" content="(\w+)"', user.get("/").text)
    assert token
    headers = {"Origin": server.url, "X-Moodtray-Token": token.group(1)}
    answer = user.post("/api/start/camera", json={"source": source}, headers=headers)
    assert 400 <= answer.status_code < 500
    assert server.settings.load().camera.source == 0
