"""Audio files of every kind that is played, and of those that are not, with the real decoder."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from agent.players import decoding, sound, track
from agent.players.decoding import PIECE
from agent.players.track import FRAME_BYTES, RATE, Track, Unplayable, to_stereo

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
    while (part := track.read(frames)) != b"":
        if part is None:  # the machine is busy
            continue
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
    while (first := short.read(1)) is None:
        pass
    assert first == whole[:1].tobytes()
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


# -- what stands behind a tag


def tag(size: int) -> bytes:
    return b"ID3\x03\x00\x00" + bytes([0, 0, size >> 7, size & 127]) + bytes(size)


@pytest.mark.parametrize("tags", [tag(20), tag(20) + tag(300)], ids=["one", "two"])
@pytest.mark.parametrize("kind", ["AU", "CAF", "W64", "PAF", "SVX", "NIST", "VOC", "IRCAM", "MAT5"])
def test_a_tag_leads_no_file_to_another_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, tags: bytes
) -> None:
    plain = tmp_path / "plain"
    soundfile.write(str(plain), np.zeros(2_000), RATE, format=kind, subtype="PCM_16")
    file = tmp_path / "song.mp3"
    file.write_bytes(tags + plain.read_bytes())

    def opened(descriptor: int) -> None:
        pytest.fail("the library was given it")

    monkeypatch.setattr(track, "_decoder_of", opened)
    with pytest.raises(Unplayable):
        Track(file)


@pytest.mark.parametrize("tags", [tag(20), tag(20) + tag(300)], ids=["one", "two"])
@pytest.mark.parametrize("kind", ["MP3", "FLAC"])
def test_a_file_with_tags_is_played(tmp_path: Path, kind: str, tags: bytes) -> None:
    plain = write(tmp_path / "plain", kind, soundfile.default_subtype(kind), RATE, 2)
    file = tmp_path / "song.mp3"
    file.write_bytes(tags + plain.read_bytes())
    assert len(heard(Track(file))) == pytest.approx(SECONDS * RATE, abs=0.08 * RATE)


def test_tags_without_an_end_are_left(tmp_path: Path) -> None:
    file = tmp_path / "song.mp3"
    file.write_bytes(tag(0) * 100_000)
    with pytest.raises(Unplayable):
        Track(file)


MOST_MEMORY = 400
"""Megabytes; the issue's own number is the whole program's."""
BOMB = 200_000_000
DECODED = """
import resource, subprocess, sys
done = subprocess.run(
    [sys.executable, "-m", "agent.players.decoding"],
    stdin=open(sys.argv[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
)
assert done.returncode in (0, 65, 66), done.returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1000)
"""


def lengthened_mp3(path: Path, place: int) -> None:
    """Put a tag of BOMB bytes, almost all of them a title, into an MP3."""
    whole = path.read_bytes()
    frame, text = _seven_bits(BOMB), _seven_bits(BOMB - 10)
    tag = b"ID3\4\0\0" + frame + b"TIT2" + text + b"\0\0\3" + b"a" * (BOMB - 11)
    path.write_bytes(whole[:place] + tag + whole[place:])


def _seven_bits(number: int) -> bytes:
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


def frames_of(path: Path, count: int) -> tuple[bytes, bytes]:
    """Split an MP3 of constant rate behind its first ``count`` frames."""
    data = path.read_bytes()
    rates = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # kbit/s
    at = 0
    for _frame in range(count):
        at += 144_000 * rates[data[at + 2] >> 4] // 44_100 + (data[at + 2] >> 1 & 1)
        assert data[at : at + 2] == data[:2], "the head of the next frame"
    return data[:at], data[at:]


DAMAGED_TEXT = b"COMM" + bytes([0, 0, 0, 5, 0, 0]) + b"\0engx"


def test_tags_within_an_mp3_are_not_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """mpg123 compared each of their texts with all before, for minutes, or printed a line each."""
    before, after = frames_of(write(tmp_path / "a.mp3", "MP3", "MPEG_LAYER_III", 44_100, 1), 4)
    texts = DAMAGED_TEXT * 2_000
    within = tmp_path / "b.mp3"
    within.write_bytes(before + b"ID3\4\0\0" + _seven_bits(len(texts)) + texts + after)
    length = len(heard(Track(tmp_path / "a.mp3")))
    capfd.readouterr()
    assert len(heard(Track(within))) == length, "and all is heard"
    assert capfd.readouterr().err.count("\n") < 20


def test_an_mp3_of_nothing_but_tags_ends_there(tmp_path: Path) -> None:
    before, after = frames_of(write(tmp_path / "a.mp3", "MP3", "MPEG_LAYER_III", 44_100, 1), 4)
    many = tmp_path / "b.mp3"
    many.write_bytes(before + (b"ID3\4\0\0" + bytes(4)) * 5_000 + after)
    assert len(heard(Track(many))) < len(heard(Track(tmp_path / "a.mp3")))


@pytest.mark.parametrize("size", [1, 3, 4, 7, 1_000])
def test_the_head_of_a_tag_may_lie_across_two_reads(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\xff\xfb..ID3\4\0\0\0\0\0\2xxID3\3\0\0\0\0\0\2xx")
    with path.open("rb") as file:
        stream = decoding._Bounded(file.fileno(), 0, is_mpeg=True)
        told = b""
        while count := stream.readinto(piece := bytearray(size)):
            told += piece[:count]
    assert told == b"\xff\xfb..ID3\x7e\0\0\0\0\0\2xxID3\x7e\0\0\0\0\0\2xx"


def lengthened_ogg(path: Path) -> None:
    """Let the second packet of an Ogg file, the comments, have BOMB bytes."""
    whole = path.read_bytes()
    end = 27 + whole[26] + sum(whole[27 : 27 + whole[26]])
    mark = b"OpusTags" if b"OpusHead" in whole[:end] else b"\3vorbis"
    size = 255 * 255
    comments = mark + bytes(4) + (1).to_bytes(4, "little") + BOMB.to_bytes(4, "little")
    with path.open("wb") as file:
        file.write(whole[:end])
        for number in range(BOMB // size):
            body = comments.ljust(size, b"a") if number == 0 else b"a" * size
            head = bytearray(b"OggS\0" + bytes([number > 0]) + b"\xff" * 8 + whole[14:18])
            head += (number + 1).to_bytes(4, "little") + bytes(4) + b"\xff" + b"\xff" * 255
            head[22:26] = _ogg_sum(bytes(head), body).to_bytes(4, "little")
            file.write(head + body)
        file.write(whole[end:])


def _ogg_sum(head: bytes, body: bytes) -> int:
    """Ogg's checksum, of a body that is the same but at its beginning."""
    return _shifted(_summed(head)) ^ _sum_of(body)


@cache
def _sum_of(body: bytes) -> int:
    return _summed(body)


def _summed(data: bytes) -> int:
    value = 0
    for byte in data:
        value = value << 8 & 0xFFFFFFFF ^ _STEPS[value >> 24 ^ byte]
    return value


def _step(value: int) -> int:
    for _bit in range(8):
        value = value << 1 & 0xFFFFFFFF ^ (0x04C11DB7 if value >> 31 else 0)
    return value


_STEPS = [_step(byte << 24) for byte in range(256)]


@cache
def _behind(bit: int) -> int:
    value = 1 << bit
    for _byte in range(255 * 255):
        value = value << 8 & 0xFFFFFFFF ^ _STEPS[value >> 24]
    return value


def _shifted(value: int) -> int:
    """The checksum of the same with a body of zeros behind it."""
    total = 0
    for bit in range(32):
        if value >> bit & 1:
            total ^= _behind(bit)
    return total


def memory_of(path: Path) -> int:
    """Megabytes that the decoder takes at most for the file."""
    done = subprocess.run(
        [sys.executable, "-c", DECODED, str(path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-300:]
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="it tells the memory")
@pytest.mark.parametrize("kind", ["first tag", "later tag", "vorbis", "opus"])
def test_what_a_file_says_of_itself_does_not_fill_the_memory(tmp_path: Path, kind: str) -> None:
    if kind.endswith("tag"):
        path = write(tmp_path / "song.mp3", "MP3", "MPEG_LAYER_III", 44_100, 2)
        whole = path.read_bytes()
        second = whole.index(whole[:2], 100)  # without the frame that tells the length
        path.write_bytes(whole[second:])
        lengthened_mp3(path, 0 if kind == "first tag" else whole.index(whole[:2], 4_000) - second)
    else:
        path = write(tmp_path / "song.ogg", "OGG", kind.upper(), 48_000, 2)
        lengthened_ogg(path)
    assert path.stat().st_size > BOMB - 100_000
    assert memory_of(path) < MOST_MEMORY / 2


def busy(path: Path) -> Path:
    """An Ogg file that begins well; behind that a page seems to begin at every fourth byte."""
    whole = write(path, "OGG", "VORBIS", 44_100, 2).read_bytes()
    path.write_bytes(whole[:4_000] + b"OggS" * 5_000_000)
    return path


def worked() -> float:
    """Seconds of the processor that decoders took which have ended."""
    times = os.times()
    return times.children_user + times.children_system


def test_no_file_keeps_the_processor_busy(tmp_path: Path) -> None:
    path = busy(tmp_path / "song.ogg")
    began = worked()
    with contextlib.suppress(Unplayable):
        heard(Track(path))
    assert worked() - began < 8.0  # 22 it took


def test_a_folder_of_such_files_does_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [busy(tmp_path / "0.ogg"), *(tmp_path / f"{number}.ogg" for number in range(1, 20))]
    for path in paths[1:]:
        os.link(paths[0], path)
    monkeypatch.setattr(sound, "LOOKING", 2.0)
    began = worked()
    with pytest.raises(Unplayable):
        sound.Deck(paths, on_end=lambda: None)
    assert worked() - began < 12.0


def test_a_track_of_weeks_is_taken_for_damage(tmp_path: Path) -> None:
    """Else the next music would wait for its end, and the page show its length."""
    path = write(tmp_path / "song.flac", "FLAC", "PCM_16", 44_100, 2)
    data = bytearray(path.read_bytes())
    data[21] |= 0x0F  # the number of samples has 36 bits
    data[22:26] = b"\xff" * 4
    path.write_bytes(data)
    with pytest.raises(Unplayable, match="damaged"):
        Track(path)
