"""What the README and its neighbours promise is there: links, commands, settings, targets."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import typer

import agent
from agent.cli.commands import app, autostart_app, dev_app
from agent.settings import Settings
from tests.web.page.pictures import SHOTS

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "agent/README.md"]


def commands_of(group: typer.Typer) -> set[str]:
    return {c.name or c.callback.__name__ for c in group.registered_commands if c.callback}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_local_link_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text(page))
    missing = [
        link for link in links if "://" not in link and not ((ROOT / page).parent / link).exists()
    ]
    assert not missing


def test_every_picture_is_shown_somewhere() -> None:
    folder = "resources/screenshots"
    drawn = {f"{folder}/{file.name}" for file in (ROOT / folder).iterdir()}
    shown = {link for page in PAGES for link in re.findall(r"\]\(([^)]+\.png)\)", text(page))}
    assert drawn == {link for link in shown if link.startswith(folder)}
    assert {f"{folder}/{name}.png" for name, *_rest in SHOTS} <= shown


def test_every_command_that_is_named_exists() -> None:
    known = (
        commands_of(app)
        | commands_of(dev_app)
        | {"autostart", "dev", "train", "export", "evaluate"}
    )
    rows = [row for row in text("README.md").splitlines() if row.startswith("| `moodtray ")]
    assert len(rows) > 5
    for row in rows:
        first = row.split("|")[1]
        for command in re.findall(r"`(?:moodtray )?([a-z]+)[^`]*`", first):
            if "autostart" in first:
                assert command in commands_of(autostart_app) | {"autostart"}, row
            else:
                assert command in known, row


def test_the_table_of_settings_is_right() -> None:
    rows = [row.split("|")[1:3] for row in text("README.md").splitlines() if row.startswith("| `")]
    checked = 0
    for names, default in rows:
        if names.strip().startswith(("`moodtray", "`[")):
            continue
        values = [tomllib.loads(f"v = {v}")["v"] for v in re.findall(r"`([^`]+)`", default)]
        if not values:
            continue
        section = ""
        for index, name in enumerate(re.findall(r"`([a-z_.]+)`", names)):
            section, _, key = name.rpartition(".") if "." in name else (section, "", name)
            holder = getattr(Settings(), section) if section else Settings()
            assert getattr(holder, key) == values[min(index, len(values) - 1)], name
            checked += 1
    assert checked > 10


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", text("Makefile")))
    named = {t for page in PAGES for t in re.findall(r"(?m)(?:^|`)make ([a-z-]+)", text(page))}
    assert named
    assert named <= targets


def test_the_changelog_knows_this_version() -> None:
    version = agent.__version__
    assert f"## [{version}]" in text("CHANGELOG.md")


def test_the_changelog_has_the_form_that_it_claims() -> None:
    """Keep a Changelog: six headings, in this order, each once under a version, none empty."""
    kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    versions = text("CHANGELOG.md").split("\n## ")[1:]
    assert versions[0].startswith("[Unreleased]\n")
    for version in versions:
        parts = version.split("\n### ")[1:]
        headings = [part.partition("\n")[0] for part in parts]
        assert headings
        assert headings == [kind for kind in kinds if kind in headings], version[:20]
        assert all("\n- " in part for part in parts)
