"""The login to Spotify as the commands and the tray call it: the browser, the pages, the token.

The work is done in ``agent.players.spotify`` and ``agent.web.login``, which are loaded when a login
begins.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import webbrowser
from collections.abc import Callable

from agent.addresses import LOOPBACK
from agent.errors import NeedsLogin, SettingsError, StoreError
from agent.players.spotify import storage
from agent.players.spotify.endpoints import DASHBOARD, Endpoints
from agent.ports import Clock
from agent.printable import printable_lines
from agent.settings import Settings
from agent.store.files import unlink
from agent.store.paths import Paths, names_in
from agent.translation import _

REDIRECT = "login-"
"""So begins, before the process, the name of a file that leads a browser to the login."""


def login(
    settings: Settings,
    paths: Paths,
    clock: Clock,
    *,
    client_id: str | None = None,
    no_browser: bool = False,
    spotify_url: str | None = None,
    save_client_id: Callable[[str], None],
    tell: Callable[[str], None] | None = None,
    echo: Callable[[str], None] | None = None,
    open_browser: Callable[[str], bool] | None = None,
    take_link: Callable[[str], None] | None = None,
    cancelled: threading.Event | None = None,
    back: str | None = None,
) -> None:
    """Log in; blocks until the user has answered, at most five minutes after Spotify's page opened.

    ``echo`` takes the one line of stdout (a link that works once, with ``no_browser`` or when no
    browser opens), ``tell`` everything else (stderr). A browser gets a file that leads to the link;
    ``take_link`` gets the link itself, for a browser that is open already. ``save_client_id``
    stores a client ID that was given or entered. ``back``: where the browser goes on afterwards.
    Raises NeedsLogin with what went wrong, or another AgentError.
    """
    from agent.players.spotify.login import LoginFlow, account_name
    from agent.players.spotify.oauth import Accounts
    from agent.web.login import LoginServer, is_client_id

    tell, show = tell or _to_stderr, echo or _to_stdout
    client_id = (client_id or settings.spotify.client_id or "").strip() or None
    if client_id is not None and not is_client_id(client_id):
        raise SettingsError(
            _(
                "'{client_id}' is no client ID. It is the row of 32 letters "
                "and digits under 'Client ID' on your app's page at "
                "{dashboard}."
            ).format(client_id=client_id[:80], dashboard=DASHBOARD)
        )
    if client_id is None and no_browser:
        raise NeedsLogin(guide_text(settings.spotify.port), title=_("A client ID is needed"))
    at = Endpoints.at(spotify_url)
    accounts = Accounts(at.accounts, clock, storage.ledger(settings, paths, clock))
    flow = LoginFlow(
        storage.token_store(settings, paths),
        storage.login_note(paths, settings),
        accounts,
        clock,
        lambda access: account_name(at.api, access),
    )
    server = LoginServer(
        flow,
        settings.spotify.port,
        clock,
        client_id=client_id,
        save_client_id=save_client_id,
        dashboard=DASHBOARD,
        say=tell,
        back=back,
    )
    sweep(paths)
    redirect_file = paths.runtime / f"{REDIRECT}{os.getpid()}.html"
    server.start()
    try:
        if client_id is not None and client_id != settings.spotify.client_id:
            save_client_id(client_id)
        link = server.link
        if take_link is not None:
            take_link(link)
        elif no_browser:
            tell(_("Open this address in a browser on this computer (it works once):"))
            show(link)
        else:
            server.write_redirect_file(redirect_file)
            if (open_browser or _open_browser)(redirect_file.as_uri()):
                tell(_("Your browser shows the next step. Waiting for it ..."))
                # A browser may accept the file and show nothing.
                tell(_("If no page opened: {link}").format(link=link))
            else:
                tell(_("No browser could be opened. Open this address yourself (it works once):"))
                show(link)
        server.wait(cancelled)
        tell(_("Logged in to Spotify. {next_step}").format(next_step=next_step(settings)).rstrip())
    finally:
        server.stop()
        accounts.close()
        with contextlib.suppress(StoreError):  # its link is dead
            unlink(redirect_file)


def sweep(paths: Paths) -> None:
    """Remove the files, with dead links, of logins that were killed; never raises."""
    for name in names_in(paths.runtime):
        file = paths.runtime / name
        if not (name.startswith(REDIRECT) and file.suffix == ".html"):
            continue
        import psutil  # not at every start: there is hardly ever one

        number = file.stem.removeprefix(REDIRECT)
        # A number that no process can have overflows.
        with contextlib.suppress(StoreError, OverflowError):
            if number.isdecimal() and not psutil.pid_exists(int(number)):
                unlink(file)


def next_step(settings: Settings) -> str:
    """Return what is still missing after a login, for people; empty: nothing."""
    if settings.spotify_playlists:
        return ""
    return _(
        "Now choose playlists under 'Music for my moods'; until then Moodtray leaves the music "
        "alone."
    )


def redirect_uri(port: int) -> str:
    """Return what to enter at Spotify; with any free port (0) the address is given without one."""
    return f"http://{LOOPBACK}:{port}/callback" if port else f"http://{LOOPBACK}/callback"


def guide_text(port: int) -> str:
    """Explain, for a terminal, how to make the app at Spotify."""
    return _(
        "Moodtray works through a Spotify app of your own (made once, "
        "free, Premium needed):\n  1. Open {dashboard} and press "
        "'Create app'; tick 'Web API'.\n  2. Enter as redirect URI "
        "exactly: {redirect_uri}\n  3. Copy the client ID and run: "
        "moodtray login --client-id THE_ID"
    ).format(dashboard=DASHBOARD, redirect_uri=redirect_uri(port))


def _to_stdout(text: str) -> None:
    print(printable_lines(text), flush=True)


def _to_stderr(text: str) -> None:
    print(printable_lines(text), file=sys.stderr, flush=True)


def _open_browser(url: str) -> bool:
    """Open a browser with a window; False when there is none (one for the terminal is no help)."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
