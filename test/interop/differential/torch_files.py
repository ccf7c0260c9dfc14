"""Files of torch.save and its predecessors by grammar; the answer is torch's own."""
import random
import struct
import warnings

import numpy as np
import torch

from differential.answers import Refused, flatten, generate, is_numeric, listed
from differential.assembler import Assembler
from differential.zips import archive

TYPES = {"Float": ("f4", "float32"), "Double": ("f8", "float64"), "Half": ("f2", "float16"), "BFloat16": ("u2", "bfloat16"), "Byte": ("u1", "uint8"), "Char": ("i1", "int8"),
         "Short": ("i2", "int16"), "Int": ("i4", "int32"), "Long": ("i8", "int64"), "Bool": ("u1", "bool"), "ComplexFloat": ("c8", "complex64")}
MAGIC = 0x1950A86A20F9469CFC6C


def tensor_row(name, tensor):
    """As `listed`; NumPy does not know all of torch's types."""
    bits = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    dtype = str(tensor.dtype).removeprefix("torch.")
    tensor = tensor.detach().resolve_conj().resolve_neg().contiguous()
    array = (torch.view_as_real(tensor) if tensor.is_complex() else tensor.view(bits[tensor.element_size()])).numpy()
    return [name, dtype, list(tensor.shape), listed("", array)[3]]


def show(path, value):
    if isinstance(value, torch.Tensor):
        return tensor_row(path, value)
    return listed(path, value) if is_numeric(value) else None


class TorchPickle:
    """The pickle of a state dict, and the storages that it names."""

    def __init__(self, draw, keys):
        self.draw, self.keys, self.storages = draw, keys, {}
        self.assembler = Assembler(draw)

    def storage(self):
        draw = self.draw
        if self.storages and draw.random() < 0.3:
            key = draw.choice(list(self.storages))
            kind, count, data = self.storages[key]
            return key, draw.choice(list(TYPES)) if draw.random() < 0.05 else kind, count
        key, kind, count = str(len(self.storages)), draw.choice(list(TYPES)), draw.randrange(1, 40)
        data = bytes(draw.randrange(2) for _ in range(count)) if kind == "Bool" else draw.randbytes(count * np.dtype(TYPES[kind][0]).itemsize)
        self.storages[key] = (kind, count, data)
        return key, kind, count

    def identify(self, key, kind, count):
        a = self.assembler
        items = [lambda: a.text("storage"), lambda: a.name("torch", f"{kind}Storage"), lambda: a.text(key), lambda: a.text("cpu"), lambda: a.integer(count)]
        a.tuple(*items, *([lambda: a.raw(b"N")] if self.keys == "legacy" else []))
        a.raw(b"Q")

    def place(self, count):
        """Offset, shape and strides within a storage; at times beyond."""
        draw = self.draw
        shape = draw.choice([[], [1], [2], [3], [2, 2], [3, 2], [2, 1, 3], [0, 2]]) if count > 6 else draw.choice([[], [1], [0]])
        strides = draw.choice([self.dense(shape), [draw.randrange(3) for _ in shape]])
        reach = sum((size - 1) * stride for size, stride in zip(shape, strides)) if 0 not in shape else -1
        return draw.randrange(max(1, count - reach)) if draw.random() < 0.95 else count, shape, strides

    @staticmethod
    def dense(shape):
        strides, step = [], 1
        for size in reversed(shape):
            strides.insert(0, step)
            step *= max(1, size)
        return strides

    def tensor(self):
        a, draw = self.assembler, self.draw
        if draw.random() < 0.1 and a.recall("tensor"):
            return
        key, kind, count = self.storage()
        offset, shape, strides = self.place(count)
        four = [lambda: self.identify(key, kind, count), lambda: a.integer(offset), lambda: a.integers(shape), lambda: a.integers(strides)]
        hooks = lambda: a.call("collections", "OrderedDict")
        if draw.random() < 0.3:
            a.call("torch._utils", "_rebuild_tensor", *four)
        else:
            a.call("torch._utils", "_rebuild_tensor_v2", *four, lambda: a.bool(False), hooks)
        chance = draw.random()
        if chance < 0.05:
            # What Python does with it depends on the length of the tuple: four are another storage and place.
            key, kind, count = self.storage()
            a.tuple(lambda: self.identify(key, kind, count), lambda: a.integer(0), lambda: a.integers([1]), lambda: a.integers([1]))
            a.raw(b"b")
        a.remember("tensor" if chance >= 0.05 else "given")

    def parameter(self):
        a = self.assembler
        a.call("torch._utils", "_rebuild_parameter", self.tensor, lambda: a.bool(False), lambda: a.call("collections", "OrderedDict"))

    def build(self):
        draw = self.draw
        entry = lambda: self.parameter() if draw.random() < 0.2 else self.tensor()
        names = draw.sample(["features.0.weight", "features.0.bias", "w", "b", "ключ"], draw.randrange(1, 5))
        pairs = [(lambda name=name: self.assembler.text(name), entry) for name in names]
        if draw.random() < 0.3:
            self.assembler.dict([(lambda: self.assembler.text("state_dict"), lambda: self.assembler.dict(pairs)), (lambda: self.assembler.text("epoch"), lambda: self.assembler.integer(3))])
        else:
            self.assembler.dict(pairs)
        return self.assembler.done()


def zipped(draw):
    saved = TorchPickle(draw, "zip")
    pickled = saved.build()
    members = [("archive/data.pkl", pickled)]
    order = draw.choice([None, "little", "big"])
    if order:
        members.append(("archive/byteorder", order.encode()))
    members += [(f"archive/data/{key}", data) for key, (_, _, data) in saved.storages.items()] + [("archive/version", b"3\n")]
    return archive(draw, members, 0.25)


def legacy(draw):
    saved = TorchPickle(draw, "legacy")
    pickled = saved.build()
    little = draw.random() < 0.7
    head = b"".join(simple(draw, value) for value in (MAGIC, 1001, {"protocol_version": 1001, "little_endian": little}))
    keys = list(saved.storages)
    draw.shuffle(keys)
    body = b"".join(struct.pack("<q", saved.storages[key][1]) + saved.storages[key][2] for key in keys)
    return head + pickled + simple(draw, keys) + body


def simple(draw, value):
    a = Assembler(draw)
    a.out = bytearray(b"\x80\x02")
    if value == MAGIC:
        a.raw(b"\x8a", a.long(value))
    elif isinstance(value, int):
        a.raw(b"M", struct.pack("<H", value))
    elif isinstance(value, list):
        a.list([lambda key=key: a.text(key) for key in value])
    else:
        a.raw(b"}")
        for key, item in value.items():
            a.text(key)
            a.bool(item) if isinstance(item, bool) else a.integer(item)
            a.raw(b"s")
    return a.done()


def check(folder, count, seconds, seed):
    warnings.filterwarnings("ignore")

    def make(number, path):
        draw = random.Random(f"{seed} torch {number}")
        file = path.with_suffix(".pt")
        file.write_bytes(zipped(draw) if draw.random() < 0.6 else legacy(draw))
        try:
            read = torch.load(file, map_location="cpu", weights_only=False)
            return file.name, flatten(read, show, ".")
        except Exception as error:
            raise Refused(file.name, error) from error

    return generate(folder, count, seconds, make)
