"""Zip archives by hand: every field that a reader could take differently may be wrong."""
import struct
import zlib


def archive(draw, members, mischief, before=b""):
    """`members`: name and bytes. `mischief`: how often some field contradicts another. `before`: bytes that a reader has to skip."""
    what = draw.choice(MISCHIEF) if draw.random() < mischief else None
    victim = draw.randrange(len(members)) if members else 0
    out, directory = bytearray(before), bytearray()
    before = len(out)
    members = list(members)
    if what == "twice":
        members.append(members[victim])
    if what == "case" and members:
        members.append((members[victim][0].swapcase(), bytes(len(members[victim][1]))))
    for number, (name, data) in enumerate(members):
        is_victim = number == victim
        deflated = draw.random() < 0.4
        stored = zlib.compress(data, wbits=-15) if deflated else data
        described = draw.random() < 0.2
        far = draw.random() < 0.2
        crc = zlib.crc32(data)
        if is_victim and what == "crc 0":
            crc = 0
        if is_victim and what == "crc":
            crc ^= 1 << draw.randrange(32)
        encoded = name.encode()
        flags = (8 if described else 0) | (0 if name.isascii() else 0x800)
        local_name = encoded[:-1] + b"!" if is_victim and what == "local name" else encoded
        sizes = (0, 0, 0) if described else (crc, len(stored), len(data))
        extra = struct.pack("<HHQQ", 1, 16, len(data), len(stored)) if far else b""
        local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, flags, 8 if deflated else 0, 0, 33, *((sizes[0], 0xFFFFFFFF, 0xFFFFFFFF) if far else sizes), len(local_name), len(extra))
        at = len(out) - before
        out += local + local_name + extra + stored
        if described:
            out += struct.pack("<IIII", 0x08074B50, crc, len(stored), len(data))
        size = len(data) + (1 if is_victim and what == "size" else 0)
        numbers = (0xFFFFFFFF, 0xFFFFFFFF) if far else (len(stored), size)
        extra = struct.pack("<HHQQ", 1, 16, size, len(stored)) if far else b""
        directory += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, flags, 8 if deflated else 0, 0, 33, crc, *numbers, len(encoded), len(extra), 0, 0, 0, 0, at) + encoded + extra
    start, count = len(out) - before, len(members)
    if what == "count":
        count = draw.choice([0, max(0, count - 1), count + 1])
    out += directory
    if draw.random() < 0.3:
        end = len(out) - before
        out += struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, len(directory), start)
        out += struct.pack("<IIQI", 0x07064B50, 0, end, 1)
    comment = draw.choice([b"", b"", b"comment"])
    out += struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(directory), start, len(comment)) + comment
    return bytes(out)


MISCHIEF = ["twice", "case", "crc 0", "crc", "local name", "size", "count"]
