"""Pickles put together instruction by instruction, each value by any of the ways that the format has for it."""
import struct


class Assembler:
    """Draws encodings from `random`; `out` is the pickle so far."""

    def __init__(self, random):
        self.random = random
        self.out = bytearray(b"\x80" + bytes([random.randrange(2, 6)]))
        #: Kinds of what the memo holds, by index.
        self.memo = {}

    def one(self, *ways):
        self.random.choice(ways)()

    def raw(self, *parts):
        for part in parts:
            self.out += part if isinstance(part, bytes) else part.encode("latin-1")

    def integer(self, value):
        ways = [lambda: self.raw(f"I{value}\n"), lambda: self.raw(f"L{value}L\n"), lambda: self.raw(b"\x8a", self.long(value))]
        if 0 <= value < 256:
            ways.append(lambda: self.raw(b"K", bytes([value])))
        if 0 <= value < 65536:
            ways.append(lambda: self.raw(b"M", struct.pack("<H", value)))
        if -(2**31) <= value < 2**31:
            ways.append(lambda: self.raw(b"J", struct.pack("<i", value)))
        self.one(*ways)

    @staticmethod
    def long(value):
        encoded = value.to_bytes((value.bit_length() + 8) // 8, "little", signed=True) if value else b""
        return bytes([len(encoded)]) + encoded

    def float(self, value):
        self.one(lambda: self.raw(b"G", struct.pack(">d", value)), lambda: self.raw(f"F{value!r}\n"))

    def bool(self, value):
        self.one(lambda: self.raw(b"\x88" if value else b"\x89"), lambda: self.raw(b"I01\n" if value else b"I00\n"))

    def text(self, value):
        encoded = value.encode()
        ways = [
            lambda: self.raw(b"X", struct.pack("<I", len(encoded)), encoded),
            lambda: self.raw(b"\x8c", bytes([len(encoded)]), encoded),
            lambda: self.raw(b"\x8d", struct.pack("<Q", len(encoded)), encoded),
            lambda: self.raw(b"V", value.encode("raw_unicode_escape"), b"\n"),
        ]
        if value.isascii():
            ways += [lambda: self.raw(b"U", bytes([len(encoded)]), encoded), lambda: self.raw(f"S{value!r}\n")]
        self.one(*ways)
        self.remember("text")

    def bytes(self, value):
        self.one(
            lambda: self.raw(b"B", struct.pack("<I", len(value)), value),
            lambda: self.raw(b"\x8e", struct.pack("<Q", len(value)), value),
            *([lambda: self.raw(b"C", bytes([len(value)]), value)] if len(value) < 256 else []),
            lambda: self.encoded(value),
        )

    def encoded(self, value):
        """How protocols 0 to 2 of Python 3 write bytes."""
        self.name("_codecs", "encode")
        encoded = value.decode("latin-1").encode()
        self.raw(b"X", struct.pack("<I", len(encoded)), encoded, b"U\x06latin1\x86R")

    def remember(self, kind):
        """Perhaps puts the value on top of the stack into the memo, at any index."""
        if self.random.random() < 0.6:
            return
        if self.random.random() < 0.5:
            self.raw(b"\x94")
            self.memo[len(self.memo)] = kind
            return
        index = self.random.choice([len(self.memo), self.random.randrange(6), self.random.randrange(300)])
        ways = [lambda: self.raw(f"p{index}\n"), lambda: self.raw(b"r", struct.pack("<I", index))]
        if index < 256:
            ways.append(lambda: self.raw(b"q", bytes([index])))
        self.one(*ways)
        self.memo[index] = kind

    def recall(self, *kinds):
        """Pushes a value of one of these kinds that the memo holds; false where it holds none."""
        known = [index for index, value in self.memo.items() if value in kinds]
        if not known:
            return False
        index = self.random.choice(known)
        ways = [lambda: self.raw(f"g{index}\n"), lambda: self.raw(b"j", struct.pack("<I", index))]
        if index < 256:
            ways.append(lambda: self.raw(b"h", bytes([index])))
        self.one(*ways)
        return True

    def name(self, module, name):
        def stacked():
            for part in (module, name):
                self.raw(b"\x8c", bytes([len(part)]), part)
            self.raw(b"\x93")

        self.one(lambda: self.raw(f"c{module}\n{name}\n"), stacked)

    def tuple(self, *items):
        """Each item a function that pushes one value."""
        short = {0: b")", 1: b"\x85", 2: b"\x86", 3: b"\x87"}.get(len(items))
        marked = short is None or (items and self.random.random() < 0.3)
        if marked:
            self.raw(b"(")
        for item in items:
            item()
        self.raw(b"t" if marked else short)

    def integers(self, values):
        self.tuple(*[lambda value=value: self.integer(value) for value in values])

    def call(self, module, name, *arguments):
        self.name(module, name)
        self.tuple(*arguments)
        self.raw(b"R")

    def list(self, items):
        def filled():
            self.raw(b"]")
            for item in items:
                item()
                self.raw(b"a")

        def marked():
            self.raw(b"](")
            for item in items:
                item()
            self.raw(b"e")

        def built():
            self.raw(b"(")
            for item in items:
                item()
            self.raw(b"l")

        self.one(filled, marked, built)
        self.remember("container")

    def dict(self, pairs):
        """`pairs`: two functions each."""
        def filled():
            for key, value in pairs:
                key()
                value()
                self.raw(b"s")

        def marked():
            self.raw(b"(")
            for key, value in pairs:
                key()
                value()
            self.raw(b"u")

        def built():
            self.raw(b"(")
            for key, value in pairs:
                key()
                value()
            self.raw(b"d")

        if self.random.random() < 0.2:
            built()
        else:
            if self.random.random() < 0.3:
                self.call("collections", "OrderedDict")
            else:
                self.raw(b"}")
            self.one(filled, marked)
        self.remember("container")

    def noise(self):
        """Instructions that leave the stack as it was."""
        self.one(
            lambda: self.raw(b"(0"),
            lambda: self.raw(b"N0"),
            lambda: self.raw(b"(K\x01K\x021"),
            lambda: self.raw(b"K\x07200"),
        ) if self.random.random() < 0.1 else None

    def done(self):
        self.raw(b".")
        return bytes(self.out)
