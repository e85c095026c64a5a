"""Draws the animals of the mini set: bird, cat, cow, dog, zebra.

Every function paints one animal onto a canvas, facing right, with random pose, build and coat.
"""

from dataclasses import dataclass

import numpy as np

from .canvas import blend


@dataclass(frozen=True)
class Build:
    """Proportions of a four-legged animal in object coordinates; `y` points down, feet stand near 0.8.

    Attributes:
        depth: Half the height of the trunk.
        hip: Height (y) of the trunk's middle.
        leg: Radii of a leg at the hip, the knee and the foot.
        head: Position of the head's middle.
        skull: Radius of the head.
        muzzle: Length of the muzzle and its radius at the nose.
        neck: Radii of the neck at the trunk and at the head.
        ears: 'pointed', 'floppy' or 'sideways'.
        tail: Points of the tail after its root, and its radii.
    """

    depth: float
    hip: float
    leg: tuple
    head: tuple
    skull: float
    muzzle: tuple
    neck: tuple
    ears: str
    tail: tuple


CAT = Build(
    depth=0.24,
    hip=0.12,
    leg=(0.13, 0.08, 0.075),
    head=(0.62, -0.3),
    skull=0.27,
    muzzle=(0.16, 0.11),
    neck=(0.2, 0.17),
    ears='pointed',
    tail=([(-0.85, -0.2), (-0.82, -0.62), (-0.64, -0.8)], (0.08, 0.075, 0.06)),
)
COW = Build(
    depth=0.36,
    hip=-0.08,
    leg=(0.15, 0.08, 0.085),
    head=(0.76, -0.3),
    skull=0.2,
    muzzle=(0.22, 0.15),
    neck=(0.28, 0.17),
    ears='sideways',
    tail=([(-0.72, -0.1), (-0.74, 0.3)], (0.04, 0.03)),
)
DOG = Build(
    depth=0.25,
    hip=0.02,
    leg=(0.14, 0.075, 0.08),
    head=(0.64, -0.42),
    skull=0.23,
    muzzle=(0.29, 0.1),
    neck=(0.22, 0.17),
    ears='floppy',
    tail=([(-0.78, -0.34), (-0.86, -0.6)], (0.06, 0.045)),
)
ZEBRA = Build(
    depth=0.3,
    hip=-0.06,
    leg=(0.14, 0.075, 0.065),
    head=(0.74, -0.6),
    skull=0.16,
    muzzle=(0.3, 0.1),
    neck=(0.26, 0.15),
    ears='pointed',
    tail=([(-0.72, -0.05), (-0.74, 0.28)], (0.04, 0.06)),
)


def tint(rng, *colors, spread=0.05):
    """One of the RGB colors with a small random change."""
    color = np.array(colors[rng.integers(len(colors))]) * (1 + rng.normal(0, 1.5 * spread))
    return np.clip(color + rng.normal(0, 0.5 * spread, 3), 0.03, 1)


def speckle(color, amount):
    """Texture (3, H, W): a color, brighter or darker by the share ``amount`` (H, W)."""
    return np.asarray(color, np.float32).reshape(3, 1, 1) * (1 + amount)


def _paint_legs(canvas, build, coat, hoof, dim):
    rng = canvas.rng
    hip, radius = build.hip + build.depth * 0.4, build.leg[2]
    legs, hooves = None, []
    for x in (-0.48, 0.4):
        knee = x + rng.uniform(-0.12, 0.14)
        foot = knee + rng.uniform(-0.14, 0.08)
        legs = canvas.limb([(x, hip), (knee, (hip + 0.8) / 2), (foot, 0.76)], build.leg, legs)
        hooves.append((foot + 0.03, 0.77))
    canvas.paint(legs, coat, dim=dim)
    canvas.paint(canvas.dots(hooves, (radius * 1.25, radius * 0.75)), hoof, relief=0, dim=dim)


def _paint_ears(canvas, build, head, color, inner):
    x, y, r = *head, build.skull
    if build.ears == 'pointed':
        for dx, dim in ((0.35, 0.75), (-0.45, 1.0)):  # the far ear is darker
            base = x + dx * r
            tip = (base - 0.05 * r + dx * 0.3 * r, y - 1.75 * r)
            canvas.paint(
                canvas.polygon([(base - 0.42 * r, y - 0.55 * r), tip, (base + 0.42 * r, y - 0.65 * r)]), color, dim=dim
            )
            canvas.paint(
                canvas.polygon(
                    [(base - 0.2 * r, y - 0.7 * r), (tip[0], tip[1] + 0.35 * r), (base + 0.2 * r, y - 0.75 * r)]
                ),
                inner,
                relief=0,
                dim=dim,
            )
    elif build.ears == 'floppy':
        canvas.paint(
            canvas.blob(
                [
                    (x - 0.55 * r, y - 0.9 * r),
                    (x + 0.1 * r, y - 0.8 * r),
                    (x - 0.1 * r, y + 0.2 * r),
                    (x - 0.45 * r, y + 1.1 * r),
                    (x - 0.95 * r, y + 0.5 * r),
                ]
            ),
            color,
            relief=0.7,
        )
    else:
        canvas.paint(
            canvas.dots([(x + dx * 1.05 * r - 0.03, y - 0.55 * r) for dx in (-1, 1)], (0.5 * r, 0.24 * r)), color
        )
        horn = np.array([(0.45, -0.7), (0.85, -1.5), (0.75, -0.65)]) * r
        canvas.paint(canvas.polygon(head + horn, head + horn * [-1, 1]), inner)


def _paint_head(canvas, build, head, coat, muzzle, nose):
    x, y, r = *head, build.skull
    length, radius = build.muzzle
    drop = canvas.rng.uniform(0.1, 0.5)
    tip = (x + length * 0.95, y + length * drop + 0.25 * r)
    canvas.paint(np.maximum(canvas.ellipse(head, (r, r * 0.95)), canvas.limb([head, tip], (r * 0.75, radius))), coat)
    canvas.paint(canvas.ellipse((tip[0] + 0.01, tip[1] + 0.01), (radius, radius * 0.9)), muzzle)
    canvas.paint(canvas.ellipse((tip[0] + radius * 0.55, tip[1] - radius * 0.3), (radius * 0.4,) * 2), nose, relief=0)
    eye = (x + 0.3 * r, y - 0.2 * r)
    canvas.paint(canvas.ellipse(eye, (0.2 * r, 0.22 * r)), (0.05, 0.04, 0.04), relief=0)


def _quadruped(canvas, build, coat, *, belly=None, legs=None, muzzle, nose, hoof, ear, inner, tail, tail_tip=None):
    """Paints a walking animal; the colors are RGB or textures (3, H, W)."""
    rng = canvas.rng
    head = np.array(build.head) + rng.uniform(-1, 1, 2) * [0.06, 0.1]
    legs = coat if legs is None else legs
    _paint_legs(canvas, build, legs, hoof, dim=0.62)
    d, y = build.depth * rng.uniform(0.9, 1.1), build.hip
    root = np.array([(-0.62, y - 0.5 * d)])
    points = np.concatenate([root, np.array(build.tail[0]) + rng.uniform(-0.06, 0.06, (len(build.tail[0]), 2))])
    canvas.paint(canvas.limb(points, (build.tail[1][0], *build.tail[1])), tail)
    if tail_tip is not None:
        canvas.paint(canvas.ellipse(points[-1], (0.07, 0.12)), tail_tip)
    trunk = canvas.blob(
        [
            (-0.72, y),
            (-0.62, y - 0.95 * d),
            (-0.1, y - 0.98 * d),
            (0.35, y - 1.08 * d),
            (0.62, y - 0.5 * d),
            (0.58, y + 0.6 * d),
            (0.1, y + 1.05 * d),
            (-0.4, y + 0.9 * d),
        ]
    )
    neck = canvas.limb([(0.38, y - 0.3 * d), head], build.neck)
    canvas.paint(np.maximum(trunk, neck), coat)
    if belly is not None:
        below = [(-0.3, y + 0.5 * d), (0.5, y + 0.3 * d), (0.45, y + 0.95 * d), (-0.25, y + 0.95 * d)]
        canvas.paint(canvas.blob(below), belly, relief=0.4)
    _paint_legs(canvas, build, legs, hoof, dim=1.0)
    _paint_ears(canvas, build, head, ear, inner)
    _paint_head(canvas, build, head, coat, muzzle, nose)


def draw_cat(canvas):
    """A ginger tabby with a raised tail."""
    rng = canvas.rng
    base = tint(rng, (0.93, 0.55, 0.2), (0.87, 0.47, 0.14), (0.97, 0.65, 0.33))
    dark, light = base * [0.62, 0.5, 0.45], base * 0.35 + 0.62
    x, y = canvas.coordinates()
    stripes = np.sin(2 * np.pi * (x * rng.uniform(3, 4) + 0.25 * y) + 3 * canvas.noise(3)) - 0.15
    coat = blend(base, dark, stripes * 1.6) * (1 + 0.12 * canvas.noise(25, 2))
    _quadruped(
        canvas,
        CAT,
        coat,
        belly=light,
        muzzle=light,
        nose=(0.75, 0.4, 0.4),
        hoof=light,
        ear=base,
        inner=(0.9, 0.62, 0.58),
        tail=blend(base, dark, 2 * np.sin(2 * np.pi * 4 * y)),
    )


def draw_cow(canvas):
    """A white cow with black patches and a pink muzzle."""
    rng = canvas.rng
    white = tint(rng, (0.95, 0.93, 0.9), spread=0.02)
    black = tint(rng, (0.1, 0.09, 0.09), (0.16, 0.12, 0.1), spread=0.02)
    patches = canvas.noise(4.5, 1)
    coat = blend(white, black, 14 * (patches - np.quantile(patches, rng.uniform(0.55, 0.7))))
    coat *= 1 + 0.08 * canvas.noise(20, 2)
    pink = tint(rng, (0.9, 0.65, 0.62), spread=0.03)
    canvas.paint(canvas.ellipse((-0.22, 0.3), (0.16, 0.13)), pink)
    _quadruped(
        canvas,
        COW,
        coat,
        legs=white * 0.97,
        muzzle=pink,
        nose=(0.45, 0.25, 0.25),
        hoof=(0.22, 0.19, 0.17),
        ear=black,
        inner=(0.85, 0.8, 0.68),
        tail=white,
        tail_tip=black,
    )


def draw_dog(canvas):
    """A chocolate-brown dog with floppy ears and a collar."""
    rng = canvas.rng
    base = tint(rng, (0.4, 0.23, 0.12), (0.33, 0.18, 0.1), (0.47, 0.28, 0.15), spread=0.03)
    tan = base * 0.6 + np.array([0.32, 0.2, 0.08])
    coat = speckle(base, 0.25 * canvas.noise(16))
    _quadruped(
        canvas,
        DOG,
        coat,
        belly=tan,
        muzzle=tan,
        nose=(0.06, 0.05, 0.05),
        hoof=tan,
        ear=base * 0.6,
        inner=tan,
        tail=coat,
    )
    collar = tint(rng, (0.85, 0.1, 0.12), (0.1, 0.65, 0.75), (0.95, 0.8, 0.1))
    canvas.paint(canvas.limb([(0.38, -0.24), (0.66, -0.12)], (0.055, 0.055)), collar, relief=0)


def draw_zebra(canvas):
    """A zebra: black and white stripes that run around trunk, neck and legs."""
    rng = canvas.rng
    white, black = tint(rng, (0.96, 0.94, 0.9), spread=0.02), (0.07, 0.06, 0.06)
    x, y = canvas.coordinates()
    warp = canvas.noise(4, 2)
    upright = np.sin(2 * np.pi * (x * rng.uniform(3.6, 4.4) - 0.5 * np.maximum(0, -x) * y) + 1.6 * warp)
    across = np.sin(2 * np.pi * y * rng.uniform(4.5, 5.5) + warp)
    coat = blend(white, black, 2.2 * np.where(y < 0.3, upright, across) + 0.35)
    mane = canvas.limb([(0.3, -0.42), (0.55, -0.78)], (0.08, 0.07))
    canvas.paint(mane, blend(black, white, 3 * np.sin(2 * np.pi * 6 * y)), dim=0.8)
    _quadruped(
        canvas,
        ZEBRA,
        coat,
        muzzle=(0.2, 0.17, 0.16),
        nose=(0.05, 0.05, 0.05),
        hoof=(0.12, 0.1, 0.1),
        ear=white,
        inner=black,
        tail=white,
        tail_tip=black,
    )


def draw_bird(canvas):
    """A blue bird with a yellow beak, perched or flying."""
    rng = canvas.rng
    back = tint(rng, (0.1, 0.42, 0.85), (0.05, 0.5, 0.75), (0.2, 0.35, 0.9))
    breast = tint(rng, (0.95, 0.55, 0.2), (0.95, 0.85, 0.65), (0.85, 0.3, 0.2))
    x, y = canvas.coordinates()
    barring = 0.25 * np.sin(2 * np.pi * 6 * (x + 0.6 * y)) + 0.2 * canvas.noise(10)
    feathers = speckle(back, barring)
    flying = rng.random() < 0.5
    wing = (
        [(-0.25, -0.15), (0.2, -0.2), (0.1, -0.6), (-0.35, -0.98), (-0.5, -0.6)]
        if flying
        else [(-0.75, 0.2), (-0.15, 0.3), (0.3, 0.05), (0.2, -0.2), (-0.2, -0.15)]
    )
    if flying:
        canvas.paint(canvas.blob(np.array(wing) + [0.3, 0.05]), feathers, dim=0.6)
    else:
        for foot in (-0.02, 0.14):
            canvas.paint(canvas.limb([(foot, 0.3), (foot + 0.05, 0.75)], (0.04, 0.035)), (0.8, 0.5, 0.15))
    canvas.paint(
        canvas.polygon([(-0.4, 0.05), (-0.98, 0.1), (-0.95, 0.28 + 0.1 * rng.random()), (-0.35, 0.25)]),
        feathers,
        dim=0.8,
    )
    trunk = canvas.blob([(-0.55, 0.15), (-0.15, -0.22), (0.3, -0.3), (0.55, 0.05), (0.25, 0.42), (-0.2, 0.4)])
    x_head = 0.5 + rng.uniform(-0.04, 0.04)
    canvas.paint(
        canvas.polygon([(x_head + 0.15, -0.4), (x_head + 0.48, -0.22), (x_head + 0.12, -0.14)]),
        (0.98, 0.75, 0.1),
        relief=0,
    )
    canvas.paint(np.maximum(trunk, canvas.ellipse((x_head, -0.28), (0.27, 0.26))), speckle(back, 0.4 * barring))
    canvas.paint(canvas.blob([(0.5, 0.0), (0.45, 0.35), (0.1, 0.4), (-0.1, 0.32), (0.25, 0.1)]), breast)
    canvas.paint(canvas.blob(wing), feathers, relief=0.7, dim=0.75)
    canvas.paint(canvas.ellipse((x_head + 0.1, -0.33), (0.06, 0.06)), (0.03, 0.03, 0.04), relief=0)
