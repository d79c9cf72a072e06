"""A browser whose user agrees at once, and says that the account is the right one."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

import requests


def say_yes(url: str) -> bool:
    """Take the file that the login opens, and go all the way; needs ``accounts.auto``."""
    link = re.search(r'url=([^"]+)"', Path(url2pathname(urlsplit(url).path)).read_text())
    assert link is not None
    with requests.Session() as browser:
        page = browser.get(link[1], timeout=10)
        key = re.search(r'name="key" value="([^"]+)"', page.text)
        assert key is not None, page.text
        yes = {"key": key[1], "answer": "yes"}
        return browser.get(urljoin(page.url, "/keep"), params=yes, timeout=10).ok
