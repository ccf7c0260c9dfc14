"""What a library read of a file, as vggtool would list it: [name, dtype, shape, SHA-256 of the row-major little-endian bytes]."""
import hashlib
import json
import time
from pathlib import Path

import numpy as np


def listed(name, array):
    array = np.asarray(array)
    little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    return [name, array.dtype.name, list(array.shape), hashlib.sha256(little.tobytes()).hexdigest()]


def is_numeric(value):
    return isinstance(value, np.ndarray) and value.dtype.kind in "biufc"


def key_name(key, others):
    if isinstance(key, str):
        return key
    if isinstance(key, bytes) and key and key.decode(errors="replace").isprintable() and key.decode() not in others:
        return key.decode()
    return str(int(key)) if isinstance(key, float) and key.is_integer() else repr(key)


def flatten(value, show, separator, path=""):
    """Arrays in dicts, lists and tuples by their paths. `show` makes the answer of a leaf, or None."""
    shown = show(path, value)
    if shown is not None:
        return [shown]
    if isinstance(value, dict):
        inner = [(key_name(key, value), item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)):
        inner = [(str(index), item) for index, item in enumerate(value)]
    elif isinstance(value, np.ndarray) and value.dtype == object:
        inner = [(str(index), item) for index, item in enumerate(value.ravel())] if value.ndim else [(None, value.item())]
    else:
        return []
    join = lambda name: path if name is None else f"{path}{separator}{name}" if path else name
    return [row for name, item in inner for row in flatten(item, show, separator, join(name))]


def generate(folder, count, seconds, make):
    """`make(number, path)` writes a file and answers with its list of arrays, or throws as the library does. Stops when the time is over."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    started, answers = time.monotonic(), []
    for number in range(int(count)):
        if time.monotonic() - started > float(seconds):
            break
        path = folder / f"{number}"
        try:
            name, rows = make(number, path)
            answers.append({"file": name, "arrays": numbered(rows)})
        except Refused as refused:
            answers.append({"file": refused.file, "refused": str(refused)[:200]})
    (folder / "answers.json").write_text(json.dumps(answers))
    return f"{len(answers)} files"


def numbered(rows):
    """The second of one path is `path#2`."""
    taken = set()
    for row in rows:
        path, count = row[0], 2
        while row[0] in taken:
            row[0], count = f"{path}#{count}", count + 1
        taken.add(row[0])
    return rows


class Refused(Exception):
    def __init__(self, file, error):
        super().__init__(f"{type(error).__name__}: {error}")
        self.file = file
