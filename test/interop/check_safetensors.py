"""Opens a file with safetensors' own library and compares the values with NumPy's copy of the same network.

    check_safetensors.py FILE.safetensors REFERENCE.npz
"""
import sys

import numpy as np
from safetensors import safe_open

path, reference = sys.argv[1:]
expected = np.load(reference)
with safe_open(path, framework="numpy") as file:
    names = set(file.keys())
    assert names == set(expected.files), names ^ set(expected.files)
    for name in names:
        tensor = file.get_tensor(name)
        assert tensor.dtype == expected[name].dtype and tensor.shape == expected[name].shape, name
        assert tensor.tobytes() == expected[name].tobytes(), f"{name} differs"
    assert file.metadata(), "no metadata"
print(f"ok safetensors: {len(names)} tensors, bytes equal")
