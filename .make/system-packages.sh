#!/bin/sh
# See to the Debian packages that the tests with a real screen need. As root on Debian or Ubuntu
# they are installed; elsewhere the missing ones are named, and the tests that need them skipped.
#   system-packages.sh           for the tests
#   system-packages.sh program   only what the program cannot start without
set -eu

packages="
xvfb xdotool openbox tint2 xfce4-panel dunst dbus-x11 x11-utils imagemagick dex
libgirepository1.0-dev libcairo2-dev pkg-config gcc python3-dev python3-venv
gir1.2-gtk-3.0 gir1.2-notify-0.7 libnotify-bin zenity sway waybar grim xwayland util-linux
fonts-dejavu-core adwaita-icon-theme libgl1 libglib2.0-0
dbus libdbus-1-dev libglib2.0-dev libglib2.0-bin desktop-file-utils appstream
"
[ "${1:-}" != program ] || packages="python3-venv libgl1 libglib2.0-0"
# Ubuntu's chromium is a snap, which does not run everywhere; there the browser is found by hand.
if [ "${1:-}" != program ] && [ -r /etc/debian_version ] && ! grep -qi ubuntu /etc/os-release 2>/dev/null; then
    packages="$packages chromium"
fi

if ! command -v dpkg-query >/dev/null 2>&1; then
    [ "$(uname -s)" = Linux ] && echo "This is no Debian: tests with a real screen are skipped" \
        "unless Xvfb, xdotool, openbox, tint2, xfce4-panel, dunst and dex are there."
    exit 0
fi

installed() {
    # A transitional name (libglib2.0-0 on newer releases) counts when something provides it.
    dpkg-query -W -f='${db:Status-Abbrev} ${Package} ${Provides}\n' 2>/dev/null |
        awk '/^ii/ { for (i = 2; i <= NF; i++) { gsub(/[,()]/, "", $i); print $i } }'
}
have=" $(installed | tr '\n' ' ') "
missing=
for package in $packages; do
    case $have in *" $package "*) ;; *) missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    echo "== installing Debian packages:$missing"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    # shellcheck disable=SC2086
    if { apt-get update -q && apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1
    then
        rm -f "$log"
        exit 0
    fi
    tail -n 20 "$log" >&2
    echo "These Debian packages could not be installed:$missing" >&2
    exit 1
fi

echo "== Some tests with a real screen need packages that are missing here. Install them with:"
echo "   sudo apt-get install --no-install-recommends$missing"
# On CI nothing may be left out.
[ "${CI:-}" != true ]
