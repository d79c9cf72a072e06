#!/bin/sh
# Sign the app bundle that PyInstaller made and put it into a disk image.
#   package.sh VERSION
# MOODTRAY_SIGN names the identity ("Developer ID Application: ..."); without it the signature is
# ad hoc, which is enough for the computer that built it.
#
# Start at login needs nothing here: the LaunchAgent is written by the tray's menu or by
# 'moodtray autostart enable', and names the program inside the bundle.
set -eu
version=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
app="$root/dist/Moodtray.app"
image="$root/dist/moodtray-$version.dmg"

codesign --force --deep --options runtime --sign "${MOODTRAY_SIGN:--}" \
    --entitlements "$root/installer/macos/entitlements.plist" "$app"
codesign --verify --deep --strict "$app"

# A scanner of the system sometimes holds the image for a moment ("Resource busy").
make_image() {
    for pause in 5 10 20 40 0; do
        rm -f "$image"
        hdiutil create -quiet -volname Moodtray -srcfolder "$folder" -format UDZO "$image" && return
        sleep "$pause"
    done
    echo "The disk image could not be made." >&2
    return 1
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Links inside the bundle stay links, or its signature breaks.
ditto "$app" "$folder/Moodtray.app"
ln -s /Applications "$folder/Applications"
make_image
echo "$image"
