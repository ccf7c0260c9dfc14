"""Opens safetensors with their own library, one file or shards through their index, and compares the values with NumPy's copy of the same network."""
import json
import os

import numpy as np
from safetensors import safe_open

from agreement import same_arrays, same_values


def files(path):
    if not path.endswith(".json"):
        return [path]
    with open(path, encoding="utf8") as index:
        names = json.load(index)["weight_map"]
    return [os.path.join(os.path.dirname(path), name) for name in sorted(set(names.values()))]


def arrays(path):
    found = {}
    for part in files(path):
        with safe_open(part, framework="numpy") as file:
            for name in file.keys():
                assert name not in found, f"{name} is in two shards"
                found[name] = file.get_tensor(name)
    return found


def check(path, reference, axes="same"):
    """`reference`: an archive of arrays, or another file of the library's. `axes`: "any" where it has its own order of them."""
    same = same_values if axes == "any" else same_arrays
    if reference.endswith(".safetensors"):
        said = same(arrays(path), arrays(reference))
    else:
        with np.load(reference) as theirs:
            said = same(arrays(path), dict(theirs))
    return f"safetensors, {len(files(path))} files: {said}"
