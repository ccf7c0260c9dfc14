"""MAT-files of SciPy's own writing, some with a changed byte where sparse arrays keep their rows; the answer is SciPy's."""
import json
import os
import random
import struct
import warnings

import numpy as np
import scipy.sparse
from scipy.io import loadmat, savemat
from scipy.io.matlab import MatlabFunction, MatlabOpaque

from differential.answers import Refused, generate, listed

TYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", "c8", "c16", "?"]


def array(draw):
    code = draw.choice(TYPES)
    shape = [draw.randrange(1, 4) for _ in range(draw.randrange(4))] if draw.random() < 0.9 else [0, 0]
    values = np.frombuffer(draw.randbytes(27 * 16), "u1" if code == "?" else code)[: int(np.prod(shape))]
    if code in ("f4", "f8", "c8", "c16"):
        # Whole numbers now and then: writers keep those in fewer bytes.
        # SciPy adds real and imaginary parts of level 4, which loses the sign of zeros.
        values = np.array([draw.choice([0, 1, -3, 300, 70000, 0.5, 0 if code[0] == "c" else -0.0]) for _ in range(int(np.prod(shape)))], code)
    return (values % 2).astype(bool).reshape(shape) if code == "?" else values.reshape(shape)


def sparse(draw):
    rows, columns = draw.randrange(1, 5), draw.randrange(1, 5)
    dense = np.array([[draw.choice([0, 0, 1.5, -2]) for _ in range(columns)] for _ in range(rows)])
    return scipy.sparse.csc_matrix(dense * (1j if draw.random() < 0.2 else 1))


def value(draw, depth, level4):
    chance = draw.random()
    if level4:
        return sparse(draw) if chance < 0.2 else array(draw).reshape(-1, 1) if chance < 0.9 else "text"
    if chance < 0.5 or depth > 2:
        return array(draw)
    if chance < 0.6:
        return sparse(draw)
    if chance < 0.65:
        return draw.choice(["text", "", "ключ"])
    if chance < 0.85:
        return {name: value(draw, depth + 1, level4) for name in draw.sample(["a", "weights", "field_3"], draw.randrange(1, 4))}
    cell = np.empty((draw.randrange(1, 3), draw.randrange(1, 3)), object)
    for index in np.ndindex(cell.shape):
        cell[index] = value(draw, depth + 1, level4)
    return cell


def arrays(found, stored):
    """`found` was read with the classes that MATLAB shows, which loses imaginary parts; `stored` with the types that are in the file."""
    if scipy.sparse.issparse(found):
        # SciPy does not look at the numbers of a file, and runs on for ever with some.
        if hasattr(found, "check_format"):
            found.check_format(full_check=True)
        # MATLAB's are all double, SciPy's have the type of the numbers that are in the file.
        return [listed("", stored.toarray().astype("c16" if stored.dtype.kind == "c" else "f8"))]
    if isinstance(found, np.void):
        return [row for name in found.dtype.names for row in arrays(found[name], stored[name])]
    if not isinstance(found, np.ndarray) or isinstance(found, (MatlabFunction, MatlabOpaque)):
        return []
    if found.dtype.names or found.dtype == object:
        return [row for both in zip(found.ravel(order="F"), stored.ravel(order="F")) for row in arrays(*both)]
    if stored.dtype.kind == "c":
        return [listed("", stored.astype("c8" if found.dtype in ("f4", "c8") else "c16"))]
    return [listed("", found)] if found.dtype.kind in "biuf" else []


def mischief(draw, data):
    """A changed number among the small ones: row indices and column starts are 32-bit integers below 5."""
    places = [at for at in range(128, len(data) - 4, 4) if 0 < struct.unpack_from("<i", data, at)[0] < 5]
    changed = bytearray(data)
    if places:
        struct.pack_into("<i", changed, draw.choice(places), draw.randrange(5))
    return bytes(changed)


def read(file):
    found, stored = [loadmat(file, mat_dtype=classes) for classes in (True, False)]
    return [row for name, item in found.items() if not name.startswith("__") for row in arrays(item, stored[name])]


def apart(work):
    """What `work` returns, from a process of its own: SciPy trusts a file's numbers, and some end in a crash."""
    from_child, to_parent = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(from_child)
        try:
            answer = ["ok", work()]
        except BaseException as error:
            answer = ["error", f"{type(error).__name__}: {error}"]
        with os.fdopen(to_parent, "w") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(to_parent)
    with os.fdopen(from_child) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    what, answer = json.loads(said) if said else ["error", "the process ended"]
    if what == "error":
        raise ValueError(answer)
    return answer


def check(folder, count, seconds, seed):
    warnings.filterwarnings("ignore")

    def make(number, path):
        draw = random.Random(f"{seed} mat {number}")
        file, level4 = path.with_suffix(".mat"), draw.random() < 0.2
        content = {name: value(draw, 0, level4) for name in draw.sample(["net", "x", "data_1"], draw.randrange(1, 4))}
        compressed = draw.random() < 0.3
        savemat(file, content, format="4" if level4 else "5", do_compression=compressed, oned_as=draw.choice(["row", "column"]))
        if not compressed and not level4 and draw.random() < 0.3:
            file.write_bytes(mischief(draw, file.read_bytes()))
        try:
            return file.name, apart(lambda: read(file))
        except Exception as error:
            raise Refused(file.name, error) from error

    return generate(folder, count, seconds, make)
