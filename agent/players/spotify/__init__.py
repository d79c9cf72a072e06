"""Everything of Spotify: login, requests, limits, what is stored, the player."""
