"""Who gets in: the page attacked as other users, other pages and other programs would."""

from __future__ import annotations

import re
import socket
import struct
import sys
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest
from playwright.sync_api import Browser

from agent.web.page import access as access_module
from agent.web.page import guard
from agent.web.page.access import LINK_SECONDS, SESSION_SECONDS, Access
from tests.browser import new_page
from tests.fakes.clock import FakeClock
from tests.stranger import as_stranger
from tests.web.page.harness import PageServer

PAGES = ["/", "/moods", "/history", "/settings", "/start", "/spotify", "/moods/happy/add"]
SECRETS = [
    "/api/now",
    "/api/events",
    "/api/start/still",
    "/api/openapi.json",
    "/history/export/csv",
]


@pytest.fixture
def stranger(server: PageServer) -> Iterator[httpx.Client]:
    """Somebody without a cookie."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as made:
        yield made


@pytest.fixture
def user(server: PageServer) -> Iterator[httpx.Client]:
    """The user's browser, as far as HTTP goes."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as made:
        made.get(server.access.link())
        yield made


def token_of(user: httpx.Client) -> str:
    found = re.search(r'name="token" content="(\w+)"', user.get("/").text)
    assert found
    return found.group(1)


def change(client: httpx.Client, origin: str | None, **headers: str) -> httpx.Response:
    """Ask for a change as the page's script does, but for what the test says."""
    given = {} if origin is None else {"Origin": origin}
    return client.post("/api/do", json={"do": "next"}, headers={**given, **headers})


# --- no cookie


@pytest.mark.parametrize("path", [*PAGES, *SECRETS, "/callback"])
def test_without_a_cookie_nothing_is_shown(stranger: httpx.Client, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 401
    assert "balcony" not in answer.text
    assert "for you alone" in answer.text


def test_without_a_cookie_nothing_is_changed(stranger: httpx.Client, server: PageServer) -> None:
    assert change(stranger, server.url).status_code == 401
    assert server.events == []


@pytest.mark.parametrize(
    "cookie",
    ["", "x", "1.2.3", "a.b.c", "9" * 40 + ".x.y", "1790000000.abc." + "0" * 64, "ü.ü.ü"],
)
def test_a_made_up_cookie_is_none(stranger: httpx.Client, server: PageServer, cookie: str) -> None:
    header = f"{server.access.cookie_name}={cookie}".encode()
    assert stranger.get("/", headers=[(b"Cookie", header)]).status_code == 401


def test_the_cookie_of_another_port_is_none(server: PageServer, stranger: httpx.Client) -> None:
    key = access_module.load_key(server.paths.runtime)
    other = Access(key, server.clock, server.port + 1)
    value = other.new_session()
    for name in (other.cookie_name, server.access.cookie_name):
        assert stranger.get("/", headers={"Cookie": f"{name}={value}"}).status_code == 401


@pytest.mark.parametrize(
    "others",
    [
        'theme={"dark": 1}; OURS',
        "a b; OURS",
        'x="; OURS',
        "x; OURS",
        "path=/; OURS",
        "\xff=\xff; OURS",
        "NAME=shadow; OURS; NAME=shadow",
    ],
)
def test_the_cookies_of_other_programs_lock_nobody_out(server: PageServer, others: str) -> None:
    """All servers on 127.0.0.1 share them: whatever another one has set comes along, first."""
    name, session = server.access.cookie_name, server.access.new_session()
    sent = others.replace("OURS", f"{name}={session}").replace("NAME", name)
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as user:
        header = (b"Cookie", sent.encode("latin-1"))
        assert user.get("/", headers=[header]).status_code == 200


def test_a_flood_of_others_cookies_locks_nobody_out(server: PageServer) -> None:
    """As many and as long as browsers keep for one host; a server that was visited has set them."""
    theirs = "; ".join(f"c{number}={'x' * 4090}" for number in range(180))
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as user:
        entered = user.get(server.access.link(), headers={"Cookie": theirs})
        ours = entered.headers["set-cookie"].partition(";")[0]
        assert user.get("/", headers={"Cookie": f"{theirs}; {ours}"}).status_code == 200


# --- the link


def test_a_link_works_once(stranger: httpx.Client, server: PageServer) -> None:
    link = server.access.link("history")
    first = stranger.get(link)
    assert first.status_code == 303
    assert first.headers["location"] == "/enter?to=history"  # nothing secret goes on
    cookie = first.headers["set-cookie"]
    assert cookie.startswith(f"moodtray-{server.port}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert stranger.get("/history").status_code == 200
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as other:
        second = other.get(link)
        assert second.status_code == 401
        assert "set-cookie" not in second.headers
        assert "has been used or is too old" in second.text


def test_a_link_works_for_five_minutes() -> None:
    clock = FakeClock()
    access = Access(b"k" * 32, clock, 80)
    early, late = access.link(), access.link()
    clock.advance(LINK_SECONDS - 1)
    assert access.redeem(early.rpartition("/")[2]) == ""
    clock.advance(2)
    assert access.redeem(late.rpartition("/")[2]) is None


def test_a_link_leads_to_our_pages_only(stranger: httpx.Client, server: PageServer) -> None:
    with pytest.raises(ValueError, match="evil"):
        server.access.link("//evil.example")
    for to in ("//evil.example", "https://evil.example", "javascript:alert(1)", "settings/.."):
        page = stranger.get("/enter", params={"to": to})
        assert 'content="0;url=/"' in page.text
        assert "evil" not in page.text


def test_few_links_are_open_at_a_time() -> None:
    access = Access(b"k" * 32, FakeClock(), 80)
    first = access.link().rpartition("/")[2]
    for _ in range(access_module.LINKS_KEPT):
        access.link()
    assert access.redeem(first) is None


def test_guessing_is_slowed_down_and_then_refused() -> None:
    access = Access(b"k" * 32, FakeClock(), 80)
    waits = [access.failed() for _ in range(access_module.REFUSE_AFTER + 1)]
    assert waits[0] == 0.0
    assert waits[10] == access_module.MAX_DELAY
    assert waits[-1] is None


def test_guessing_does_not_shut_the_user_out(
    stranger: httpx.Client, user: httpx.Client, server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_module, "MAX_DELAY", 0.01)
    statuses = {stranger.get(f"/enter/{n}").status_code for n in range(30)}
    assert statuses == {401, 429}
    assert user.get("/").status_code == 200
    assert stranger.get(server.access.link()).status_code == 303


def test_wrong_cookies_are_slowed_down_too(
    stranger: httpx.Client, user: httpx.Client, server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_module, "MAX_DELAY", 0.01)
    name = server.access.cookie_name
    wrong = {"Cookie": f"{name}=1790000000.abc.{'0' * 64}"}
    statuses = [stranger.get("/api/now", headers=wrong).status_code for _ in range(30)]
    assert statuses == sorted(statuses)
    assert set(statuses) == {401, 429}
    assert stranger.get("/").status_code == 401  # no cookie at all is no attempt
    assert user.get("/").status_code == 200


def test_wrong_form_tokens_are_slowed_down_too(
    user: httpx.Client, server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_module, "MAX_DELAY", 0.01)
    token = token_of(user)
    wrong = {"X-Moodtray-Token": "0" * 64}
    answers = [change(user, server.url, **wrong) for _ in range(30)]
    assert [a.status_code for a in answers] == sorted(a.status_code for a in answers)
    assert {a.status_code for a in answers} == {403, 429}
    assert answers[-1].headers["retry-after"] == "60"
    assert server.events == []
    assert change(user, server.url, **{"X-Moodtray-Token": token}).status_code == 200


@pytest.mark.parametrize("what", ["cookie", "token", "link"])
def test_each_wrong_attempt_waits_longer(
    user: httpx.Client, server: PageServer, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over HTTP, as long as the rule says."""
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(guard, "asyncio", SimpleNamespace(sleep=note))
    for number in range(6):
        if what == "cookie":
            wrong = {"Cookie": f"{server.access.cookie_name}=1.{number}.x"}
            httpx.get(f"{server.url}/", headers=wrong, trust_env=False, timeout=60)
        elif what == "token":
            change(user, server.url, **{"X-Moodtray-Token": str(number)})
        else:
            httpx.get(f"{server.url}/enter/{number}", trust_env=False, timeout=60)
    assert waits[0] == 0.0
    assert len(waits) == 6
    assert sum(waits) > 0
    assert waits == sorted(waits)


# --- the cookie's life


def test_a_cookie_ends_after_half_a_day_and_survives_a_clock_set_back() -> None:
    clock = FakeClock()
    access = Access(b"k" * 32, clock, 80)
    session = access.new_session()
    assert access.is_session(session)
    clock.advance(SESSION_SECONDS - 10)
    assert access.is_session(session)
    clock.advance(20)
    assert not access.is_session(session)
    young = access.new_session()
    clock.advance(-3600)
    assert access.is_session(young)


def test_a_visit_renews_the_cookie(server: PageServer, user: httpx.Client) -> None:
    assert "set-cookie" not in user.get("/").headers
    server.access._clock = FakeClock(server.access._clock.now() + timedelta(hours=2))
    assert "set-cookie" in user.get("/").headers


def test_the_key_is_for_the_users_eyes_and_a_readable_one_is_replaced(server: PageServer) -> None:
    file = server.paths.runtime / access_module.KEY_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    key = access_module.load_key(server.paths.runtime)
    assert access_module.load_key(server.paths.runtime) == key
    file.chmod(0o644)
    assert access_module.load_key(server.paths.runtime) != key
    assert file.stat().st_mode & 0o777 == 0o600


# --- other pages


@pytest.mark.parametrize("host", ["localhost", "moodtray.evil.example", "127.0.0.1", "[::1]", ""])
def test_other_names_for_the_address_are_refused(
    user: httpx.Client, server: PageServer, host: str
) -> None:
    """DNS rebinding: a foreign name that was pointed here carries no right, cookie or not."""
    name = f"{host}:{server.port}" if host not in ("127.0.0.1", "") else host
    answer = user.get("/", headers={"Host": name})
    assert answer.status_code in (400, 403)
    assert "balcony" not in answer.text


def test_two_hosts_are_refused(user: httpx.Client, server: PageServer) -> None:
    good, name = f"127.0.0.1:{server.port}", server.access.cookie_name
    cookie = f"Cookie: {name}={user.cookies[name]}\r\nConnection: close\r\n\r\n"

    def status(*hosts: str) -> bytes:
        """The status of the answer; nothing: it was closed without one."""
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
            named = "".join(f"Host: {host}\r\n" for host in hosts)
            raw.sendall(f"GET / HTTP/1.1\r\n{named}{cookie}".encode())
            try:
                return raw.recv(100).split()[1]
            except (ConnectionResetError, IndexError):
                return b""

    assert status(good) == b"200", "the cookie is a good one"
    for hosts in ((good, "evil.example"), ("evil.example", good), (good, good)):
        assert status(*hosts) in (b"", b"403"), hosts


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "http://127.0.0.1", "https://127.0.0.1:{port}"]
)
def test_changes_come_from_the_page_itself(
    user: httpx.Client, server: PageServer, origin: str | None
) -> None:
    token = token_of(user)
    named = origin.format(port=server.port) if origin else None
    assert change(user, named, **{"X-Moodtray-Token": token}).status_code == 403
    assert server.events == []


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_changes_for_another_site_are_refused(
    user: httpx.Client, server: PageServer, site: str
) -> None:
    token = token_of(user)
    given = {"X-Moodtray-Token": token, "Sec-Fetch-Site": site}
    assert change(user, server.url, **given).status_code == 403
    assert server.events == []


@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket"])
def test_other_sites_can_load_nothing(user: httpx.Client, mode: str) -> None:
    for path in ("/", "/static/page.css", "/api/now"):
        answer = user.get(path, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode})
        assert answer.status_code == 403


@pytest.mark.parametrize("token", ["", "0" * 64, "ü"])
def test_changes_need_the_forms_token(user: httpx.Client, server: PageServer, token: str) -> None:
    header = [(b"Origin", server.url.encode()), (b"X-Moodtray-Token", token.encode())]
    answer = user.post("/api/do", json={"do": "next"}, headers=header)
    assert answer.status_code == 403
    assert server.events == []


def test_the_token_of_another_session_is_none(user: httpx.Client, server: PageServer) -> None:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as other:
        other.get(server.access.link())
        token = token_of(other)
    assert token != token_of(user)
    assert change(user, server.url, **{"X-Moodtray-Token": token}).status_code == 403


def test_with_all_that_a_change_is_made(user: httpx.Client, server: PageServer) -> None:
    answer = change(user, server.url, **{"X-Moodtray-Token": token_of(user)})
    assert answer.status_code == 200
    assert len(server.events) == 1


def test_a_page_elsewhere_cannot_use_the_users_cookie(browser: Browser, server: PageServer) -> None:
    """In a real browser: another server of this computer frames the page, loads it and posts."""
    attack = """<!doctype html><iframe src="{url}/"></iframe><img src="{url}/api/now">
    <form method="post" action="{url}/api/do" enctype="text/plain"><input name='{{"do":"next","x":"'
    value='"}}'></form><script>
    const cookie = {{credentials: "include", mode: "no-cors"}};
    fetch("{url}/api/do", {{...cookie, method: "POST", body: "{{}}"}});
    fetch("{url}/api/now", cookie).then(a => a.text()).then(t => document.title = t);
    document.forms[0].submit();</script>"""
    with new_page(browser, attacks=True) as page:
        page.goto(server.access.link())
        page.wait_for_url(f"{server.url}/")
        for host in ("http://127.0.0.1:9", "http://evil.example"):
            page.route(
                f"{host}/**",
                lambda route: route.fulfill(
                    body=attack.format(url=server.url), content_type="text/html"
                ),
            )
            page.goto(f"{host}/")
            page.wait_for_url(f"{server.url}/**")
            assert "another page" in page.content() or "error" in page.content()
        assert server.events == []


# --- other users


ADDRESSES = [
    (socket.AF_INET, "127.0.0.1", ""),
    (socket.AF_INET6, "::ffff:127.0.0.1", ""),
    # From the page's own port on another address: our own end has the same two ports.
    *((socket.AF_INET, "127.0.0.1", f"127.0.0.{last}") for last in range(2, 60)),
]


def asked_from(family: int, to: str, source: str, port: int, head: str) -> str:
    """What one request is answered; empty where the connection is closed instead."""
    with socket.socket(family) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.settimeout(10)
        if source:
            client.bind((source, port))
        try:
            client.connect((to, port))
            client.sendall(head.encode())
            return client.recv(1000).decode("latin-1")[:20]
        except (ConnectionResetError, BrokenPipeError):
            return ""


def test_another_user_gets_nothing_even_with_the_cookie(
    user: httpx.Client, server: PageServer
) -> None:
    """Browsers hand the cookie to servers of others on this computer: ports do not keep it."""
    name, port = server.access.cookie_name, server.port
    cookie, token = user.cookies.get(name), token_of(user)
    head = f"HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {name}={cookie}\r\n"
    change = f"Origin: {server.url}\r\nX-Moodtray-Token: {token}\r\n"
    change += "Content-Type: application/json\r\nContent-Length: 13\r\n\r\n"
    requests = [
        f"GET /api/now {head}\r\n",
        f"GET /static/page.css {head}\r\n",
        f'POST /api/do {head}{change}{{"do":"next"}}',
    ]

    def attack() -> set[str]:
        return {asked_from(*address, port, one) for address in ADDRESSES for one in requests}

    assert as_stranger(attack) == "{''}"
    assert server.events == []
    assert asked_from(*ADDRESSES[0], port, requests[0]).startswith("HTTP/1.1 200")
    assert asked_from(*ADDRESSES[1], port, requests[0]).startswith("HTTP/1.1 200")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="others have one such address")
def test_only_the_usual_address_is_answered(server: PageServer) -> None:
    head = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n"
    assert asked_from(socket.AF_INET, "127.0.0.1", "127.0.0.7", server.port, head) == ""


# --- every answer


@pytest.mark.parametrize("path", [*PAGES, "/static/page.css", "/nowhere", "/api/nowhere"])
def test_every_answer_has_the_headers(user: httpx.Client, path: str) -> None:
    headers = user.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers
    if not path.startswith("/static"):
        assert headers["cache-control"] == "no-store"


def test_the_still_is_never_kept(user: httpx.Client, server: PageServer) -> None:
    assert user.get("/api/start/still").status_code == 403  # not allowed yet
    server.desk.allowed = True
    answer = user.get("/api/start/still")
    assert answer.json()["picture"].startswith("data:image/jpeg;base64,")
    assert answer.headers["cache-control"] == "no-store"


def test_no_still_goes_out_once_the_consent_is_taken_back(
    user: httpx.Client, server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even while one is waited for."""
    server.desk.allowed = True
    still = server.desk.still
    monkeypatch.setattr(server.desk, "still", lambda: (server.desk.withdraw(), still())[1])
    answer = user.get("/api/start/still")
    assert answer.status_code == 403
    assert "picture" not in answer.json()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD"])
def test_other_methods_are_refused(user: httpx.Client, method: str) -> None:
    assert user.request(method, "/").status_code == 405


def test_too_much_is_refused_unread(user: httpx.Client, server: PageServer) -> None:
    given = {"Origin": server.url, "X-Moodtray-Token": token_of(user)}
    answer = user.post("/api/moods/import", content=b"x" * 300_000, headers=given)
    assert answer.status_code == 413
    unknown = user.post("/api/do", content=iter([b"{}"]), headers=given)
    assert unknown.status_code == 411


def test_what_is_static_holds_no_paths(user: httpx.Client) -> None:
    for path in ("/static/../render.py", "/static/%2e%2e/render.py", "/static/..%2frender.py"):
        assert user.get(path).status_code in (401, 404)
