"""Synthesises the seven loops that Moodtray plays where the user has no music of their own.

    python make_sounds.py [FOLDER]          needs numpy and soundfile

Each loop is composed on a ring: notes and echoes that pass the end go on at the beginning, so
that the seam cannot be heard. The same script always gives the same samples.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

RATE = 32000
_LEVEL = 0.115  # root mean square of every loop, so that none is louder than another
_PEAK = 0.80
_SHRINK = 0.62  # of libsndfile's 0 (best) to 1 (smallest)

Note = Callable[[float, float, np.random.Generator], np.ndarray]  # (hertz, seconds) → samples


def hertz(midi: float) -> float:
    """Pitch of a MIDI note number, equal temperament, A4 = 440 Hz."""
    return float(440.0 * 2 ** ((midi - 69) / 12))


def _time(seconds: float) -> np.ndarray:
    return np.arange(int(seconds * RATE)) / RATE


def _rise_and_fall(t: np.ndarray, attack: float, release: float) -> np.ndarray:
    rise = np.clip(t / attack, 0, 1)
    fall = np.clip((t[-1] - t) / release, 0, 1)
    return np.asarray((0.5 - 0.5 * np.cos(np.pi * rise)) * (0.5 - 0.5 * np.cos(np.pi * fall)))


def pad(pitch: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Soft strings: three slightly mistuned voices of fading harmonics, swelling slowly."""
    t = _time(seconds * 1.25)
    out = np.zeros_like(t)
    for cents in (-5.0, 0.5, 6.0):
        f = pitch * 2 ** (cents / 1200)
        for k in range(1, 9):
            if f * k > 5000:
                break
            out += np.sin(2 * np.pi * f * k * t + rng.uniform(0, 6.28)) / k**1.9 / 3
    return out * _rise_and_fall(t, 0.35 * seconds, 0.45 * seconds) * 0.5


def piano(pitch: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A felt piano: harmonics that die the sooner the higher they are, behind a soft hammer."""
    t = _time(max(seconds, 0.4) + 2.2)
    out = np.zeros_like(t)
    for k in range(1, 8):
        f = pitch * k * np.sqrt(1 + 0.0003 * k * k)
        if f > 7000:
            break
        out += np.sin(2 * np.pi * f * t) * np.exp(-t * (0.9 + 0.75 * k)) / k**1.7
    out *= np.clip(t / 0.008, 0, 1) * np.clip((t[-1] - t) / 0.3, 0, 1)
    return out


def bells(pitch: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """An electric piano's tine by frequency modulation."""
    t = _time(max(seconds, 0.4) + 1.6)
    depth = 1.1 * np.exp(-5 * t)
    out = np.sin(2 * np.pi * pitch * t + depth * np.sin(2 * np.pi * pitch * 3 * t))
    out += 0.25 * np.sin(2 * np.pi * pitch * 2 * t) * np.exp(-2 * t)
    return out * np.exp(-1.7 * t) * np.clip(t / 0.006, 0, 1) * np.clip((t[-1] - t) / 0.3, 0, 1)


def marimba(pitch: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A wooden bar: the ground note and its fourth and tenth partial, short."""
    t = _time(1.3)
    out = np.sin(2 * np.pi * pitch * t) * np.exp(-4.5 * t)
    out += 0.30 * np.sin(2 * np.pi * pitch * 3.95 * t) * np.exp(-14 * t)
    if pitch * 9.2 < 9000:
        out += 0.08 * np.sin(2 * np.pi * pitch * 9.2 * t) * np.exp(-40 * t)
    return out * np.clip(t / 0.003, 0, 1) * np.clip((t[-1] - t) / 0.1, 0, 1)


def pluck(pitch: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A nylon string plucked near its bridge."""
    t = _time(1.9)
    out = np.zeros_like(t)
    for k in range(1, 11):
        if pitch * k > 8000:
            break
        amount = np.sin(np.pi * k * 0.23) / k**1.35
        out += amount * np.sin(2 * np.pi * pitch * k * t) * np.exp(-t * (1.8 + 0.9 * k))
    return out * np.clip(t / 0.004, 0, 1) * np.clip((t[-1] - t) / 0.2, 0, 1)


def bass(pitch: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A round bass."""
    t = _time(seconds * 1.05)
    out = np.sin(2 * np.pi * pitch * t) + 0.28 * np.sin(4 * np.pi * pitch * t)
    out += 0.10 * np.sin(6 * np.pi * pitch * t)
    return out * np.exp(-0.8 * t) * _rise_and_fall(t, 0.02, 0.12)


def shaker(pitch: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A soft shaker: a breath of bright noise; the pitch has no say."""
    t = _time(0.11)
    noise = np.diff(rng.normal(size=len(t) + 2), n=2) * 0.2
    return noise * np.clip(t / 0.02, 0, 1) * np.exp(-34 * t)


class Ring:
    """A stereo loop of a fixed length; whatever passes its end goes on at its beginning."""

    def __init__(self, seconds: float, rng: np.random.Generator) -> None:
        self.samples = np.zeros((round(seconds * RATE), 2))
        self._rng = rng

    def play(
        self, voice: Note, midi: float, at: float, seconds: float, level: float, side: float = 0.0
    ) -> None:
        """Adds a note at a time (s); side is -1 (left) to 1 (right)."""
        wave = voice(hertz(midi), seconds, self._rng) * level
        angle = (side + 1) * np.pi / 4
        place = (round(at * RATE) + np.arange(len(wave))) % len(self.samples)
        for channel, gain in enumerate((np.cos(angle), np.sin(angle))):
            np.add.at(self.samples[:, channel], place, wave * gain)

    def echo(self, seconds: float, wet: float) -> None:
        """A hall: convolution on the ring with fading, darkening noise."""
        t = _time(seconds)
        out = np.empty_like(self.samples)
        for channel in range(2):
            noise = self._rng.normal(size=len(t))
            dark = np.convolve(noise, np.hanning(24) / 12, mode="same")
            tail = dark * np.exp(-6.0 * t / seconds) * np.clip(t / 0.025, 0, 1)
            kernel = np.zeros(len(self.samples))
            kernel[: len(tail)] = tail / np.sqrt((tail**2).sum())
            spectrum = np.fft.rfft(self.samples[:, channel]) * np.fft.rfft(kernel)
            out[:, channel] = np.fft.irfft(spectrum, len(self.samples))
        self.samples += wet * out

    def finish(self) -> np.ndarray:
        """Samples [N, 2] float32 without rumble, at the common level, peaks rounded off."""
        x = self.samples
        spectrum = np.fft.rfft(x, axis=0)
        pitch = np.fft.rfftfreq(len(x), 1 / RATE)[:, None]
        spectrum *= pitch**2 / (pitch**2 + 28.0**2)
        spectrum *= 1 / (1 + (pitch / 9000.0) ** 4)
        x = np.fft.irfft(spectrum, len(x), axis=0)
        x *= _LEVEL / np.sqrt((x**2).mean())
        return np.asarray(_PEAK * np.tanh(x / _PEAK), dtype=np.float32)


@dataclass(frozen=True)
class Piece:
    """One loop: its tempo, its chords (one a bar, MIDI notes, the first is the bass) and voices."""

    bpm: float
    beats: int  # of a bar
    chords: tuple[tuple[int, ...], ...]
    pad: float
    lead: Note
    lead_level: float
    # the melody's rhythm over two bars, in beats, and which chord note each beat takes
    rhythm: tuple[tuple[float, int], ...]
    comp: Note | None = None
    comp_at: tuple[float, ...] = ()
    comp_level: float = 0.2
    bass_at: tuple[float, ...] = (0.0,)
    bass_level: float = 0.35
    shake: float = 0.0
    hall: float = 2.2
    wet: float = 0.30


def compose(piece: Piece, seed: int) -> np.ndarray:
    """The loop's samples [N, 2] float32 at RATE."""
    rng = np.random.default_rng(seed)
    beat = 60 / piece.bpm
    bar = piece.beats * beat
    ring = Ring(bar * len(piece.chords), rng)
    for number, (low, *upper) in enumerate(piece.chords):
        start = number * bar
        for k, note in enumerate(upper):
            ring.play(pad, note, start - 0.2 * bar, bar, piece.pad, (k - 1.5) * 0.4)
        for at in piece.bass_at:
            ring.play(bass, low, start + at * beat, beat * 1.6, 0.55 * piece.bass_level)
        if piece.comp is not None:
            for k, at in enumerate(piece.comp_at):
                note = upper[k % len(upper)]
                push = rng.uniform(0, 0.012)
                loud = piece.comp_level * rng.uniform(0.8, 1.05)
                ring.play(piece.comp, note, start + at * beat + push, beat, loud, -0.35)
        if piece.shake:
            for k in range(piece.beats * 2):
                loud = piece.shake * (1.0 if k % 2 else 0.55) * rng.uniform(0.8, 1.1)
                ring.play(shaker, 60, start + k * beat / 2, 0.1, loud, 0.45)
        half = [(at, pick) for at, pick in piece.rhythm if (at // piece.beats) == number % 2]
        for at, pick in half:
            note = upper[pick % len(upper)] + 12 * (1 + pick // len(upper))
            push = rng.uniform(0, 0.015)
            loud = 1.3 * piece.lead_level * rng.uniform(0.75, 1.0)
            place = start + (at % piece.beats) * beat + push
            ring.play(piece.lead, note, place, beat, loud, 0.2)
    ring.echo(piece.hall, piece.wet)
    return ring.finish()


# What meets anger and fear is slow and warm; sadness gets company, not cheer; joy gets joy.
PIECES: dict[str, Piece] = {
    "angry": Piece(
        bpm=60, beats=4, pad=0.26, lead=piano, lead_level=0.20, wet=0.45, hall=3.2,
        chords=((38, 57, 62, 64, 69), (43, 59, 62, 66, 69), (36, 55, 60, 64, 67),
                (43, 55, 59, 62, 69), (38, 57, 62, 64, 66), (45, 57, 61, 64, 69)),
        rhythm=((0.0, 2), (2.0, 1), (4.0, 3), (7.0, 0)), bass_level=0.26,
    ),
    "disgust": Piece(
        bpm=88, beats=4, pad=0.13, lead=bells, lead_level=0.20, wet=0.34, hall=2.4,
        chords=((40, 59, 64, 66, 71), (45, 61, 64, 68, 71), (37, 59, 64, 68, 71),
                (45, 57, 61, 66, 71), (40, 59, 64, 66, 68), (47, 59, 63, 66, 71),
                (45, 61, 64, 68, 71), (45, 57, 61, 64, 71)),
        rhythm=((0.0, 3), (1.5, 2), (3.0, 1), (4.0, 2), (5.5, 0), (6.5, 1)),
        comp=pluck, comp_at=(0.0, 1.0, 2.0, 2.5, 3.5), comp_level=0.20, shake=0.10,
    ),
    "fear": Piece(
        bpm=66, beats=3, pad=0.20, lead=piano, lead_level=0.16, wet=0.38, hall=2.8,
        chords=((43, 59, 62, 67, 71), (48, 60, 64, 67, 71), (45, 60, 64, 67, 72),
                (50, 57, 62, 66, 69), (43, 59, 62, 67, 69), (40, 59, 64, 67, 71),
                (48, 60, 64, 67, 74), (50, 57, 62, 66, 69)),
        rhythm=((0.0, 3), (2.0, 2), (3.0, 1), (5.0, 2)),
        comp=pluck, comp_at=(0.0, 0.5, 1.0, 1.5, 2.0, 2.5), comp_level=0.17, bass_level=0.26,
    ),
    "happy": Piece(
        bpm=104, beats=4, pad=0.09, lead=bells, lead_level=0.20, wet=0.20, hall=1.6,
        chords=((36, 60, 64, 67, 72), (43, 59, 62, 67, 71), (45, 60, 64, 69, 72),
                (41, 60, 65, 69, 72), (36, 60, 64, 67, 74), (43, 59, 62, 67, 74),
                (41, 60, 65, 69, 72), (43, 59, 65, 67, 71), (36, 60, 64, 67, 72),
                (41, 60, 65, 69, 72)),
        rhythm=((0.0, 1), (0.5, 2), (1.5, 3), (2.5, 2), (3.0, 1), (4.0, 2), (5.0, 3), (5.5, 2),
                (6.5, 1), (7.0, 0)),
        comp=pluck, comp_at=(0.0, 0.75, 1.5, 2.0, 2.5, 3.0, 3.5), comp_level=0.26,
        bass_at=(0.0, 1.5, 2.5), bass_level=0.36, shake=0.22,
    ),
    "neutral": Piece(
        bpm=76, beats=4, pad=0.15, lead=bells, lead_level=0.15, wet=0.30, hall=2.2,
        chords=((41, 60, 64, 67, 69), (45, 60, 64, 67, 71), (38, 60, 65, 69, 72),
                (46, 62, 65, 69, 72), (41, 60, 64, 69, 72), (43, 62, 65, 70, 72),
                (48, 58, 64, 67, 74)),
        rhythm=((0.5, 2), (2.0, 3), (3.5, 1), (5.0, 2), (6.5, 0)),
        comp=piano, comp_at=(0.0, 1.0, 1.5, 2.5, 3.0), comp_level=0.13, shake=0.07,
    ),
    "sad": Piece(
        bpm=63, beats=4, pad=0.18, lead=piano, lead_level=0.22, wet=0.40, hall=3.0,
        chords=((47, 59, 62, 66, 69), (43, 59, 62, 66, 71), (38, 57, 62, 66, 69),
                (45, 57, 61, 64, 69), (43, 59, 62, 66, 69), (38, 57, 62, 64, 66)),
        rhythm=((0.0, 3), (1.0, 2), (2.5, 1), (4.0, 2), (6.0, 0), (7.0, 1)),
        comp=piano, comp_at=(0.0, 1.0, 2.0, 3.0), comp_level=0.15, bass_level=0.28,
    ),
    "surprise": Piece(
        bpm=112, beats=4, pad=0.07, lead=marimba, lead_level=0.34, wet=0.22, hall=1.6,
        chords=((39, 58, 63, 67, 70), (41, 57, 60, 65, 69), (44, 60, 63, 68, 72),
                (46, 58, 62, 65, 70), (39, 58, 63, 67, 72), (41, 57, 60, 65, 72),
                (44, 60, 63, 68, 70), (46, 58, 62, 65, 68), (48, 60, 63, 67, 70),
                (46, 58, 62, 65, 70)),
        rhythm=((0.0, 0), (0.5, 2), (1.0, 3), (2.5, 4), (3.0, 3), (4.5, 1), (5.0, 2), (5.5, 3),
                (7.0, 2), (7.5, 1)),
        comp=pluck, comp_at=(0.5, 1.5, 2.5, 3.0, 3.5), comp_level=0.22,
        bass_at=(0.0, 2.0, 3.5), bass_level=0.34, shake=0.14,
    ),
}  # fmt: skip


def main() -> None:
    """Writes one OGG Vorbis file per emotion into the folder named, or beside this script."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for seed, (name, piece) in enumerate(PIECES.items()):
        samples = compose(piece, seed)
        path = folder / f"{name}.ogg"
        with soundfile.SoundFile(
            path, "w", RATE, 2, format="OGG", subtype="VORBIS", compression_level=_SHRINK
        ) as file:
            for at in range(0, len(samples), RATE):  # libsndfile wants Vorbis in small portions
                file.write(samples[at : at + RATE])
        seconds = len(samples) / RATE
        print(f"{path.name}: {seconds:.1f} s, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
