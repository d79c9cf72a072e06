"""The room behind the actor, out of focus, and the light that falls into it."""

from __future__ import annotations

import cv2
import numpy as np

_SIZE = (480, 640)


def _unit(*v: float) -> np.ndarray:
    return np.array(v) / np.linalg.norm(v)


# key direction and colour, fill, rim (direction, colour), light from above, from below
LIGHTS: dict[str, np.ndarray] = {
    "day": np.concatenate([
        _unit(-0.50, 0.50, 0.80), [1.02, 0.99, 0.94], _unit(0.8, 0.1, 0.6), [0.27, 0.26, 0.27],
        _unit(-0.75, 0.5, -0.6), [0.55, 0.57, 0.62], [0.27, 0.28, 0.31], [0.15, 0.13, 0.11],
    ]),
    "dim": np.concatenate([
        _unit(0.40, 0.42, 0.80), [0.37, 0.30, 0.225], _unit(-0.8, 0.2, 0.7), [0.10, 0.11, 0.14],
        _unit(0.75, 0.5, -0.6), [0.30, 0.22, 0.14], [0.105, 0.105, 0.12], [0.06, 0.05, 0.045],
    ]),
    "side": np.concatenate([
        _unit(-0.86, 0.34, 0.50), [1.30, 1.12, 0.88], _unit(0.8, 0.1, 0.7), [0.24, 0.23, 0.24],
        _unit(-0.8, 0.4, -0.5), [0.65, 0.52, 0.38], [0.22, 0.21, 0.22], [0.14, 0.12, 0.10],
    ]),
}  # fmt: skip


class Room:
    """Backgrounds in linear light, [480, 640, 3] float32."""

    def __init__(self, seed: int = 3) -> None:
        rng = np.random.default_rng(seed)
        self._day = self._paint(rng, np.array([0.95, 1.0, 1.08]), 0.0)
        rng = np.random.default_rng(seed)
        self._dim = self._paint(rng, np.array([0.10, 0.14, 0.24]), 1.0) * [0.42, 0.40, 0.40]
        rng = np.random.default_rng(seed)
        low_sun = self._paint(rng, np.array([1.30, 1.05, 0.75]), 0.0)
        across = np.linspace(1.25, 0.55, _SIZE[1])[None, :, None]
        self._side = low_sun * across * [1.04, 0.97, 0.86]
        self._leaves = [
            (
                rng.uniform(-0.5, 0.5),
                rng.uniform(70, 150),
                rng.uniform(11, 19),
                rng.uniform(0.6, 1.2),
            )
            for _ in range(26)
        ]

    def _paint(self, rng: np.random.Generator, sky: np.ndarray, lamp: float) -> np.ndarray:
        height, width = _SIZE
        down, across = np.mgrid[0:height, 0:width].astype(float)
        wall = np.array([0.43, 0.40, 0.35])
        glow = 0.75 + 0.35 * np.exp(-(((across - 60) / 260) ** 2)) - 0.12 * down / height
        image = wall * glow[..., None]
        # a window with a cross bar and a curtain
        image[40:300, -1:150] = [0.55, 0.53, 0.5]
        image[52:288, 0:138] = sky * 0.95
        image[180:288, 0:138] = sky * [0.55, 0.72, 0.5]
        image[52:288, 66:74] = [0.5, 0.48, 0.45]
        folds = 0.5 + 0.12 * np.sin(np.arange(52) * 0.55)
        image[28:340, 128:180] = (folds[None, :, None] * [0.95, 0.9, 0.82]) * (
            0.55 + 0.35 * sky.mean()
        )
        # shelves with books
        image[30:400, 455:640] = [0.20, 0.125, 0.075]
        for top in (42, 132, 222, 312):
            image[top : top + 80, 465:640] = [0.11, 0.075, 0.05]
            x = 468
            while x < 632:
                wide, tall = int(rng.integers(9, 20)), int(rng.integers(48, 74))
                if rng.random() < 0.82:
                    tone = rng.choice(
                        [[0.42, 0.10, 0.07], [0.08, 0.18, 0.30], [0.45, 0.38, 0.25],
                         [0.09, 0.24, 0.17], [0.50, 0.30, 0.10], [0.22, 0.22, 0.24]]
                    )  # fmt: skip
                    image[top + 80 - tall : top + 80, x : x + wide] = tone * rng.uniform(0.7, 1.2)
                x += wide + 1
        # a picture on the wall
        image[70:170, 300:390] = [0.16, 0.12, 0.09]
        image[78:162, 308:382] = [0.50, 0.47, 0.42]
        image[118:162, 308:382] = [0.20, 0.30, 0.26]
        # a lamp on the shelf's edge
        halo = np.exp(-(((across - 440) ** 2 + (down - 215) ** 2) / (2 * 95**2)))
        image += lamp * halo[..., None] * np.array([2.0, 1.25, 0.55])
        shade = (np.abs(across - 440) < 26 + (down - 190) * 0.25) & (down > 190) & (down < 245)
        image[shade] = np.array([0.62, 0.52, 0.38]) * (1 + lamp * 5)
        image[245:330, 437:443] = [0.15, 0.12, 0.10]
        image[330:, 400:] = [0.24, 0.16, 0.10]
        return image

    def at(self, time: float, mix: dict[str, float]) -> np.ndarray:
        """The background at a time (s) under a mixture of LIGHTS; leaves sway a little."""
        image = self._day * mix.get("day", 0) + self._dim * mix.get("dim", 0)
        image = image + self._side * mix.get("side", 0)
        level = 0.6 * mix.get("day", 0) + 0.16 * mix.get("dim", 0) + 0.6 * mix.get("side", 0)
        image = np.ascontiguousarray(image, dtype=np.float32)
        image[352:480, 168:232] = np.array([0.40, 0.22, 0.14]) * level * 1.3
        for lean, size, wide, phase in self._leaves:
            angle = lean * 2.4 + 0.05 * np.sin(1.3 * time * phase + 6 * lean)
            tip = (200 + size * np.sin(angle), 360 - size * np.cos(angle))
            middle = ((200 + tip[0]) / 2, (360 + tip[1]) / 2)
            tone = (np.array([0.10, 0.26, 0.08]) * (0.6 + 0.5 * phase) * level * 1.6).tolist()
            box = (middle, (wide, size), float(np.degrees(angle)))
            cv2.ellipse(image, box, tone, -1, cv2.LINE_AA)
        image *= 1 + 0.012 * np.sin(0.9 * time) + 0.008 * np.sin(2.3 * time)  # clouds pass
        return cv2.GaussianBlur(image, (0, 0), 6.5)


def mixed_light(mix: dict[str, float]) -> np.ndarray:
    """The light vector [24] for `shade.shade` under a mixture of LIGHTS."""
    out = sum(LIGHTS[name] * amount for name, amount in mix.items())
    for at in (0, 6, 12):
        out[at : at + 3] /= np.linalg.norm(out[at : at + 3])
    return out
