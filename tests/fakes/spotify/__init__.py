"""A Spotify to test against: the Web API, the accounts service, users' hands and all the trouble.

In a test::

    with FakeSpotify() as spotify:          # a real server on a free port, in a thread
        spotify.world.user.play(...)        # what somebody does in the Spotify app
        spotify.world.trouble("quota", times=1)

By hand: ``python -m tests.fakes.spotify --port 9000``, then ``--spotify-url http://127.0.0.1:9000``.
"""

from tests.fakes.spotify.catalogue import EMOTIONS, Catalogue, spotify_id
from tests.fakes.spotify.contract import Contract, contract
from tests.fakes.spotify.server import FakeSpotify
from tests.fakes.spotify.service import Reply, Request
from tests.fakes.spotify.transport import InProcess
from tests.fakes.spotify.world import World

__all__ = [
    "EMOTIONS",
    "Catalogue",
    "Contract",
    "FakeSpotify",
    "InProcess",
    "Reply",
    "Request",
    "World",
    "contract",
    "spotify_id",
]
