"""Audio files of every kind that is played, and of those that are not, with the real decoder."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from agent.players.decoding import FRAME_BYTES, PIECE, RATE, Track, Unplayable, to_stereo

HERTZ = 440.0
SECONDS = 1.0
KINDS = [
    ("wav", "WAV", "PCM_16", 44_100, 2),
    ("wav", "WAV", "PCM_24", 48_000, 2),
    ("wav", "WAV", "FLOAT", 22_050, 1),
    ("wav", "WAVEX", "PCM_16", 48_000, 6),
    ("wav", "WAV", "ULAW", 8_000, 1),
    ("flac", "FLAC", "PCM_16", 44_100, 2),
    ("flac", "FLAC", "PCM_24", 96_000, 2),
    ("ogg", "OGG", "VORBIS", 44_100, 2),
    ("opus", "OGG", "OPUS", 48_000, 2),
    ("ogg", "OGG", "OPUS", 48_000, 1),
    ("mp3", "MP3", "MPEG_LAYER_III", 44_100, 2),
    ("mp3", "MP3", "MPEG_LAYER_III", 32_000, 1),
    ("aiff", "AIFF", "PCM_16", 44_100, 2),
]


def write(path: Path, kind: str, subtype: str, rate: int, channels: int) -> Path:
    """A tone at half the full loudness in every channel."""
    time = np.arange(int(rate * SECONDS)) / rate
    tone = 0.5 * np.sin(2 * np.pi * HERTZ * time)
    soundfile.write(
        str(path), np.repeat(tone[:, None], channels, 1), rate, format=kind, subtype=subtype
    )
    return path


def heard(track: Track, frames: int = 1_000) -> NDArray[np.int16]:
    """All of it, [frames, 2]."""
    parts = []
    while part := track.read(frames):
        assert len(part) % FRAME_BYTES == 0
        assert len(part) <= frames * FRAME_BYTES
        parts.append(part)
    track.close()
    return np.frombuffer(b"".join(parts), np.int16).reshape(-1, 2)


@pytest.mark.parametrize(("suffix", "kind", "subtype", "rate", "channels"), KINDS)
def test_a_tone_comes_out_as_it_went_in(
    tmp_path: Path, suffix: str, kind: str, subtype: str, rate: int, channels: int
) -> None:
    track = Track(write(tmp_path / f"tone.{suffix}", kind, subtype, rate, channels))
    assert track.duration == pytest.approx(SECONDS, abs=0.08)
    sound = heard(track)
    assert len(sound) == pytest.approx(track.duration * RATE, abs=5)
    for side in (0, 1):
        middle = sound[RATE // 4 : 3 * RATE // 4, side].astype(float)
        spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
        assert np.argmax(spectrum) * RATE / len(middle) == pytest.approx(HERTZ, abs=4.0)
        assert np.sqrt((middle**2).mean()) == pytest.approx(16_384 / np.sqrt(2), rel=0.03)
        beside = np.delete(spectrum, slice(int(HERTZ / 2) - 20, int(HERTZ / 2) + 20))
        assert beside.max() < spectrum.max() / 20, "nothing else is heard"


def test_how_much_is_read_at_a_time_does_not_matter(tmp_path: Path) -> None:
    file = write(tmp_path / "tone.wav", "WAV", "PCM_16", 48_000, 2)
    whole = heard(Track(file), 10 * RATE)
    for frames in (1, PIECE - 1, PIECE, PIECE + 1):
        if frames > 1:
            assert np.array_equal(heard(Track(file), frames), whole)
    short = Track(file)
    assert short.read(1) == whole[:1].tobytes()
    short.close()
    short.close()
    assert short.read(10) == b""


def test_samples_that_are_no_numbers_are_silence(tmp_path: Path) -> None:
    piece = np.array([[np.nan, 9.0], [np.inf, -9.0], [-np.inf, 0.5]], np.float32)
    file = tmp_path / "wild.wav"
    soundfile.write(str(file), np.repeat(piece, 5_000, axis=0), RATE, subtype="FLOAT")
    sound = heard(Track(file))
    assert set(sound[:, 0].tolist()) == {0}
    assert set(sound[:, 1].tolist()) == {32_767, -32_767, 16_383}


def test_further_channels_are_heard_on_both_sides() -> None:
    six = np.zeros((1, 6), np.float32)
    six[0, 2] = 0.9  # the middle: in films it is what is said
    left, right = to_stereo(six)[0]
    assert left == right > 0.05


@pytest.mark.skipif(os.name != "posix", reason="such names and pipes are of another kind there")
def test_names_that_are_no_unicode_and_files_that_are_none(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    write(tmp_path / "tone.wav", "WAV", "PCM_16", 44_100, 2).rename(odd)
    assert len(heard(Track(odd))) == RATE
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    for path, why in [
        (pipe, "it is no file"),
        (Path("/dev/zero"), "it is no file"),
        (tmp_path, "it"),
        (tmp_path / "gone.wav", "cannot be read"),
    ]:
        with pytest.raises(Unplayable, match=why):
            Track(path)


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00", "MPEG-4 file"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
        (b"MThd\x00\x00\x00\x06", "MIDI"),
        (b"RIFF\x24\x00\x00\x00AVI LIST", "no audio file that Moodtray knows"),
        (b"<!doctype html>", "no audio file that Moodtray knows"),
        (b"", "no audio file that Moodtray knows"),
        (b"RIFF\x24\x00\x00\x00WAVE", "damaged"),
        (b"OggS\x00\x02", "damaged"),
        (b"fLaC\x00\x00\x00\x22", "damaged"),
        (b"\xff\xfb\x90\x64", "damaged"),
    ],
)
def test_what_is_no_music_is_said(tmp_path: Path, head: bytes, why: str) -> None:
    file = tmp_path / "song.mp3"
    file.write_bytes(head.ljust(len(head) and 4_000, b"\0"))
    with pytest.raises(Unplayable, match=why):
        Track(file)


@pytest.mark.parametrize("kind", ["PAF", "MAT5", "HTK", "AU", "CAF", "W64", "VOC"])
def test_kinds_that_nobody_plays_are_not_even_tried(tmp_path: Path, kind: str) -> None:
    """Each reader less is one less that a file can break."""
    channels = 1
    file = write(tmp_path / "song.wav", kind, "PCM_16", 16_000, channels)
    with pytest.raises(Unplayable, match="no audio file that Moodtray knows"):
        Track(file)
    hidden = tmp_path / "hidden.mp3"  # behind what an MP3 file begins with
    hidden.write_bytes(b"ID3\x03\x00\x00\x00\x00\x00\x0a" + bytes(10) + file.read_bytes())
    with pytest.raises(Unplayable):
        Track(hidden)


@pytest.mark.parametrize(("suffix", "kind", "subtype", "rate", "channels"), KINDS)
def test_half_a_file_plays_half_or_is_refused(
    tmp_path: Path, suffix: str, kind: str, subtype: str, rate: int, channels: int
) -> None:
    whole = write(tmp_path / f"tone.{suffix}", kind, subtype, rate, channels).read_bytes()
    half = tmp_path / f"half.{suffix}"
    half.write_bytes(whole[: len(whole) // 2])
    try:
        sound = heard(Track(half))
    except Unplayable:
        return
    assert len(sound) <= RATE * SECONDS
