"""Writes fixtures/hdf5/types: a committed type whose header goes on elsewhere, bit fields, texts that are no UTF-8, a fill value never given.

    pip install h5py==3.10.0 numpy==1.26.4 && python test/support/make/make_hdf5_types.py
"""
import hashlib
import json
import os

import h5py
import numpy as np

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "fixtures", "hdf5", "types")
os.makedirs(FOLDER, exist_ok=True)


def sha(data):
    return hashlib.sha256(data).hexdigest()


def numbers(array):
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
    return dict(dtype=array.dtype.name, shape=list(array.shape), sha256=sha(little.tobytes()))


def texts(elements):
    return dict(dtype="string", shape=[len(elements)], sha256=sha(b"".join(len(e).to_bytes(8, "little") + e for e in elements)))


rows = {}
with h5py.File(os.path.join(FOLDER, "types.h5"), "w", libver="v110") as f:
    # The first attribute of a committed type moves the type itself into a second block of its header.
    f["kind"] = np.dtype(">f4")
    f["kind"].attrs["about"] = "a type with a name and a long enough description"
    for name in ("a", "b"):
        array = np.arange(6 if name == "a" else 4, dtype=">f4")
        f.create_dataset(name, data=array, dtype=f["kind"])
        rows[name] = numbers(array)
    for name, base, dtype in (("bits8", h5py.h5t.STD_B8LE, "u1"), ("bits16", h5py.h5t.STD_B16BE, ">u2")):
        array = np.array([1, 128, 255, 7], dtype)
        d = h5py.h5d.create(f.id, name.encode(), base, h5py.h5s.create_simple(array.shape))
        d.write(h5py.h5s.ALL, h5py.h5s.ALL, array, base)
        rows[name] = numbers(array)
    latin = [b"\x80", b"caf\xe9"]
    f["latin"] = np.array(latin, "S5")
    rows["latin"] = texts(latin)
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    d = h5py.h5d.create(f.id, b"unfilled", h5py.h5t.STD_I32LE, h5py.h5s.create_simple((3,)), plist)
    d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([4, 5, 6], "<i4"))
    rows["unfilled"] = numbers(np.array([4, 5, 6], "<i4"))

with h5py.File(os.path.join(FOLDER, "types.h5")) as f:
    assert np.array_equal(f["bits16"][()], [1, 128, 255, 7]) and list(f["latin"][()]) == latin

with open(os.path.join(FOLDER, "expected.json"), "w") as out:
    json.dump(dict(framework="h5py", open="types.h5", files=["types.h5"], tensors=rows), out, indent=1)
