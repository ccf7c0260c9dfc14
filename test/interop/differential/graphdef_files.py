"""Frozen graphs (GraphDef) by grammar; the answer is TensorFlow's own `MakeNdarray` of every constant.

Constants of every type, with their values in raw bytes, in one typed field packed or not, in fewer values than elements (the last one goes on),
or in none at all (zeros); in any order of fields, with fields that nobody knows between them.
"""
import hashlib
import random
import warnings

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import graph_pb2

from differential.answers import Refused, generate, listed

TYPES = ["float32", "float64", "float16", "bfloat16", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool", "complex64", "complex128", "string"]
#: Field of the typed values, and how one is written: varint, 4 or 8 bytes.
FIELDS = {
    "float32": (5, 4), "float64": (6, 8), "int32": (7, 0), "int16": (7, 0), "int8": (7, 0), "uint8": (7, 0), "uint16": (7, 0), "complex64": (9, 4),
    "int64": (10, 0), "bool": (11, 0), "complex128": (12, 8), "float16": (13, 0), "bfloat16": (13, 0), "uint32": (16, 0), "uint64": (17, 0),
}


def varint(value):
    value %= 1 << 64
    out = bytearray()
    while value > 127:
        out.append(value % 128 + 128)
        value //= 128
    return bytes(out + bytes([value]))


def field(number, payload):
    return varint(number * 8 + 2) + varint(len(payload)) + payload


def number_field(number, value):
    return varint(number * 8) + varint(value)


def shape_of(draw):
    return [draw.randrange(5) if draw.random() < 0.9 else 0 for _ in range(draw.randrange(4))]


def numbers(draw, name, count):
    """`count` elements as their bytes. No NaN: Python makes quiet ones of those that signal."""
    dtype = tf.as_dtype(name)
    if name == "bool":
        return bytes(draw.randrange(2) for _ in range(count))
    if dtype.is_floating or dtype.is_complex:
        parts = np.array([draw.gauss(0, 1) * 10 ** draw.randrange(-4, 4) for _ in range(2 * count)])
        values = parts[:count] + 1j * parts[count:] if dtype.is_complex else parts[:count]
        return values.astype(dtype.as_numpy_dtype).tobytes()
    return draw.randbytes(count * dtype.size)


def typed(draw, name, raw):
    """The elements in their own field, packed or one by one."""
    number, width = FIELDS[name]
    if width:
        pieces = [raw[at : at + width] for at in range(0, len(raw), width)]
    else:
        size = tf.as_dtype(name).size
        signed = name.startswith("int")
        pieces = [varint(int.from_bytes(raw[at : at + size], "little", signed=signed)) for at in range(0, len(raw), size)]
    wire = {0: 0, 4: 5, 8: 1}[width]
    how = draw.random()
    if how < 0.5:
        return field(number, b"".join(pieces)) if pieces else b""
    if how < 0.8:
        return b"".join(varint(number * 8 + wire) + piece for piece in pieces)
    middle = draw.randrange(len(pieces) + 1)
    return field(number, b"".join(pieces[:middle])) + b"".join(varint(number * 8 + wire) + piece for piece in pieces[middle:])


def tensor_proto(draw):
    name = draw.choice(TYPES)
    shape = shape_of(draw)
    count = int(np.prod(shape, dtype=np.int64))
    dims = b"".join(field(2, number_field(1, size) if size else b"") for size in shape)
    parts = [number_field(1, tf.as_dtype(name).as_datatype_enum), field(2, dims)]
    there = draw.choice([count, count, min(count, 1), min(count, draw.randrange(4)), 0])
    if name == "string":
        parts += [field(8, draw.randbytes(draw.randrange(6))) for _ in range(max(there, min(count, 1)))]
    elif draw.random() < 0.4:
        parts.append(field(4, numbers(draw, name, count)))
    else:
        parts.append(typed(draw, name, numbers(draw, name, there)))
    if draw.random() < 0.2:
        parts.append(number_field(draw.choice([3, 40]), draw.randrange(300) if draw.random() < 0.5 else 0))
    if name != "string":
        draw.shuffle(parts)
    return b"".join(parts)


def graph(draw):
    """Nodes: constants, and others that are no tensors."""
    out = bytearray()
    for number in range(draw.randrange(1, 6)):
        name = f"{draw.choice(['conv', 'a/b', 'Bias.1', 'x'])}_{number}".encode()
        if draw.random() < 0.2:
            out += field(1, field(1, name) + field(2, b"Placeholder"))
            continue
        value = field(5, field(1, b"value") + field(2, field(8, tensor_proto(draw))))
        dtype = field(5, field(1, b"dtype") + field(2, number_field(6, 1)))
        attributes = [value, dtype]
        draw.shuffle(attributes)
        out += field(1, field(1, name) + field(2, b"Const") + b"".join(attributes))
    return bytes(out)


def row_of(node):
    array = tf.make_ndarray(node.attr["value"].tensor)
    if array.dtype == object:
        digest = hashlib.sha256()
        for text in array.reshape(-1):
            digest.update(len(text).to_bytes(8, "little") + text)
        return [node.name, "string", list(array.shape), digest.hexdigest()]
    return listed(node.name, array)


def check(folder, count, seconds, seed):
    warnings.filterwarnings("ignore")

    def make(number, path):
        file, data = path.with_suffix(".pb"), graph(random.Random(f"{seed} graphdef {number}"))
        file.write_bytes(data)
        try:
            parsed = graph_pb2.GraphDef.FromString(data)
            return file.name, [row_of(node) for node in parsed.node if node.op == "Const"]
        except Exception as error:
            raise Refused(file.name, error) from error

    return generate(folder, count, seconds, make)
