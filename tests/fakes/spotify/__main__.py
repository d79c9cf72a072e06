"""``python -m tests.fakes.spotify --port 9000``: a Spotify for demos and for trying by hand."""

from __future__ import annotations

import argparse
import time

from agent.clock import SystemClock
from tests.fakes.spotify import EMOTIONS, Catalogue, FakeSpotify, World


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.spotify", description=__doc__)
    parser.add_argument("--port", type=int, default=9000, help="0: any free port")
    parser.add_argument("--track-seconds", type=float, default=200.0, help="length of a track")
    parser.add_argument("--lag", type=float, default=1.0, help="seconds until commands show")
    parser.add_argument("--play", metavar="EMOTION", help="the user plays this at the start")
    parser.add_argument(
        "--auto", choices=["agree", "cancel"], default="", help="answer the login page by itself"
    )
    chosen = parser.parse_args()
    world = World(SystemClock(), Catalogue(track_seconds=chosen.track_seconds), lag=chosen.lag)
    if chosen.play:
        world.user.play(chosen.play)
    spotify = FakeSpotify(port=chosen.port, world=world)
    spotify.accounts.auto = chosen.auto
    with spotify:
        print(f"A Spotify to test against: {spotify.url}", flush=True)
        print("\n[spotify_playlists]", flush=True)
        for emotion in EMOTIONS:
            print(f'{emotion} = ["{world.catalogue[emotion].uri}"]', flush=True)
        try:
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
