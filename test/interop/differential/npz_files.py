"""Archives of NumPy (.npz) by grammar; the answer is NumPy's own."""
import io
import random

import numpy as np

from differential.answers import Refused, generate, is_numeric, listed
from differential.zips import archive


def check(folder, count, seconds, seed):
    def make(number, path):
        draw = random.Random(f"{seed} npz {number}")
        names = draw.sample(["a", "b", "conv1_1/W", "A", "ключ", "x.npy", "arr_0"], draw.randrange(1, 4))
        members = []
        for name in names:
            buffer = io.BytesIO()
            np.save(buffer, np.frombuffer(draw.randbytes(24), draw.choice(["<f4", ">f4", "u1", "<i2"])).reshape(2, -1))
            members.append((f"{name}.npy", buffer.getvalue()))
        file = path.with_suffix(".npz")
        file.write_bytes(archive(draw, members, 0.4, draw.choice([b""] * 9 + [b"#!/bin/sh\n"])))
        try:
            with np.load(file, allow_pickle=False) as arrays:
                # Of two members of one name NumPy lists the name twice, and reads the last.
                read = {name: arrays[name] for name in arrays.files}
                return file.name, [listed(name, array) for name, array in read.items() if is_numeric(array)]
        except Exception as error:
            raise Refused(file.name, error) from error

    return generate(folder, count, seconds, make)
