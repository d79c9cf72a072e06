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

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -R "$app" "$folder/"
ln -s /Applications "$folder/Applications"
rm -f "$image"
hdiutil create -quiet -volname Moodtray -srcfolder "$folder" -format UDZO "$image"
echo "$image"
