"""HDF5 files by grammar; the answer is what the HDF5 library (h5py) reads of them.

One file has its own bounds of library versions, sizes of addresses, user block, shared messages, order of creation; its groups have many or
few links, hard, soft and external; its datasets every layout, chunk index, filter, datatype, fill value, and extents that changed.
"""
import ctypes
import glob
import hashlib
import json
import os
import subprocess
import sys
import time
import warnings

import h5py
import numpy as np
from h5py import h5d, h5f, h5p, h5s, h5t, h5z

LIBRARY = ctypes.CDLL(glob.glob(os.path.join(os.path.dirname(h5py.__file__), "..", "h5py.libs", "libhdf5-*"))[0])
VERSIONS = ["earliest", "v108", "v110", "v112", "v114", "latest"]
#: Files of one process.
BATCH = 25
NUMBERS = ["i1", "u1", "<i2", ">i2", "<u2", "<i4", ">u4", "<i8", ">i8", "<u8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<c8", ">c8", "<c16", "?"]
NAMES = ["kernel", "bias:0", "gamma", "a b", "ключ", "x" * 70, "0", "moving_mean", "W_1", "π"]


class Drawing:
    """One file being drawn."""

    def __init__(self, folder, number, seed):
        self.folder = folder
        self.number = number
        self.random = np.random.default_rng([seed, number])
        self.low = str(self.random.choice(VERSIONS))
        self.names = 0

    def chance(self, share):
        return self.random.random() < share

    def one(self, options):
        return options[int(self.random.integers(len(options)))]

    def between(self, first, last):
        return int(self.random.integers(first, last + 1))

    def name(self):
        self.names += 1
        return f"{self.one(NAMES)}.{self.names}"

    def open(self):
        """A file with creation properties of its own."""
        create = h5p.create(h5p.FILE_CREATE)
        if self.chance(0.4):
            create.set_userblock(512 * 2 ** self.between(0, 7))
        if self.chance(0.2):
            create.set_sizes(self.one([4, 8]), self.one([4, 8]))
        if self.chance(0.2):
            LIBRARY.H5Pset_sym_k(ctypes.c_int64(create.id), ctypes.c_uint(self.between(2, 20)), ctypes.c_uint(self.between(1, 8)))
        if self.chance(0.2):
            create.set_link_creation_order(h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED)
        if self.chance(0.3):
            self.share_messages(create)
        access = h5p.create(h5p.FILE_ACCESS)
        low = h5py._hl.files.libver_dict[self.low]
        access.set_libver_bounds(low, h5py._hl.files.libver_dict["latest"])
        access.set_fclose_degree(h5f.CLOSE_STRONG)
        return h5py.File(h5f.create(self.path().encode(), h5f.ACC_TRUNC, create, access))

    def share_messages(self, create):
        """One heap for every type of message (dataspace, datatype, fill value, filters, attribute), or one for each."""
        identity = ctypes.c_int64(create.id)
        types = [0x1F] if self.chance(0.5) else [0x02, 0x04, 0x08, 0x10, 0x01]
        types = types[: self.between(1, len(types))]
        assert LIBRARY.H5Pset_shared_mesg_nindexes(identity, ctypes.c_uint(len(types))) >= 0
        for index, kind in enumerate(types):
            assert LIBRARY.H5Pset_shared_mesg_index(identity, ctypes.c_uint(index), ctypes.c_uint(kind), ctypes.c_uint(self.one([1, 20, 50]))) >= 0
        # The second at most one more than the first: a list of so many messages, or a B-tree from then on.
        assert LIBRARY.H5Pset_shared_mesg_phase_change(identity, ctypes.c_uint(self.one([0, 4, 50])), ctypes.c_uint(self.one([0, 1, 4]))) >= 0 or True

    def path(self, suffix=""):
        return os.path.join(self.folder, f"{self.number}{suffix}.h5")

    def values(self, kind, shape):
        dtype = np.dtype(kind)
        if dtype.kind == "b":
            return self.random.integers(0, 2, shape).astype(bool)
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            return self.random.integers(limits.min, limits.max, shape, dtype=dtype.newbyteorder("="), endpoint=True).astype(dtype)
        normal = self.random.standard_normal(shape)
        if dtype.kind == "c":
            normal = normal + 1j * self.random.standard_normal(shape)
        return np.asarray(normal).astype(dtype)

    def shape(self):
        rank = self.between(0, 4)
        return tuple(0 if self.chance(0.02) else self.between(1, 12) for _ in range(rank))

    def fill(self, file):
        group = file["/"]
        groups = [group]
        for _ in range(self.between(0, 4)):
            groups.append(self.group(self.one(groups)))
        for _ in range(self.between(1, 12)):
            self.dataset(self.one(groups))
        if self.chance(0.2):
            crowded = self.one(groups)
            for number in range(self.between(5, 300)):
                crowded.create_dataset(f"many-{number}", data=np.float32(number))
            for number in range(self.between(0, 5)):
                self.attempt(lambda: crowded.__delitem__(f"many-{number}"))
        for group in groups:
            self.attributes(group)
            if self.chance(0.2):
                self.links(group)

    def group(self, parent):
        """With its own bounds between few links in the header and many in a heap."""
        create = h5p.create(h5p.GROUP_CREATE)
        if self.chance(0.3):
            most = self.between(0, 8)
            LIBRARY.H5Pset_link_phase_change(ctypes.c_int64(create.id), ctypes.c_uint(most), ctypes.c_uint(self.between(0, most)))
        if self.chance(0.3):
            create.set_link_creation_order(h5p.CRT_ORDER_TRACKED)
        return h5py.Group(h5py.h5g.create(parent.id, self.name().encode(), gcpl=create))

    def links(self, group):
        members = list(group)
        if members:
            group[self.name()] = group[self.one(members)] if self.chance(0.5) else h5py.SoftLink(f"./{self.one(members)}")
        group[self.name()] = h5py.ExternalLink("elsewhere.h5", "/x")

    def attributes(self, item):
        if self.chance(0.5):
            for number in range(self.one([1, 2, 5, 30])):
                value = self.one([number, "text" * number, np.arange(number + 1.0), np.bytes_(b"fixed"), ["a", "bb"]])
                item.attrs[f"attribute-{number}"] = value

    def dataset(self, group):
        kind = self.one([self.numbers, self.numbers, self.numbers, self.texts, self.virtual, self.external, self.odd, self.sparse])
        item = self.attempt(lambda: kind(group))
        if item is not None:
            self.attributes(item)

    def attempt(self, make):
        """Combinations that the library does not write itself are no part of the file."""
        try:
            return make()
        except (ValueError, OSError, KeyError, RuntimeError):
            return None

    def numbers(self, group):
        dtype = np.dtype(self.one(NUMBERS))
        shape = self.shape()
        values = self.values(dtype, shape)
        layout = self.one(["contiguous", "compact", "chunked", "chunked", "chunked"])
        if layout == "chunked" and 0 not in shape and shape != ():
            return self.chunked(group, values)
        create = h5p.create(h5p.DATASET_CREATE)
        create.set_layout(h5d.COMPACT if layout == "compact" else h5d.CONTIGUOUS)
        if self.chance(0.3):
            create.set_fill_value(np.asarray(self.values(dtype, ())))
        dataset = h5d.create(group.id, self.name().encode(), self.datatype(group, dtype), h5s.create_simple(shape), create)
        if self.chance(0.8):
            dataset.write(h5s.ALL, h5s.ALL, np.ascontiguousarray(values))
        return h5py.Dataset(dataset)

    def datatype(self, group, dtype):
        """Now and then a committed one, which datasets only refer to."""
        made = h5t.py_create(dtype, logical=True)
        if self.chance(0.1):
            made.commit(group.id, self.name().encode())
        return made

    def chunked(self, group, values):
        shape = values.shape
        chunks = tuple(self.between(1, extent + self.between(0, 2)) for extent in shape)
        most = tuple(self.one([extent, extent, extent + self.between(0, 9), None]) for extent in shape)
        # Chunks cannot be longer than what may be in them, where that is bounded.
        chunks = tuple(min(chunk, bound or chunk) for chunk, bound in zip(chunks, most))
        create = h5p.create(h5p.DATASET_CREATE)
        create.set_chunk(chunks)
        if self.chance(0.4):
            create.set_fill_value(np.asarray(self.values(values.dtype, ())))
        self.filters(create, values.dtype, int(np.prod(chunks)))
        if self.chance(0.3):
            create.set_alloc_time(self.one([h5d.ALLOC_TIME_EARLY, h5d.ALLOC_TIME_INCR, h5d.ALLOC_TIME_LATE]))
        if self.chance(0.2):
            LIBRARY.H5Pset_chunk_opts(ctypes.c_int64(create.id), ctypes.c_uint(2))  # chunks at the edges unfiltered
        space = h5s.create_simple(shape, tuple(h5s.UNLIMITED if bound is None else bound for bound in most))
        item = h5py.Dataset(h5d.create(group.id, self.name().encode(), self.datatype(group, values.dtype), space, create))
        how = self.one(["whole", "whole", "some", "never"])
        if how == "whole":
            item[...] = values
        if how == "some":
            for _ in range(self.between(1, 3)):
                start = tuple(self.between(0, extent - 1) for extent in shape)
                item[start] = values[start]
        if self.chance(0.3):
            item.resize(tuple(self.between(1, bound or 3 * extent) for extent, bound in zip(shape, most)))
        return item

    def sparse(self, group):
        """Few of many chunks: what indexes cut into pages. At times far fewer than the index has room for."""
        extent = self.one([100, 3_000, 40_000])
        most = self.one([(extent,), (None,), (extent * 3,)])
        item = group.create_dataset(self.name(), (extent,), "u1", chunks=(self.between(1, 3),), maxshape=most, fillvalue=self.between(0, 9), fletcher32=self.chance(0.3))
        for _ in range(self.between(1, 6)):
            item[self.between(0, extent - 1)] = self.between(1, 255)
        return item

    def filters(self, create, dtype, elements):
        if self.chance(0.15) and dtype.kind in "iuf" and dtype.itemsize in (4, 8):
            # Scale and offset: type 2 (integers, bits found for each chunk) or 0 (decimal digits).
            create.set_scaleoffset(*((2, 0) if dtype.kind in "iu" else (0, self.between(0, 4))))
        elif self.chance(0.1) and dtype.kind in "iu" and elements >= 8 and h5z.filter_avail(h5z.FILTER_SZIP):
            create.set_szip(self.one([h5z.SZIP_EC_OPTION_MASK, h5z.SZIP_NN_OPTION_MASK]), 8)
        elif self.chance(0.1) and dtype.kind in "iuf":
            create.set_filter(h5z.FILTER_NBIT, 0, ())
        if self.chance(0.4):
            create.set_shuffle()
        if self.chance(0.5):
            if self.chance(0.3):
                create.set_filter(h5z.FILTER_LZF, h5z.FLAG_OPTIONAL)
            else:
                create.set_deflate(self.between(0, 9))
        if self.chance(0.3):
            create.set_fletcher32()

    def texts(self, group):
        shape = self.shape()
        words = [self.one(["", "a", "слово", "long " * 20, "b\tc"]) for _ in range(int(np.prod(shape)))]
        if self.chance(0.5):
            return group.create_dataset(self.name(), data=np.array(words, object).reshape(shape), dtype=h5py.string_dtype(self.one(["utf-8", "ascii"])) if all(word.isascii() for word in words) else h5py.string_dtype())
        width = max(1, max((len(word.encode()) for word in words), default=1))
        return group.create_dataset(self.name(), data=np.array([word.encode() for word in words], f"S{width}").reshape(shape))

    def virtual(self, group):
        """Rows of other datasets, of this file or of one beside it."""
        dtype = np.dtype(self.one(NUMBERS))
        rows, columns = self.between(1, 4), self.between(1, 6)
        layout = h5py.VirtualLayout((rows, columns), dtype)
        # All of one file, as a rule: how they are listed then differs from what it is with several.
        beside = self.chance(0.5)
        for row in range(rows):
            if self.chance(0.2):
                continue
            values = self.values(dtype, (columns,))
            if beside or self.chance(0.2):
                suffix = f"-part{self.name().rpartition('.')[2]}"
                with h5py.File(self.path(suffix), "w", libver=(self.low, "latest")) as other:
                    other["rows"] = values
                source = h5py.VirtualSource(os.path.basename(self.path(suffix)), "rows", (columns,), dtype)
            else:
                name = self.name()
                group.create_dataset(name, data=values)
                source = h5py.VirtualSource(".", f"{group.name.rstrip('/')}/{name}", (columns,), dtype)
            cut = self.between(1, columns)
            layout[row, columns - cut :] = source[:cut]
        return group.create_virtual_dataset(self.name(), layout, fillvalue=self.values(dtype, ())[()] if self.chance(0.5) else None)

    def external(self, group):
        """Elements in one or two other files."""
        dtype = np.dtype(self.one(NUMBERS))
        values = self.values(dtype, (self.between(2, 9), self.between(1, 9)))
        size = values.nbytes
        first = self.between(1, size - 1) if size > 1 else size
        parts = [(f"{self.number}-{self.names}-{k}.raw", offset, length) for k, (offset, length) in enumerate([(self.between(0, 9), first), (0, size - first)]) if length]
        return group.create_dataset(self.name(), data=values, external=parts)

    def odd(self, group):
        """What is no tensor, and must not be in the way; numbers of an unusual kind."""
        kind = self.between(0, 5)
        if kind == 0:
            return group.create_dataset(self.name(), data=h5py.Empty("f4"))
        if kind == 1:
            return group.create_dataset(self.name(), data=np.zeros(3, [("a", "f4"), ("b", "i2")]))
        if kind == 2:
            return group.create_dataset(self.name(), data=np.array([group.ref], h5py.ref_dtype))
        if kind == 3:
            return group.create_dataset(self.name(), data=self.random.integers(0, 2, 5), dtype=h5py.enum_dtype({"a": 0, "b": 1}, "i4"))
        if kind == 4:
            group[self.name()] = np.dtype("f4")
            return None
        return group.create_dataset(self.name(), (3,), h5py.vlen_dtype("i4"))


def rows_of(group, prefix, open_groups):
    """Every dataset of numbers or texts by every path of hard links that leads to it. Throws what the library throws at its own file."""
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        item = group[name]
        if isinstance(item, h5py.Group) and item.id not in open_groups:
            yield from rows_of(item, f"{prefix}{name}/", [*open_groups, item.id])
        elif isinstance(item, h5py.Dataset) and item.shape is not None:
            row = row_of(prefix + name, item)
            if row is not None:
                yield row


def row_of(name, item):
    if h5py.check_string_dtype(item.dtype) is not None:
        digest = hashlib.sha256()
        for text in np.asarray(item[()], object).reshape(-1):
            digest.update(len(text).to_bytes(8, "little") + text)
        return [name, "string", list(item.shape), digest.hexdigest()]
    if item.dtype.kind not in "iufcb":
        return None
    little = np.ascontiguousarray(item[()]).astype(item.dtype.newbyteorder("<"), copy=False)
    return [name, item.dtype.name, list(item.shape), hashlib.sha256(little.tobytes()).hexdigest()]


def written(number, seed):
    """One line of the answers."""
    drawing = Drawing(".", number, seed)
    with drawing.open() as file:
        drawing.fill(file)
    name = os.path.basename(drawing.path())
    try:
        with h5py.File(name, "r") as file:
            return {"file": name, "arrays": list(rows_of(file, "", [file.id]))}
    except (KeyError, OSError) as error:
        return {"file": name, "refused": f"{type(error).__name__}: {error}"[:200]}


def check(folder, count, seconds, seed):
    """In processes of their own: some combinations make the library itself fail with a damaged heap, and those files are left out."""
    os.makedirs(folder, exist_ok=True)
    started, answers, crashes, number = time.monotonic(), [], 0, 0
    while number < int(count) and time.monotonic() - started < float(seconds):
        last = min(number + BATCH, int(count))
        # Data in other files is found from the working directory while it is written.
        child = subprocess.run([sys.executable, __file__, str(number), str(last), seed], cwd=folder, capture_output=True, text=True)
        lines = [json.loads(line) for line in child.stdout.splitlines() if line.endswith("}")]
        answers += lines
        number += len(lines)
        if number < last:
            if "Error" in child.stderr:
                raise RuntimeError(child.stderr[-2000:])
            crashes, number = crashes + 1, number + 1
    with open(os.path.join(folder, "answers.json"), "w") as out:
        json.dump(answers, out)
    return f"{len(answers)} files, {crashes} that the library broke on while it wrote them"


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    first, end, drawn = (int(argument) for argument in sys.argv[1:])
    for each in range(first, end):
        print(json.dumps(written(each, drawn)), flush=True)
