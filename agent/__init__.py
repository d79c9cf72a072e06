"""Moodtray: a tray program that reads the mood from the webcam and moves the music to fit."""

import os

__version__ = "0.1.0"

# Importing ONNX Runtime (seen in 1.32) is enough to make it write a device ID into the user's cache
# folder and begin to report to its maker; its own disable_telemetry_events() comes too late. Only
# this variable, set before the library is loaded, keeps it silent. Nothing of ours loads earlier.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
