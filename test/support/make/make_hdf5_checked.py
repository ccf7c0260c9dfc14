"""HDF5 files whose every structure has a checksum, and what HDF5 2.0 writes: fixtures/fuzz/hdf5/{checked,paged}.h5 and fixtures/hdf5/{modern,sizes}.

    pip install h5py==3.16.0 numpy==2.4.6 && python test/support/make/make_hdf5_checked.py        (HDF5 2.0.0)

In checked.h5 and paged.h5 the values have a checksum too (Fletcher-32, or they are in an object header), so that no byte of them may change in silence.
"""
import ctypes
import glob
import hashlib
import json
import os

import h5py
import numpy as np
from h5py import h5d, h5f, h5p, h5s, h5t

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "fixtures")
LIBRARY = ctypes.CDLL(glob.glob(os.path.join(os.path.dirname(h5py.__file__), "..", "h5py.libs", "libhdf5-*"))[0])


def place(*parts):
    path = os.path.join(ROOT, *parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def counting(count, dtype="f4"):
    return np.arange(1, count + 1).astype(dtype)


def compact(group, name, values):
    create = h5p.create(h5p.DATASET_CREATE)
    create.set_layout(h5d.COMPACT)
    h5d.create(group.id, name.encode(), h5t.py_create(values.dtype), h5s.create_simple(values.shape), create).write(h5s.ALL, h5s.ALL, values)


def checked():
    with h5py.File(place("fuzz", "hdf5", "checked.h5"), "w", libver="latest") as file:
        compact(file, "compact", counting(3))
        file.create_dataset("single", data=counting(4), chunks=(4,), fletcher32=True)
        file.create_dataset("fixed", data=counting(5, ">i2"), chunks=(2,), fletcher32=True)
        file.create_dataset("grows", data=counting(6), chunks=(2,), maxshape=(None,), fletcher32=True)
        file.create_dataset("grows-both", data=counting(6).reshape(2, 3), chunks=(1, 2), maxshape=(None, None), fletcher32=True)
        # A super block and one data block of an extensible array.
        sparse = file.create_dataset("sparse", (400,), "u1", chunks=(1,), maxshape=(None,), fletcher32=True, fillvalue=7)
        sparse[300] = 9
        # Links in a heap with an indirect block, under a B-tree of two levels; all but one lead nowhere.
        group = file.create_group("many")
        for number in range(60):
            group[f"soft-{number:02}-{'x' * 20}"] = h5py.SoftLink("/nowhere")
        compact(group, "inside", counting(2, "i8"))
        # Attributes in a heap, and in a header that goes on elsewhere.
        for number in range(12):
            file["fixed"].attrs[f"dense-{number}"] = number
        for number in range(5):
            file["single"].attrs[f"attribute-{number}"] = number


def paged():
    with h5py.File(place("fuzz", "hdf5", "paged.h5"), "w", libver="latest") as file:
        fixed = file.create_dataset("fixed", (2100,), "u1", chunks=(1,), fletcher32=True, fillvalue=5)
        fixed[2] = 1
        fixed[2099] = 2
        grows = file.create_dataset("grows", (140_000,), "u1", chunks=(1,), maxshape=(None,), fletcher32=True, fillvalue=5)
        grows[139_000] = 3


def expect(folder, entry):
    tensors = {}

    def add(name, item):
        if isinstance(item, h5py.Dataset) and h5py.check_string_dtype(item.dtype) is None:
            little = np.ascontiguousarray(item[()]).astype(item.dtype.newbyteorder("<"))
            tensors[name] = {"dtype": little.dtype.name, "shape": list(item.shape), "sha256": hashlib.sha256(little.tobytes()).hexdigest()}

    with h5py.File(os.path.join(folder, entry)) as file:
        file.visititems(add)
    others = sorted(name for name in os.listdir(folder) if name != "expected.json")
    with open(os.path.join(folder, "expected.json"), "w") as out:
        json.dump({"framework": "h5py", "open": entry, "files": others, "tensors": tensors}, out, indent=1)


def modern():
    """A user block of 4096 bytes, messages shared by the whole file, and a list of virtual sources of version 1."""
    path = place("hdf5", "modern", "modern.h5")
    beside = "a-long-name-of-a-part.h5"
    with h5py.File(os.path.join(os.path.dirname(path), beside), "w") as part:
        part["a-long-name-of-rows"] = counting(6).reshape(2, 3)
        part["rows"] = counting(3)
    create = h5p.create(h5p.FILE_CREATE)
    create.set_userblock(4096)
    identity = ctypes.c_int64(create.id)
    assert LIBRARY.H5Pset_shared_mesg_nindexes(identity, ctypes.c_uint(2)) >= 0
    assert LIBRARY.H5Pset_shared_mesg_index(identity, ctypes.c_uint(0), ctypes.c_uint(0x03), ctypes.c_uint(1)) >= 0  # dataspaces, datatypes
    assert LIBRARY.H5Pset_shared_mesg_index(identity, ctypes.c_uint(1), ctypes.c_uint(0x1C), ctypes.c_uint(1)) >= 0  # fill values, filters, attributes
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_libver_bounds(h5f.LIBVER_LATEST, h5f.LIBVER_LATEST)
    with h5py.File(h5f.create(path.encode(), h5f.ACC_TRUNC, create, access)) as file:
        for name in ("first", "second", "third"):
            dataset = file.create_dataset(name, data=counting(6).reshape(2, 3), chunks=(1, 3), compression="gzip", fillvalue=4)
            dataset.attrs["same"] = "in all of them"
        layout = h5py.VirtualLayout((5, 3), "f4")
        rows = [(beside, "a-long-name-of-rows", 0), (beside, "a-long-name-of-rows", 1), (beside, "rows", None), (".", "/first", 1)]
        for row, (source, name, at) in enumerate(rows):
            part = h5py.VirtualSource(source, name, (3,) if at is None else (2, 3), "f4")
            layout[row] = part if at is None else part[at]
        here = os.getcwd()
        os.chdir(os.path.dirname(path))
        file.create_virtual_dataset("stacked", layout, fillvalue=-1)
        os.chdir(here)
    here = os.getcwd()
    os.chdir(os.path.dirname(path))
    expect(".", "modern.h5")
    os.chdir(here)


def sizes():
    """Lengths of 4 bytes, addresses of 8, in the oldest structures: symbol tables and global heaps."""
    path = place("hdf5", "sizes", "sizes.h5")
    create = h5p.create(h5p.FILE_CREATE)
    create.set_sizes(8, 4)
    with h5py.File(h5f.create(path.encode(), h5f.ACC_TRUNC, create)) as file:
        group = file.create_group("group")
        for number in range(9):
            group[f"tensor-{number}"] = counting(number + 1)
        file.attrs["texts"] = ["one", "two and three", ""]
    expect(os.path.dirname(path), "sizes.h5")


for make in (checked, paged, modern, sizes):
    make()
