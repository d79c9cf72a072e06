"""``make demo-spotify``: the demo's clip and the whole agent, with a pretended Spotify on this
computer. Login, devices, requests and their limits are as the real service has them; the browser
step is answered by itself."""

from __future__ import annotations

import argparse
import os

from rich.console import Console

from agent.app import spotify_login
from agent.cli import demo
from agent.clock import SystemClock
from agent.settings import PolicySettings, SpotifySettings
from agent.store.paths import Paths
from tests.fakes.spotify import EMOTIONS, FakeSpotify, World
from tests.fakes.spotify.browser import say_yes

CLIENT_ID = "0123456789abcdef0123456789abcdef"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.demo_spotify", description=__doc__)
    parser.add_argument("--seconds", type=float, help="how long (default: through the clip)")
    chosen = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    world = World(SystemClock(), lag=0.5)
    with FakeSpotify(world=world) as spotify:
        spotify.accounts.auto = "agree"
        settings = demo.DEMO_SETTINGS.model_copy(
            update={
                "policy": PolicySettings(timing="now", cooldown=4.0),
                "spotify": SpotifySettings(client_id=CLIENT_ID, port=0),
                "spotify_playlists": {e: (world.catalogue[e].uri,) for e in EMOTIONS},
            }
        )

        def log_in(paths: Paths) -> None:
            paths.ensure()
            spotify_login.login(
                settings,
                paths,
                SystemClock(),
                spotify_url=spotify.url,
                save_client_id=lambda _: None,
                tell=lambda text: console.print(f"[dim]{text}[/]"),
                open_browser=say_yes,
            )

        world.user.play("neutral")
        demo.run(
            chosen.seconds,
            as_json=False,
            headless=not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")),
            preview=True,
            out=console.print,
            player=demo.DemoPlayer(settings, "spotify", spotify.url, log_in),
        )
        console.print(f"  requests {len(world.sent)}, of them commands {len(world.commands())}")


if __name__ == "__main__":
    main()
