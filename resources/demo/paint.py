"""What is painted on the skin: brows hair by hair and freckles, in the resting face's x and y."""

from __future__ import annotations

import cv2
import numpy as np
from shade import PAINT_LEFT, PAINT_SCALE, PAINT_TOP

_BROW = np.array([[0.085, 6.825], [0.17, 6.862], [0.28, 6.898], [0.37, 6.908], [0.48, 6.868]])
_BROW_TONE = np.array([0.10, 0.065, 0.05])


def _pixel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([(x - PAINT_LEFT) * PAINT_SCALE, (PAINT_TOP - y) * PAINT_SCALE], axis=-1)


def paint_face(rng: np.random.Generator) -> np.ndarray:
    """A factor on the skin's albedo, [H, W, 3] float32; 1 leaves the skin as it is."""
    ink = np.zeros((int(2.2 * PAINT_SCALE), int(2 * PAINT_SCALE)), dtype=np.uint8)
    at = np.linspace(0, 1, 200)
    steps = np.linspace(0, 1, len(_BROW))
    curve = np.polynomial.Polynomial.fit(steps, _BROW[:, 1], 3)
    across = np.interp(at, steps, _BROW[:, 0])
    for sign in (1, -1):
        for _ in range(460):
            f = rng.random() ** 0.9
            x, y = np.interp(f, at, across), float(curve(f))
            half = 0.042 * (1 - 0.75 * f**1.6) * (0.55 + 0.45 * min(1, f / 0.12))
            y += rng.uniform(-half, half) - 0.01
            slope = 1.15 * (1 - f) ** 1.5 - 0.55 * f + 0.12 * rng.normal()  # hairs lie outwards
            size = rng.uniform(0.035, 0.065) * (1 - 0.35 * f)
            bend = np.linspace(0, 1, 6)
            xs = x + size * bend * np.cos(slope)
            ys = y + size * bend * np.sin(slope) - 0.10 * size * bend**2
            line = (_pixel(sign * xs, ys) * 16).astype(np.int32)
            layer = np.zeros_like(ink)
            cv2.polylines(layer, [line], False, int(rng.uniform(150, 255)), 2, cv2.LINE_AA, 4)
            ink = np.maximum(ink, layer)
    soft = cv2.GaussianBlur(ink.astype(np.float32) / 255, (0, 0), 1.2)
    base = cv2.GaussianBlur(soft, (0, 0), 6) * 0.8
    cover = np.clip(np.maximum(soft, base) * 0.95, 0, 1)[..., None]
    paint = 1 - cover * (1 - _BROW_TONE)
    for _ in range(120):
        x, y = rng.normal(0, 0.34), rng.normal(6.38, 0.16)
        px, py = _pixel(np.array(x), np.array(y))
        if 0 < px < paint.shape[1] and 0 < py < paint.shape[0]:
            spot = np.zeros(paint.shape[:2], dtype=np.float32)
            cv2.circle(
                spot, (int(px), int(py)), int(rng.integers(2, 5)), rng.uniform(0.08, 0.22), -1
            )
            spot = cv2.GaussianBlur(spot, (0, 0), 1.5)[..., None]
            paint *= 1 - spot * np.array([0.5, 0.9, 1.0])
    return paint.astype(np.float32)
