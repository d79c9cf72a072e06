"""Builds what this system can: the frozen program everywhere, and from it a Debian package, a
Windows installer or a macOS disk image. Then starts what it built, to see that it works.

    python installer/build.py            all of it
    python installer/build.py --frozen   the frozen folder only

Results lie in dist/. Needs the extra 'dev'; for the installers themselves dpkg-deb, Inno Setup
(iscc) or Apple's command line tools.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = ROOT / "build"
DIST = ROOT / "dist"


def version() -> str:
    """From ``agent/__init__.py``, without importing the program."""
    text = (ROOT / "agent" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise SystemExit("agent/__init__.py names no version")
    return found.group(1)


def freeze() -> Path:
    """Run PyInstaller; returns the frozen folder."""
    _draw_icons()
    shutil.rmtree(DIST / "moodtray", ignore_errors=True)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "PyInstaller",
            "--noconfirm",
            "--log-level=WARN",
            f"--distpath={DIST}",
            f"--workpath={BUILD / 'pyinstaller'}",
            str(HERE / "moodtray.spec"),
        ],
        check=True,
        cwd=ROOT,
    )
    folder = DIST / "moodtray"
    _strip_python(folder)
    return folder


def _draw_icons() -> None:
    """The program's icon in the formats of Windows and macOS."""
    if sys.platform not in ("win32", "darwin"):
        return
    sys.path.insert(0, str(ROOT))
    from agent.desktop.icons import app_icon

    BUILD.mkdir(exist_ok=True)
    if sys.platform == "win32":
        sizes = [(side, side) for side in (16, 20, 24, 32, 48, 64, 128, 256)]
        app_icon(256).save(BUILD / "moodtray.ico", sizes=sizes)
    else:
        app_icon(1024).save(BUILD / "moodtray.icns")


def _strip_python(folder: Path) -> None:
    """Drop the debugging symbols of Python's own library: three quarters of its size. The
    libraries of wheels are left as they are; some break when they are rewritten."""
    if sys.platform == "linux" and shutil.which("strip"):
        for library in (folder / "_internal").glob("libpython3*.so*"):
            if not library.is_symlink():
                subprocess.run(["strip", "--strip-unneeded", str(library)], check=True)


def package(frozen: Path) -> Path | None:
    """The installer of this system; None where its tool is missing."""
    if sys.platform == "linux":
        if shutil.which("dpkg-deb") is None:
            print("No Debian package: dpkg-deb is not here. The frozen folder runs as it is.")
            return None
        sys.path.insert(0, str(HERE / "linux"))
        import deb

        return Path(deb.build(frozen, version(), BUILD / "deb", DIST))
    if sys.platform == "win32":
        tool = shutil.which("iscc") or r"C:\Program Files (x86)\Inno Setup 6\ISCC.exe"
        if not Path(tool).is_file():
            print("No installer: Inno Setup 6 is not here. The frozen folder runs as it is.")
            return None
        script = HERE / "windows" / "moodtray.iss"
        subprocess.run([tool, "/Qp", f"/DVersion={version()}", str(script)], check=True)
        return DIST / f"moodtray-{version()}-setup.exe"
    subprocess.run([str(HERE / "macos" / "package.sh"), version()], check=True)
    return DIST / f"moodtray-{version()}.dmg"


def size_of(path: Path) -> float:
    """Megabytes (1e6 bytes) of a file, or of all files below a folder."""
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    return sum(f.stat().st_size for f in files if not f.is_symlink()) / 1e6


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--frozen", action="store_true", help="the frozen folder only")
    asked = words.parse_args()
    began = time.monotonic()
    frozen = freeze()
    print(f"{frozen.relative_to(ROOT)}: {size_of(frozen):.0f} MB")
    sys.path.insert(0, str(HERE))
    import check

    check.frozen(frozen)
    if not asked.frozen:
        made = package(frozen)
        if made is not None:
            print(f"{made.relative_to(ROOT)}: {size_of(made):.0f} MB")
    print(f"done in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
