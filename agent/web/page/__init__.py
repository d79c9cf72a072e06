"""The page for people: set up, see and decide, at ``http://127.0.0.1:PORT/``.

``context`` says what the page is given by the running agent; ``access`` and ``guard`` let in the
user alone; ``app`` puts the areas together: ``now``, ``moods``, ``history``, ``settings_page``,
``first_steps`` and ``spotify_page``. Pages are rendered on the server; the one script sends changes
as JSON and takes in what the server answers.
"""
