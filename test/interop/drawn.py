"""Pictures drawn on the spot for networks to learn from: digits of strokes, and striped patches. No data set is needed."""
import numpy as np

# Strokes of the digits in a box of width 1 and height 2, y downwards.
TOP, MIDDLE, BOTTOM = ((0, 0), (1, 0)), ((0, 1), (1, 1)), ((0, 2), (1, 2))
UPPER_LEFT, UPPER_RIGHT = ((0, 0), (0, 1)), ((1, 0), (1, 1))
LOWER_LEFT, LOWER_RIGHT = ((0, 1), (0, 2)), ((1, 1), (1, 2))
DIGITS = (
    (TOP, UPPER_LEFT, UPPER_RIGHT, LOWER_LEFT, LOWER_RIGHT, BOTTOM),
    (UPPER_RIGHT, LOWER_RIGHT),
    (TOP, UPPER_RIGHT, MIDDLE, LOWER_LEFT, BOTTOM),
    (TOP, UPPER_RIGHT, MIDDLE, LOWER_RIGHT, BOTTOM),
    (UPPER_LEFT, MIDDLE, UPPER_RIGHT, LOWER_RIGHT),
    (TOP, UPPER_LEFT, MIDDLE, LOWER_RIGHT, BOTTOM),
    (TOP, UPPER_LEFT, MIDDLE, LOWER_LEFT, LOWER_RIGHT, BOTTOM),
    (TOP, ((1, 0), (0.3, 2))),
    (TOP, UPPER_LEFT, UPPER_RIGHT, MIDDLE, LOWER_LEFT, LOWER_RIGHT, BOTTOM),
    (TOP, UPPER_LEFT, UPPER_RIGHT, MIDDLE, LOWER_RIGHT, BOTTOM),
)


def grid(size):
    """x and y of the pixels, −1 to 1."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    return np.meshgrid(axis, axis)


def digit(random, label, size):
    x, y = grid(size)
    angle, scale = random.normal(0, 0.15), random.uniform(0.5, 0.75)
    shift_x, shift_y = random.uniform(-0.25, 0.25, 2)
    u = ((x - shift_x) * np.cos(angle) + (y - shift_y) * np.sin(angle)) / scale + 0.5
    v = ((y - shift_y) * np.cos(angle) - (x - shift_x) * np.sin(angle)) / scale + 1
    distance = np.full(x.shape, 9, np.float32)
    for (ax, ay), (bx, by) in DIGITS[label]:
        along = np.clip(((u - ax) * (bx - ax) + (v - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2), 0, 1)
        distance = np.minimum(distance, np.hypot(u - ax - along * (bx - ax), v - ay - along * (by - ay)))
    return np.clip(1.5 - distance / random.uniform(0.1, 0.2), 0, 1)


def stripes(random, label, size):
    """A patch somewhere, striped in one of five directions, finely or coarsely."""
    x, y = grid(size)
    angle, waves = label % 5 * np.pi / 5 + random.normal(0, 0.05), (4, 9)[label // 5]
    phase, (cx, cy) = random.uniform(0, 2 * np.pi), random.uniform(-0.5, 0.5, 2)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * waves + phase)
    return wave * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 0.2)


def pictures(task, count, size, channels, seed):
    """(count × channels × size × size float32, labels 0 to 9): each channel the picture with its own brightness, plus noise."""
    random = np.random.default_rng(seed)
    draw = {"digits": digit, "stripes": stripes}[task]
    labels = random.integers(0, 10, count)
    drawn = np.stack([draw(random, label, size) for label in labels])[:, None]
    colours = random.uniform(0.4, 1, (count, channels, 1, 1))
    noise = random.standard_normal((count, channels, size, size), np.float32) * 0.15
    return (drawn * colours + noise - 0.2).astype(np.float32), labels
