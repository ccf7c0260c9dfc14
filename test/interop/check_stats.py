"""`inspect --stats --json` against NumPy in float64: 1e-12 of the sums, exact counts and extremes, histogram and percentiles to the stated accuracy.

    check("make", "vgg16" or "dtypes", FILE.safetensors)
    check("compare", FILE.safetensors, RECORD.json)

vgg16 is VGG-16 at full size (138,357,544 values, 553 MB) with random weights; dtypes has small and middle-sized tensors of every
dtype with what is awkward in them: NaN, infinities, -0, denormals, integers beyond 2^53, and means far from 0.
The file is written and read here by hand (length of the header, header as JSON, values), as numpy has no bfloat16.
"""
import bisect
import json
import math

import numpy as np

DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "u1",
}
WIDTHS = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)


def vgg16():
    random = np.random.default_rng(16)
    channels, index = 3, 0
    for number, width in enumerate(WIDTHS):
        weights = random.standard_normal((width, channels, 3, 3), np.float32) * np.float32(math.sqrt(2 / (9 * channels)))
        yield f"features.{index}.weight", "F32", weights
        yield f"features.{index}.bias", "F32", random.standard_normal(width, np.float32) * np.float32(0.1)
        channels, index = width, index + (3 if number in (1, 3, 6, 9) else 2)
    for index, (outputs, inputs) in zip((0, 3, 6), ((4096, 25088), (4096, 4096), (1000, 4096))):
        weights = random.standard_normal((outputs, inputs), np.float32) * np.float32(0.01)
        # Pruned weights, as real files have them; and a mean that is not 0.
        weights[:, ::97] = 0
        yield f"classifier.{index}.weight", "F32", weights + np.float32(3 if index == 3 else 0)
        yield f"classifier.{index}.bias", "F32", np.zeros(outputs, np.float32)


def every_dtype():
    random = np.random.default_rng(3)
    for size in (1, 7, 300, 65_536, 200_003):
        normal = random.standard_normal(size)
        for name, spread in (("F64", 1.0), ("F32", 1e-3), ("F16", 0.02)):
            yield f"{name}.{size}", name, (normal * spread).astype(DTYPES[name])
            yield f"{name}.{size}.offset", name, (normal * spread + 1000).astype(DTYPES[name])
        yield f"F64.{size}.wide", "F64", normal * 10 ** random.uniform(-30, 30, size)
        yield f"F32.{size}.denormal", "F32", (normal * 1e-40).astype("<f4")
        yield f"BF16.{size}", "BF16", (normal.astype("<f4").view("<u4") >> 16).astype("<u2")
        for name in ("I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8"):
            limits = np.iinfo(DTYPES[name])
            yield f"{name}.{size}", name, random.integers(limits.min, limits.max, size, DTYPES[name], endpoint=True)
            yield f"{name}.{size}.small", name, random.integers(0, 100, size).astype(DTYPES[name])
        yield f"BOOL.{size}", "BOOL", random.integers(0, 2, size).astype("u1")
    for name in ("F64", "F32", "F16"):
        for size in (40, 90_000):
            values = random.standard_normal(size).astype(DTYPES[name])
            values[::5], values[1::7], values[2::11], values[3::13] = np.nan, np.inf, -np.inf, -0.0
            yield f"{name}.{size}.special", name, values
    yield "F32.only-nan", "F32", np.full(9, np.nan, "<f4")
    yield "F32.only-inf", "F32", np.array([np.inf, -np.inf, np.inf], "<f4")
    yield "F32.zeros", "F32", np.array([0.0, -0.0, -0.0], "<f4")
    yield "F32.one-value", "F32", np.full(70_000, 0.1, "<f4")
    yield "F32.empty", "F32", np.zeros((0, 4), "<f4")
    yield "F64.extremes", "F64", np.array([np.finfo("f8").max, -np.finfo("f8").max, 5e-324])


def make(kind, path):
    tensors = list(vgg16() if kind == "vgg16" else every_dtype())
    header, offset = {}, 0
    for name, dtype, values in tensors:
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, _, values in tensors:
            file.write(values.data if values.size else b"")


def read(path):
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        dtype = np.dtype(DTYPES[entry["dtype"]])
        values = np.fromfile(path, dtype, (end - begin) // dtype.itemsize, offset=8 + length + begin)
        yield name, (values.astype("<u4") << 16).view("<f4") if entry["dtype"] == "BF16" else values


def number(value):
    """JSON has no NaN and no infinities: they come as strings, like integers beyond 2^53."""
    if not isinstance(value, str):
        return value
    return float(value) if value in ("NaN", "Infinity", "-Infinity") else int(value)


def pieces(values):
    """Short ones, that stay in the cache."""
    return (values[k : k + 8192] for k in range(0, values.size, 8192))


def chunked(values, what):
    """The exact sum of NumPy's float64 sums over short pieces: its own running sum would lose digits over 10^8 values."""
    return math.fsum(what(piece.astype(np.float64)).sum() for piece in pieces(values))


def same(found, expected, scale):
    return found == expected or abs(found - expected) <= 1e-12 * scale


def compare(path, record_path):
    with open(record_path, encoding="utf8") as file:
        record = {tensor["name"]: tensor["stats"] for tensor in json.load(file)["tensors"]}
    worst = checked = elements = 0
    for name, values in read(path):
        stats = record.pop(name)
        zeros, nan, inf = (sum(int(of(piece).sum()) for piece in pieces(values)) for of in (lambda x: x == 0, np.isnan, np.isinf))
        assert (stats["zeros"], stats["nan"], stats["inf"]) == (zeros, nan, inf), (name, stats)
        seen = values[~np.isnan(values)] if nan else values
        if seen.size == 0:
            assert stats["min"] is None and stats["max"] is None, (name, stats)
        else:
            assert (number(stats["min"]), number(stats["max"])) == (seen.min().item(), seen.max().item()), (name, stats)
        finite = values[np.isfinite(values)] if nan or inf else values
        checked, elements = checked + 1, elements + values.size
        if finite.size == 0:
            assert stats["mean"] is None and stats["std"] is None and stats["histogram"] is None and stats["percentiles"] == {}, (name, stats)
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            worst = max(worst, compare_sums(name, finite, stats))
            finite.sort()
            compare_ranks(name, finite, stats)
    assert not record, f"listed and not in the file: {list(record)}"
    return f"{checked} tensors, {elements:,} values; sums within {worst:.1e}, counts and extremes exact, ranks as stated"


def compare_sums(name, values, stats):
    """Of the mean and the deviation; the scale of a sum that cancels is the size of what was added."""
    if name == "F64.extremes":
        return 0  # beyond what float64 can add
    mean = chunked(values, lambda piece: piece) / values.size
    magnitude = chunked(values, np.abs) / values.size
    std = math.sqrt(chunked(values, lambda piece: (piece - mean) ** 2) / values.size)
    assert same(stats["mean"], mean, abs(mean) if values.size > 1e6 else magnitude), (name, stats["mean"], mean)
    # Of values that are all alike, the deviation is what their mean was rounded by.
    assert same(stats["std"], std, max(std, abs(mean) * 1e-3)), (name, stats["std"], std)
    return max(abs(stats["mean"] - mean) / magnitude if magnitude else 0, abs(stats["std"] - std) / std if std else 0)


def compare_ranks(name, ordered, stats):
    accuracy = stats["accuracy"]
    assert 0 <= accuracy <= 1e-3, (name, accuracy)
    for percent, found in stats["percentiles"].items():
        rank = float(percent) / 100 * (ordered.size - 1)
        low, high = (float(ordered[round_to(rank)]) for round_to in (math.floor, math.ceil))
        expected = low + (high - low) * (rank - math.floor(rank))
        # Interpolated between two values, each within the accuracy; 1e-12 for the interpolation itself, 7e-42 below normal float32.
        room = max(accuracy, 1e-12) * max(abs(low), abs(high)) + (7e-42 if accuracy else 0)
        assert found == expected or abs(found - expected) <= room, (name, percent, found, expected)
    histogram = stats["histogram"]
    begin, end, counts = float(number(histogram["from"])), float(number(histogram["to"])), histogram["counts"]
    assert (begin, end) == (float(ordered[0]), float(ordered[-1])), (name, histogram)
    assert sum(counts) == ordered.size and min(counts) >= 0, name
    below = np.cumsum(counts)
    for bin_, count in enumerate(below[:-1], 1):
        edge = begin + (end / 2 - begin / 2) * (2 * bin_ / len(counts))
        room = max(accuracy, 1e-12) * abs(edge) * 1.001 + 1e-15 * (end / 2 - begin / 2) + (7e-42 if accuracy else 0)
        fewest, most = bisect.bisect_left(ordered, edge - room), bisect.bisect_right(ordered, edge + room)
        assert fewest <= count <= most, (name, bin_, fewest, count, most)


def check(step, *arguments):
    return {"make": make, "compare": compare}[step](*arguments)
