"""The page's API, asked by a machine that makes up its questions from the API's own document; and a
thousand visits, after which nothing may have grown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
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


@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("ignore")  # what the tool's own libraries deprecate is not ours
def test_made_up_questions_get_an_answer_that_was_promised(
    server: PageServer, user: httpx.Client
) -> None:
    server.desk.allowed = True
    token = re.search(r'name="token" content="(\w+)"', user.get("/").text)
    assert token
    name = server.access.cookie_name
    headers = {
        "Origin": server.url,
        "X-Moodtray-Token": token.group(1),
        "Cookie": f"{name}={user.cookies[name]}",
    }
    document = user.get("/api/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) >= 20
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(
            max_examples=CASES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            answer = case.call(base_url=server.url, headers=headers)
            assert answer.status_code < 500, (case.method, case.path, answer.text)
            case.validate_response(
                answer, checks=[status_code_conformance, response_schema_conformance]
            )

        ask()


@pytest.mark.timeout(400)
def test_a_thousand_visits_leave_nothing_behind(server: PageServer, user: httpx.Client) -> None:
    """Memory of this process (server and client), and threads, before and after."""
    import gc
    import threading

    import psutil

    fill_history(server.history, server.clock.now(), days=3)
    pages = ["/", "/moods", "/history", "/settings", "/start", "/api/now", "/moods/happy/add"]

    def visit(count: int) -> None:
        for number in range(count):
            assert user.get(pages[number % len(pages)]).status_code == 200

    visit(150)
    gc.collect()
    process = psutil.Process()
    before, threads = process.memory_info().rss, threading.active_count()
    visit(1000)
    gc.collect()
    grown = process.memory_info().rss - before
    assert grown < 4_000_000, f"{grown / 1e6:.1f} MB more after a thousand visits"
    assert threading.active_count() <= threads + 2
