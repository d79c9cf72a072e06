"""Moodtray: a tray program that reads the mood from the webcam and moves the music to fit."""

__version__ = "0.1.0"
