"""Pickles of NumPy arrays, by grammar; the answer is Python's own."""
import pickle
import random
import struct

import numpy as np

from differential.answers import Refused, flatten, generate, is_numeric, listed
from differential.assembler import Assembler

TYPES = ["b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]
KEYS = ["w", "b", "conv1_1", "ключ", "0", 0, 1, 2, True, False, 1.0, 0.0, 2.5, None, b"w", b"conv", (1, 2), (), 2**60, -1]


def dtype(assembler, kind, order):
    assembler.call("numpy", "dtype", lambda: assembler.text(kind), lambda: assembler.bool(False), lambda: assembler.bool(True))
    assembler.tuple(lambda: assembler.integer(3), lambda: assembler.text(order), *[lambda: assembler.raw(b"N")] * 3, *[lambda: assembler.integer(-1)] * 2, lambda: assembler.integer(0))
    assembler.raw(b"b")


def array(assembler):
    draw = assembler.random
    kind = draw.choice(TYPES)
    order = "|" if kind[1:] == "1" else draw.choice("<>")
    shape = [draw.randrange(4) for _ in range(draw.randrange(4))]
    values = np.frombuffer(draw.randbytes(16 * 64), f"{order}{kind}" if kind != "b1" else "u1")[: int(np.prod(shape))]
    data = (values % 2).astype("u1").tobytes() if kind == "b1" else values.tobytes()
    fortran = draw.random() < 0.3
    core = draw.choice(["numpy.core", "numpy._core"])
    if draw.random() < 0.3:
        assembler.call(f"{core}.numeric", "_frombuffer", lambda: assembler.bytes(data), lambda: dtype(assembler, kind, order), lambda: assembler.integers(shape), lambda: assembler.text("F" if fortran else "C"))
    else:
        assembler.call(f"{core}.multiarray", "_reconstruct", lambda: assembler.name("numpy", "ndarray"), lambda: assembler.integers([0]), lambda: assembler.bytes(b"b"))
        assembler.remember("unfinished")
        assembler.tuple(lambda: assembler.integer(1), lambda: assembler.integers(shape), lambda: dtype(assembler, kind, order), lambda: assembler.bool(fortran), lambda: assembler.bytes(data))
        assembler.raw(b"b")
    assembler.remember("array")


def scalar(assembler):
    draw = assembler.random
    assembler.one(
        lambda: assembler.integer(draw.choice([0, 1, -1, 255, 256, 65536, 2**31, -(2**40), 2**70])),
        lambda: assembler.float(draw.choice([0.0, -0.0, 1.5, 1e300, -2.0])),
        lambda: assembler.bool(draw.random() < 0.5),
        lambda: assembler.raw(b"N"),
        lambda: assembler.text(draw.choice(["", "text", "ü", "a\\b", "it's"])),
        lambda: assembler.bytes(draw.choice([b"", b"data", bytes(300)])),
    )


def key(assembler, value):
    if isinstance(value, bool):
        assembler.bool(value)
    elif isinstance(value, int):
        assembler.integer(value)
    elif isinstance(value, float):
        assembler.float(value)
    elif isinstance(value, str):
        assembler.text(value)
    elif isinstance(value, bytes):
        assembler.raw(b"C", bytes([len(value)]), value)
    elif isinstance(value, tuple):
        assembler.integers(value)
    else:
        assembler.raw(b"N")


def value(assembler, depth):
    draw = assembler.random
    assembler.noise()
    chance = draw.random()
    if chance < 0.15 and assembler.recall("array", "text"):
        return
    if chance < 0.5 or depth > 3:
        array(assembler) if draw.random() < 0.75 else scalar(assembler)
    elif chance < 0.7:
        # Two in a tuple are a variable with its name to Paddle.
        items = [lambda: value(assembler, depth + 1) for _ in range(draw.choice([0, 1, 3, 4]))]
        assembler.one(lambda: assembler.list(items), lambda: assembler.tuple(*items))
    else:
        table(assembler, depth)


def table(assembler, depth):
    draw = assembler.random
    keys = draw.sample(KEYS, draw.randrange(1, 5)) if draw.random() < 0.4 else draw.sample([item for item in KEYS if isinstance(item, str)], draw.randrange(1, 5))
    assembler.dict([(lambda item=item: key(assembler, item), lambda: value(assembler, depth + 1)) for item in keys])


def show(path, found):
    return listed(path, found) if is_numeric(found) else None


def check(folder, count, seconds, seed):
    def make(number, path):
        assembler = Assembler(random.Random(f"{seed} pickle {number}"))
        table(assembler, 0)
        file = path.with_suffix(".pkl")
        file.write_bytes(assembler.done())
        try:
            read = pickle.loads(file.read_bytes())
        except Exception as error:
            raise Refused(file.name, error) from error
        return file.name, flatten(read, show, "/")

    return generate(folder, count, seconds, make)
