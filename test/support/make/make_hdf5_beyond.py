"""fixtures/hdf5/{filters,virtual,external}: filters that only the HDF5 library undoes, data put together from other datasets and files.

    python test/support/make/make_hdf5_beyond.py        (h5py 3.10.0, HDF5 1.14.2, NumPy 1.26.4)

Values are what h5py reads back, which of lossy filters is not what was written.
"""

import ctypes
import glob
import hashlib
import json
import os

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t, h5z

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "fixtures", "hdf5")
rng = np.random.default_rng(5)
decimals = (rng.standard_normal((11, 13)) * 3).astype("f4")
counts = rng.integers(-100, 1000, (9, 7))


def folder(name):
    path = os.path.join(ROOT, name)
    os.makedirs(path, exist_ok=True)
    return path


def expect(path, entry, skip=()):
    tensors = {}

    def add(name, item):
        if isinstance(item, h5py.Dataset) and name not in skip:
            array = np.ascontiguousarray(item[()])
            little = array.astype(array.dtype.newbyteorder("<"))
            tensors[name] = {"dtype": little.dtype.name, "shape": list(array.shape), "sha256": hashlib.sha256(little.tobytes()).hexdigest()}

    with h5py.File(os.path.join(path, entry)) as file:
        file.visititems(add)
    others = sorted(name for name in os.listdir(path) if name != "expected.json")
    with open(os.path.join(path, "expected.json"), "w") as out:
        json.dump({"framework": "h5py", "open": entry, "files": others, "tensors": tensors}, out, indent=1)


def low(file, name, array, datatype, chunks, prepare):
    """A dataset whose creation properties h5py's own call does not know."""
    properties = h5p.create(h5p.DATASET_CREATE)
    if chunks is not None:
        properties.set_chunk(chunks)
    prepare(properties)
    dataset = h5d.create(file.id, name.encode(), datatype, h5s.create_simple(array.shape), properties)
    dataset.write(h5s.ALL, h5s.ALL, array)


path = folder("filters")
with h5py.File(os.path.join(path, "filters.h5"), "w", libver="earliest") as file:
    file.create_dataset("scale-offset/float32", data=decimals, chunks=(4, 5), scaleoffset=3)
    file.create_dataset("scale-offset/float64", data=decimals.astype("f8"), chunks=(11, 6), scaleoffset=5)
    file.create_dataset("scale-offset/int32", data=counts.astype("i4"), chunks=(4, 3), scaleoffset=0)
    file.create_dataset("scale-offset/big-endian", data=counts.astype(">i2"), chunks=(4, 3), scaleoffset=0, compression="gzip")
    file.create_dataset("scale-offset/never-written", shape=(5, 3), dtype="f4", chunks=(2, 2), scaleoffset=2)
    low(file, "nbit", decimals, h5t.IEEE_F32LE.copy(), (4, 5), lambda p: p.set_filter(h5z.FILTER_NBIT, 0, ()))
    file.create_dataset("szip/nn", data=decimals, chunks=(4, 6), compression="szip", compression_opts=("nn", 8))
    file.create_dataset("szip/ec", data=counts.astype("u2"), chunks=(9, 7), compression="szip", compression_opts=("ec", 4))
expect(path, "filters.h5")

library = ctypes.CDLL(glob.glob(os.path.join(os.path.dirname(h5py.__file__), "..", "h5py.libs", "libhdf5-*"))[0])
with h5py.File(os.path.join(path, "edges.h5"), "w", libver="latest") as file:
    def plain_edges(properties):
        properties.set_deflate(4)
        assert library.H5Pset_chunk_opts(ctypes.c_int64(properties.id), ctypes.c_uint(2)) >= 0

    low(file, "edges", decimals, h5t.IEEE_F32LE.copy(), (4, 5), plain_edges)
    low(file, "even", decimals[:8, :10].copy(), h5t.IEEE_F32LE.copy(), (4, 5), plain_edges)
path = folder("edges")
os.replace(os.path.join(ROOT, "filters", "edges.h5"), os.path.join(path, "edges.h5"))
expect(path, "edges.h5")

path = folder("virtual")
for k in range(3):
    with h5py.File(os.path.join(path, f"part-{k}.h5"), "w") as file:
        file["rows"] = np.arange(20, dtype="f4").reshape(4, 5) + 100 * k
        file.create_dataset("chunked", data=np.arange(30, dtype="f4") + 100 * k, chunks=(7,), compression="gzip")
with h5py.File(os.path.join(path, "virtual.h5"), "w", libver="latest") as file:
    stacked = h5py.VirtualLayout((3, 4, 5), "f4")
    below = h5py.VirtualLayout((12, 5), "f4")
    mixed = h5py.VirtualLayout((30, 2), "f4")
    gaps = h5py.VirtualLayout((6, 9), "f4")
    for k in range(3):
        source = h5py.VirtualSource(f"part-{k}.h5", "rows", (4, 5))
        stacked[k] = source
        below[4 * k : 4 * k + 4] = source
    mixed[:, 1] = h5py.VirtualSource("part-1.h5", "chunked", (30,))
    mixed[::2, 0] = h5py.VirtualSource("part-2.h5", "chunked", (30,))[:15]
    gaps[1:5, 0:9:2] = h5py.VirtualSource("part-0.h5", "rows", (4, 5))
    file.create_virtual_dataset("stacked", stacked)
    file.create_virtual_dataset("below", below)
    file.create_virtual_dataset("mixed", mixed, fillvalue=-1)
    file.create_virtual_dataset("gaps", gaps, fillvalue=7)
    same = h5py.VirtualLayout((5, 3), "f4")
    for k in range(3):
        same[:, k] = h5py.VirtualSource(".", "stacked", (3, 4, 5))[k, 2, :]
    file.create_virtual_dataset("inverse", same)
expect(path, "virtual.h5")

path = folder("external")
for name in ("first.bin", "second.bin"):
    open(os.path.join(path, name), "wb").write(b"\xff" * 16)
os.chdir(path)
with h5py.File("external.h5", "w") as file:
    file.create_dataset("two", data=decimals, external=[("first.bin", 16, 300), ("second.bin", 16, h5py.h5f.UNLIMITED)])
    file.create_dataset("big", data=counts.astype(">i4"), external=[("big.bin", 0, h5py.h5f.UNLIMITED)])
expect(path, "external.h5")
