"""Light and material: one compiled pass from the z-buffer to linear light."""

from __future__ import annotations

import numpy as np
from numba import njit

# Columns of the vertex attributes.
REST, NORMAL, WORLD, LIPS, MOUTH, AO, RIM, SCALP, WARM, COLUMNS = 0, 3, 6, 9, 10, 11, 12, 13, 14, 15
PAINT_LEFT, PAINT_TOP, PAINT_SCALE = -1.0, 7.7, 512.0  # the paint map: resting x, y → pixels


@njit(cache=True, fastmath=True)
def _step(low, high, x):  # type: ignore[no-untyped-def]
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@njit(cache=True, fastmath=True)
def _noise(table, x, y, z):  # type: ignore[no-untyped-def]
    """Trilinear value noise from -1 to 1 from a table [N, N, N], N a power of two."""
    mask = table.shape[0] - 1
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    i, j, k = int(fx) & mask, int(fy) & mask, int(fz) & mask
    i1, j1, k1 = (i + 1) & mask, (j + 1) & mask, (k + 1) & mask
    u, v, w = x - fx, y - fy, z - fz
    low = (table[i, j, k] * (1 - u) + table[i1, j, k] * u) * (1 - v) + (
        table[i, j1, k] * (1 - u) + table[i1, j1, k] * u
    ) * v
    high = (table[i, j, k1] * (1 - u) + table[i1, j, k1] * u) * (1 - v) + (
        table[i, j1, k1] * (1 - u) + table[i1, j1, k1] * u
    ) * v
    return low * (1 - w) + high * w


@njit(cache=True, fastmath=True)
def shade(  # type: ignore[no-untyped-def]
    image,
    index,
    bary,
    triangles,
    kind,
    attr,
    camera,
    light,
    paint,
    table,
    shadow,
    shadow_x,
    shadow_y,
    shadow_z,
    shadow_box,
    eyes,
    gaze,
    teeth_dim,
):
    """Fills image [H, W, 3] (linear light) wherever index is a triangle.

    light: key direction, key colour, fill direction, fill colour, rim direction, rim colour,
    light from above, light from below (3 each). shadow [S, S]: depth along the key light;
    shadow_x/y/z its axes, shadow_box its left, bottom and scale. eyes [2, 3]: resting centres;
    gaze [2, 3]: where they look in the resting head; teeth_dim: how dark the mouth is.
    """
    height, width = index.shape
    size = shadow.shape[0]
    a = np.zeros(COLUMNS)
    albedo = np.zeros(3)
    for y in range(height):
        for x in range(width):
            t = index[y, x]
            if t < 0:
                continue
            i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            u, v = bary[y, x, 0], bary[y, x, 1]
            w = 1 - u - v
            for c in range(COLUMNS):
                a[c] = u * attr[i, c] + v * attr[j, c] + w * attr[k, c]
            rx, ry, rz = a[0], a[1], a[2]
            n = 1 / (np.sqrt(a[3] ** 2 + a[4] ** 2 + a[5] ** 2) + 1e-9)
            nx, ny, nz = a[3] * n, a[4] * n, a[5] * n
            wx, wy, wz = a[6], a[7], a[8]
            vx, vy, vz = camera[0] - wx, camera[1] - wy, camera[2] - wz
            n = 1 / np.sqrt(vx * vx + vy * vy + vz * vz)
            vx, vy, vz = vx * n, vy * n, vz * n
            what = kind[i]
            ao = a[AO]
            gloss, tight, wrap, red = 0.0, 30.0, 0.0, 0.0
            if what == 0:
                # the shirt begins below the neckline
                neckline = 5.08 + 0.33 * _step(0.10, 0.60, abs(rx)) + 0.12 * _step(0.3, -0.2, rz)
                below = neckline - ry
                if below > 0:
                    rib = 0.93 + 0.07 * np.sin(rx * 150) if below < 0.11 else 1.0
                    knit = 1 + 0.05 * np.sin(ry * 110) * np.sin(rx * 110)
                    knit *= 1 + 0.10 * _noise(table, rx * 3, ry * 2, rz * 3)
                    seam = 0.72 if 0.10 < below < 0.13 else 1.0
                    dark = rib * knit * seam
                    albedo[0], albedo[1], albedo[2] = 0.055 * dark, 0.16 * dark, 0.20 * dark
                    wrap = 0.25
                    ao = 0.35 + 0.65 * ao
                else:
                    coarse = _noise(table, rx * 4, ry * 4, rz * 4)
                    fine = _noise(table, rx * 23, ry * 23, rz * 23)
                    blot = 1 + 0.05 * coarse + 0.035 * fine
                    albedo[0] = 0.70 * blot
                    albedo[1] = 0.415 * blot * (1 - 0.03 * coarse)
                    albedo[2] = 0.300 * blot * (1 - 0.05 * coarse)
                    warm = a[WARM]
                    albedo[0] *= 1 - 0.02 * warm
                    albedo[1] *= 1 - 0.20 * warm
                    albedo[2] *= 1 - 0.17 * warm
                    gloss, tight, wrap, red = 0.22, 22.0, 0.22, 0.22
                    lips = _step(0.25, 0.75, a[LIPS])
                    if lips > 0:
                        crease = 1 + 0.10 * _noise(table, rx * 60, ry * 6, 3.0)
                        albedo[0] += lips * (0.50 * crease - albedo[0])
                        albedo[1] += lips * (0.165 * crease - albedo[1])
                        albedo[2] += lips * (0.145 * crease - albedo[2])
                        gloss += lips * 0.28
                        tight += lips * 25
                    mouth = _step(0.45, 0.9, a[MOUTH]) * (1 - lips)
                    if mouth > 0:
                        albedo[0] += mouth * (0.13 - albedo[0])
                        albedo[1] += mouth * (0.02 - albedo[1])
                        albedo[2] += mouth * (0.02 - albedo[2])
                        gloss *= 1 - mouth
                        ao *= 1 - 0.75 * mouth
                    rim = a[RIM]
                    for c in range(3):
                        albedo[c] *= 1 - 0.80 * rim
                    if rz > 0.5 and mouth < 0.5:
                        px = (rx - PAINT_LEFT) * PAINT_SCALE
                        py = (PAINT_TOP - ry) * PAINT_SCALE
                        if 1 < px < paint.shape[1] - 2 and 1 < py < paint.shape[0] - 2:
                            ix, iy = int(px), int(py)
                            fx, fy = px - ix, py - iy
                            for c in range(3):
                                top = paint[iy, ix, c] * (1 - fx) + paint[iy, ix + 1, c] * fx
                                low = (
                                    paint[iy + 1, ix, c] * (1 - fx) + paint[iy + 1, ix + 1, c] * fx
                                )
                                albedo[c] *= top * (1 - fy) + low * fy
                    scalp = a[SCALP] + 0.02 * fine
                    shade_of_hair = 1 - 0.30 * _step(-0.16, 0.0, scalp) * _step(5.6, 6.2, ry)
                    ao *= shade_of_hair
                    cover = _step(-0.03, 0.06, scalp)
                    albedo[0] += cover * (0.030 - albedo[0])
                    albedo[1] += cover * (0.017 - albedo[1])
                    albedo[2] += cover * (0.011 - albedo[2])
                    gloss *= 1 - cover
            elif what == 1:
                e = 0 if rx > 0 else 1
                ex, ey, ez = rx - eyes[e, 0], ry - eyes[e, 1], rz - eyes[e, 2]
                n = 1 / (np.sqrt(ex * ex + ey * ey + ez * ez) + 1e-9)
                ex, ey, ez = ex * n, ey * n, ez * n
                toward = ex * gaze[e, 0] + ey * gaze[e, 1] + ez * gaze[e, 2]
                angle = np.arccos(min(max(toward, -1.0), 1.0))
                vein = 1 + 0.04 * _noise(table, rx * 30, ry * 30, rz * 30)
                albedo[0], albedo[1], albedo[2] = 0.76 * vein, 0.70 * vein, 0.67 * vein
                iris = _step(0.445, 0.405, angle)
                if iris > 0:
                    turn = np.arctan2(ey - gaze[e, 1], ex - gaze[e, 0])
                    ray = 1 + 0.35 * _noise(table, turn * 9, angle * 6, 0.5)
                    glow = (0.55 + 0.9 * _step(0.40, 0.18, angle)) * ray
                    glow *= 1 - 0.65 * _step(0.34, 0.42, angle)
                    albedo[0] += iris * (0.105 * glow - albedo[0])
                    albedo[1] += iris * (0.070 * glow - albedo[1])
                    albedo[2] += iris * (0.036 * glow - albedo[2])
                    pupil = _step(0.185, 0.155, angle)
                    for c in range(3):
                        albedo[c] *= 1 - 0.93 * pupil
                gloss, tight, wrap, red = 0.9, 260.0, 0.35, 0.05
                ao = 0.30 + 0.70 * ao
            elif what == 2:
                edge = np.arctan2(rx, rz - 0.62)
                cell = edge * 11.0 + 0.5
                near = abs(cell - np.floor(cell) - 0.5) * 2
                gap = 1 - 0.30 * _step(0.86, 0.99, near)
                albedo[0], albedo[1], albedo[2] = 0.78 * gap, 0.73 * gap, 0.63 * gap
                gloss, tight, wrap = 0.35, 60.0, 0.3
                side = 1 - 0.88 * _step(0.13, 0.26, abs(rx))
                ao = teeth_dim * side
            else:
                albedo[0], albedo[1], albedo[2] = 0.46, 0.14, 0.13
                gloss, tight, wrap = 0.15, 30.0, 0.2
                ao = 0.42 * (1 - 0.8 * _step(0.08, 0.24, abs(rx)))

            # shadow of the key light, softened over 5 x 5 texels
            sx = (
                wx * shadow_x[0] + wy * shadow_x[1] + wz * shadow_x[2] - shadow_box[0]
            ) * shadow_box[2]
            sy = (
                wx * shadow_y[0] + wy * shadow_y[1] + wz * shadow_y[2] - shadow_box[1]
            ) * shadow_box[2]
            sz = wx * shadow_z[0] + wy * shadow_z[1] + wz * shadow_z[2]
            lit = 1.0
            if 4 < sx < size - 5 and 4 < sy < size - 5:
                free = 0.0
                for dy in range(-2, 3):
                    for dx in range(-2, 3):
                        free += (
                            1.0 if shadow[int(sy) + dy * 2, int(sx) + dx * 2] > sz - 0.05 else 0.0
                        )
                lit = free / 25.0
            if what == 1:
                lit = 0.4 + 0.6 * lit
            if what == 2:
                lit = 0.8 + 0.2 * lit

            r = albedo[0] * ao * (light[18] * (0.5 + 0.5 * ny) + light[21] * (0.5 - 0.5 * ny))
            g = albedo[1] * ao * (light[19] * (0.5 + 0.5 * ny) + light[22] * (0.5 - 0.5 * ny))
            b = albedo[2] * ao * (light[20] * (0.5 + 0.5 * ny) + light[23] * (0.5 - 0.5 * ny))
            edge_on = 1 - min(max(nx * vx + ny * vy + nz * vz, 0.0), 1.0)
            fresnel = 0.35 + 0.65 * edge_on**4
            for at in range(0, 18, 6):
                lx, ly, lz = light[at], light[at + 1], light[at + 2]
                d = nx * lx + ny * ly + nz * lz
                soft_r = max((d + wrap + red) / (1 + wrap + red), 0.0)
                soft = max((d + wrap) / (1 + wrap), 0.0)
                dim_r, dim = ao, ao
                if at == 0:
                    dim_r, dim = ao * lit**0.75, ao * lit
                elif at == 12:
                    soft_r, soft = max(d, 0.0), max(d, 0.0)
                r += albedo[0] * light[at + 3] * soft_r * dim_r
                g += albedo[1] * light[at + 4] * soft * dim
                b += albedo[2] * light[at + 5] * soft * dim
                if gloss > 0 and d > 0:
                    hx, hy, hz = lx + vx, ly + vy, lz + vz
                    n = 1 / (np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9)
                    s = max((nx * hx + ny * hy + nz * hz) * n, 0.0) ** tight
                    s *= gloss * fresnel * dim * (tight + 8) / 60
                    r += s * light[at + 3]
                    g += s * light[at + 4]
                    b += s * light[at + 5]
            image[y, x, 0], image[y, x, 1], image[y, x, 2] = r, g, b
