"""safetensors by grammar; the answer is the library's own."""
import hashlib
import json
import random
import struct

import safetensors

from differential.answers import Refused, generate

NAMES = {"BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "U16": "uint16", "F16": "float16", "BF16": "bfloat16", "I32": "int32", "U32": "uint32", "F32": "float32", "I64": "int64",
         "U64": "uint64", "F64": "float64", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}
WIDTHS = {name: int("".join(filter(str.isdigit, name.split("_")[0])) or 8) // 8 for name in NAMES}


def file_of(draw):
    data, entries = bytearray(), []
    for name in draw.sample(["w", "b", "conv.weight", "ключ", "a\"b", "\\x", ""], draw.randrange(1, 5)):
        dtype = draw.choice(list(WIDTHS))
        shape = [draw.randrange(4) for _ in range(draw.randrange(4))]
        count = 1
        for size in shape:
            count *= size
        size = count * WIDTHS[dtype]
        begin = len(data)
        data += bytes(draw.randrange(2) for _ in range(size)) if dtype == "BOOL" else draw.randbytes(size)
        entries.append([name, {"dtype": dtype, "shape": shape, "data_offsets": [begin, begin + size]}])
    what = draw.choice(MISCHIEF) if draw.random() < 0.4 else None
    name, row = draw.choice(entries)
    if what == "offset":
        row["data_offsets"][draw.randrange(2)] += draw.choice([-1, 1])
    elif what == "hole":
        data += b"0"
    elif what == "dtype":
        row["dtype"] = draw.choice(["F4", "f32", "C64"])
    elif what == "shape":
        row["shape"] = draw.choice([[-1], [2**40], [1.0, 2], ["1"], None])
    elif what == "extra":
        row["extra"] = 1
    elif what == "missing":
        del row[draw.choice(list(row))]
    draw.shuffle(entries)
    if draw.random() < 0.3:
        entries.insert(draw.randrange(len(entries) + 1), ["__metadata__", draw.choice([{"format": "pt"}, {}, {"a": 1}, None, []])])
    separators = draw.choice([(",", ":"), (", ", ": "), (" ,\n", " :\t")])
    pairs = [f"{json.dumps(key, ensure_ascii=draw.random() < 0.5)}{separators[1]}{json.dumps(value, separators=separators)}" for key, value in entries]
    if what == "twice":
        pairs.append(pairs[draw.randrange(len(pairs))])
    header = ("{" + separators[0].join(pairs) + "}").encode() + b" " * draw.randrange(9)
    length = len(header) + (draw.choice([-1, 1]) if what == "length" else 0)
    return struct.pack("<Q", length) + header + bytes(data)


MISCHIEF = ["offset", "hole", "dtype", "shape", "extra", "missing", "twice", "length"]


def check(folder, count, seconds, seed):
    def make(number, path):
        file = path.with_suffix(".safetensors")
        file.write_bytes(file_of(random.Random(f"{seed} safetensors {number}")))
        try:
            tensors = safetensors.deserialize(file.read_bytes())
        except safetensors.SafetensorError as error:
            raise Refused(file.name, error) from error
        return file.name, [[name, NAMES[tensor["dtype"]], tensor["shape"], hashlib.sha256(tensor["data"]).hexdigest()] for name, tensor in tensors]

    return generate(folder, count, seconds, make)
