"""Makes the Debian package from the frozen folder with dpkg-deb alone.

Layout: the frozen folder in /usr/lib/moodtray, a link in /usr/bin, desktop file and icons, and the
entry for start at login, which is off. Scripts of dpkg end a running agent before its files go.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

DEPENDS = [
    "libc6 (>= {glibc})",
    "libstdc++6",
    "libgcc-s1",
    "libgl1",
    "libglib2.0-0",
    # Qt inside OpenCV draws the preview, and Pillow looks at the screen, through these.
    "libx11-6",
    "libxcb1",
    "libfontconfig1",
    "libfreetype6",
]
SUGGESTS = [
    # For a tray of the old kind (XEmbed), which needs GTK.
    "libgirepository-1.0-1",
    "gir1.2-gtk-3.0",
]
RECOMMENDS = [
    # The consent window.
    "zenity | kdialog",
    "libpulse0 | libasound2",
    "xdg-utils",
    "adwaita-icon-theme | breeze-icon-theme",
]

SCRIPTS = ("prerm", "postrm")
"""Run by dpkg: an agent that runs is ended first, and nothing is left behind."""

CONFFILE = "/etc/xdg/autostart/moodtray.desktop"

DESCRIPTION = """\
music that follows your mood
 Moodtray lives in the tray, looks at your face through the webcam every few
 seconds, keeps a steady estimate of your mood, and moves the music to a
 playlist that fits: its own calm loops, your folders, or your playlists on
 Spotify. It tells what it did and why.
 .
 Pictures are judged in memory and never kept or sent. Pausing releases the
 camera; so does locking the screen."""


def control(version: str, architecture: str, installed_kib: int, glibc: str) -> str:
    """The package's control file."""
    depends = ", ".join(DEPENDS).format(glibc=glibc)
    return (
        "Package: moodtray\n"
        f"Version: {version}\n"
        f"Architecture: {architecture}\n"
        "Section: sound\n"
        "Priority: optional\n"
        "Maintainer: The Moodtray developers <moodtray@localhost>\n"
        f"Installed-Size: {installed_kib}\n"
        f"Depends: {depends}\n"
        f"Recommends: {', '.join(RECOMMENDS)}\n"
        f"Suggests: {', '.join(SUGGESTS)}\n"
        f"Description: {DESCRIPTION}\n"
    )


def build(frozen: Path, version: str, work: Path, out: Path) -> Path:
    """Package the frozen folder; returns the .deb. ``work`` is emptied first."""
    tree = work / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    lay_out(frozen, tree)
    architecture = _output("dpkg", "--print-architecture")
    _write_control(tree, version, architecture)
    _set_modes(tree)
    package = out / f"moodtray_{version}_{architecture}.deb"
    out.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        # Its window of 64 MB makes it a tenth smaller than zstd's, of 8 MB.
        ["dpkg-deb", "-Zxz", "-z9", "--root-owner-group", "--build", str(tree), str(package)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return package


def lay_out(frozen: Path, tree: Path) -> None:
    """Put everything where it will lie."""
    sys.path.insert(0, str(ROOT))
    from agent.desktop import launcher

    shutil.copytree(frozen, tree / "usr/lib/moodtray", symlinks=True)
    commands = tree / "usr/bin"
    commands.mkdir(parents=True)
    (commands / "moodtray").symlink_to("../lib/moodtray/moodtray")
    _copy(HERE / "autostart.desktop", tree / CONFFILE.lstrip("/"))
    for place, content in launcher.files(("/usr/bin/moodtray",)).items():
        path = tree / "usr/share" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    papers = tree / "usr/share/doc/moodtray"
    _copy(ROOT / "LICENSE", papers / "copyright")
    credits_ = ROOT / "resources/CREDITS.md"
    if credits_.is_file():
        (papers / "CREDITS.md.gz").write_bytes(gzip.compress(credits_.read_bytes(), mtime=0))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _write_control(tree: Path, version: str, architecture: str) -> None:
    files = sorted(file for file in tree.rglob("*") if file.is_file() and not file.is_symlink())
    size = sum(file.stat().st_size for file in files)
    sums = [
        f"{hashlib.md5(file.read_bytes()).hexdigest()}  {file.relative_to(tree)}"
        for file in files
        if f"/{file.relative_to(tree)}" != CONFFILE
    ]
    folder = tree / "DEBIAN"
    folder.mkdir()
    glibc = _output("getconf", "GNU_LIBC_VERSION").split()[-1]
    (folder / "control").write_text(control(version, architecture, size // 1024 + 1, glibc))
    (folder / "md5sums").write_text("\n".join(sums) + "\n")
    (folder / "conffiles").write_text(f"{CONFFILE}\n")
    for name in SCRIPTS:
        _copy(HERE / name, folder / name)


def _set_modes(tree: Path) -> None:
    for entry in [tree, *tree.rglob("*")]:
        if entry.is_symlink():
            continue
        programs = [tree / "usr/lib/moodtray/moodtray", *(tree / "DEBIAN" / s for s in SCRIPTS)]
        runs = entry.is_dir() or entry in programs
        entry.chmod(0o755 if runs else 0o644)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
