"""Audio files that tests make themselves."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path


def write_tone(path: Path, seconds: float, *, hertz: float = 440.0, rate: int = 22_050) -> Path:
    """A mono 16 bit WAV file with a sine of half the full loudness; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    step = 2.0 * math.pi * hertz / rate
    samples = [int(16_000 * math.sin(step * i)) for i in range(int(seconds * rate))]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return path


def write_broken(path: Path) -> Path:
    """A file with an audio file's name and no sound in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"this is no music" * 64)
    return path
