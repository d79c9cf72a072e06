"""The page for people, in a browser: made when it is first asked for."""
