"""Arrays of NumPy (.npy) by grammar; the answer is NumPy's own."""
import io
import random
import struct
import warnings

import numpy as np

from differential.answers import Refused, generate, is_numeric, listed

NAMES = ["float32", "float64", "float16", "int8", "uint16", "int64", "bool", "complex64"]
CODES = ["b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16", "S3", "U2", "V4", "M8[s]", "O"]


def npy(draw):
    """A header in one of the many ways that Python's literals allow, and the elements."""
    code = draw.choice(CODES)
    descr = draw.choice(NAMES) if draw.random() < 0.1 else draw.choice(["<", ">", "|", "=", ""]) + code
    shape = tuple(draw.randrange(4) for _ in range(draw.randrange(4)))
    quote = draw.choice("\'\"")
    number = lambda n: draw.choice([str(n), str(n), f"{n}L" if draw.random() < 0.2 else str(n), f" {n} "])
    dims = ", ".join(map(number, shape)) + ("," if len(shape) == 1 or (shape and draw.random() < 0.2) else "")
    entries = [f"{quote}descr{quote}: {quote}{descr}{quote}", f"'fortran_order': {draw.choice(['True', 'False'])}", f"'shape': ({dims})"]
    if draw.random() < 0.1:
        entries.append(draw.choice(["'extra': 1", "'shape': (1,)", "'descr': '<f4'"]))
    draw.shuffle(entries)
    if draw.random() < 0.03:
        entries.pop()
    header = "{" + ", ".join(entries) + draw.choice(["}", ", }", ",}"]) + " " * draw.randrange(40) + draw.choice(["\n", ""])
    version = draw.choice([1, 1, 1, 2, 3])
    encoded = header.encode("latin-1")
    out = b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(encoded)) + encoded
    try:
        width = np.dtype(descr).itemsize
    except TypeError:
        width = 4
    return out + draw.randbytes(max(0, int(np.prod(shape)) * width + draw.choice([0, 0, 0, 0, 5, -1])))


def check(folder, count, seconds, seed):
    warnings.filterwarnings("ignore")

    def make(number, path):
        file, data = path.with_suffix(".npy"), npy(random.Random(f"{seed} npy {number}"))
        file.write_bytes(data)
        try:
            array = np.load(io.BytesIO(data), allow_pickle=False)
        except Exception as error:
            raise Refused(file.name, error) from error
        return file.name, [listed(path.name, array)] if is_numeric(array) else []

    return generate(folder, count, seconds, make)
