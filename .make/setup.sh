#!/bin/sh
# Make .venv and install Moodtray into it. Called by the Makefile.
#   setup.sh program   what a user needs
#   setup.sh dev       all that, and what tests, lint, training and packaging need
set -eu

cd "$(dirname "$0")/.."
what=${1:-program}
python=${PYTHON:-python3}
venv=.venv
stamps=$venv/.stamps
if [ "${OS:-}" = Windows_NT ]; then bin=$venv/Scripts; else bin=$venv/bin; fi

say() { printf '%s\n' "== $*"; }
stop() { printf '%s\n' "$@" >&2; exit 1; }

command -v "$python" >/dev/null 2>&1 ||
    stop "There is no '$python' here. Install Python 3.11 or newer (Debian: apt install python3 python3-venv)."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || stop \
    "Moodtray needs Python 3.11 or newer; '$python' is $("$python" -V 2>&1)." \
    "Name another one: PYTHON=python3.12 make $what"

# Needed for the program itself, so root on Debian gets it without asking; others are told.
need_debian() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        sh .make/system-packages.sh program
    else
        stop "$1"
    fi
}

if ! "$bin/python" -c '' 2>/dev/null; then
    say "making $venv"
    rm -rf "$venv"
    # Debian's Python has the module venv without ensurepip unless python3-venv is there.
    "$python" -c 'import ensurepip, venv' 2>/dev/null || need_debian \
        "Python cannot make virtual environments here. Debian and Ubuntu: sudo apt install python3-venv"
    "$python" -m venv "$venv" || { rm -rf "$venv"; stop "No virtual environment could be made."; }
fi
mkdir -p "$stamps"
rm -f "$stamps/$what"
pip() { "$bin/python" -m pip --disable-pip-version-check "$@"; }

# Without the weights faces are found by OpenCV's older way; on CI that would go unnoticed.
face_finder() {
    "$bin/python" .make/fetch_finder.py || [ "${CI:-}" != true ] || exit 1
}

# The tests also look at trays of the old kind, whose menu needs PyGObject: pip builds it from source.
gtk_missing() {
    [ "$(uname -s)" = Linux ] || return 0
    "$bin/python" -c 'import gi' 2>/dev/null && return 0
    missing=
    command -v cc >/dev/null 2>&1 || missing="$missing gcc"
    command -v pkg-config >/dev/null 2>&1 || missing="$missing pkg-config"
    if [ -z "$missing" ]; then
        pkg-config --exists gobject-introspection-1.0 || missing="$missing libgirepository1.0-dev"
        pkg-config --exists cairo || missing="$missing libcairo2-dev"
    fi
    header=$("$bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')/Python.h
    [ -f "$header" ] || missing="$missing python3-dev"
    printf '%s' "$missing"
}

case $what in
program)
    say "installing Moodtray (one to three minutes the first time)"
    pip install --quiet -e .
    face_finder
    "$bin/python" -c 'import cv2' 2>/dev/null || need_debian \
        "OpenCV misses a system library. Debian and Ubuntu: sudo apt install libgl1 libglib2.0-0"
    ;;
dev)
    missing=$(gtk_missing)
    [ -z "$missing" ] || stop "PyGObject cannot be built: these packages are missing:$missing"
    say "installing Moodtray with all that its development needs (some minutes the first time)"
    # On CI to the byte what was locked; torch comes from an index of its own.
    isolation=
    if [ "${CI:-}" = true ]; then
        pip install --quiet --require-hashes -r .make/tests.lock
        isolation=--no-build-isolation # what builds is locked as well
    fi
    pip install --quiet $isolation -e '.[dev]'
    face_finder
    "$bin/python" -c 'import cv2' 2>/dev/null || need_debian \
        "OpenCV misses a system library. Debian and Ubuntu: sudo apt install libgl1 libglib2.0-0"
    touch "$stamps/program"
    ;;
*) stop "setup.sh knows 'program' and 'dev'." ;;
esac
touch "$stamps/$what"
