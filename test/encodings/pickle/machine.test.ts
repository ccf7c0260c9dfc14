import { describe, expect, test } from "vitest";
import { readPickle } from "../../../src/encodings/pickle/machine.ts";
import { keyName } from "../../../src/encodings/pickle/standard.ts";
import {
  GlobalName,
  Mapping,
  ObjectRecord,
  PersistentId,
  type PickleValue,
  Sequence,
  Slice,
} from "../../../src/encodings/pickle/values.ts";
import { CheckpointError } from "../../../src/errors.ts";
import { memorySource } from "../../../src/io/source/memory.ts";

/** Instructions as latin-1 text and numbers, one byte each. */
function pickle(...parts: readonly (string | number)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part] : Array.from(part, (char) => char.charCodeAt(0)))));
}

async function load(...parts: readonly (string | number)[]): Promise<PickleValue> {
  return (await readPickle(memorySource(pickle(...parts), "p"))).value;
}

async function failure(...parts: readonly (string | number)[]): Promise<string> {
  const error: unknown = await load(...parts).catch((thrown: unknown) => thrown);
  return error instanceof CheckpointError ? `${error.code} at ${error.where.offset}: ${error.message}` : String(error);
}

describe("values", () => {
  test.each<[string, readonly (string | number)[], PickleValue]>([
    ["NONE", ["N."], null],
    ["booleans", [0x80, 2, 0x88, "."], true],
    ["INT with the two texts that mean booleans", ["I00\n."], false],
    ["INT", ["I-12\n."], -12],
    ["LONG", ["L123456789012345678901L\n."], 123456789012345678901n],
    ["LONG that fits a number", ["L-7L\n."], -7],
    ["BININT is signed", ["J", 0xff, 0xff, 0xff, 0xff, "."], -1],
    ["BININT1", ["K", 200, "."], 200],
    ["BININT2", ["M", 0x34, 0x12, "."], 0x1234],
    ["LONG1 of no bytes", [0x8a, 0, "."], 0],
    ["LONG1 negative", [0x8a, 2, 0x00, 0x80, "."], -32768],
    ["LONG1 beyond 2^53", [0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 0x40, "."], 2n ** 62n],
    ["LONG4", [0x8b, 3, 0, 0, 0, 1, 2, 3, "."], 0x030201],
    ["BINFLOAT is big-endian", ["G", 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, "."], 1.5],
    ["FLOAT", ["F-inf\n."], Number.NEGATIVE_INFINITY],
    ["BINUNICODE", ["X", 3, 0, 0, 0, 0xe6, 0x9d, 0x83, "."], "权"],
    ["a lone surrogate", [0x8c, 3, 0xed, 0xa0, 0x80, "."], "\ud800"],
    ["a text that begins with a byte order mark", [0x8c, 3, 0xef, 0xbb, 0xbf, "."], "\ufeff"],
    ["UNICODE", ["Va\\u6743\\u005c\xe9\n."], "a权\\é"],
    ["SHORT_BINSTRING is latin-1", ["U", 2, 0xe9, "a", "."], "éa"],
    ["STRING", ["S'it\\'s\\x00\\n'\n."], "it's\x00\n"],
    ["the memo", ["K", 5, "q", 3, "0", "h", 3, "."], 5],
    ["MEMOIZE counts from 0", ["K", 5, 0x94, "K", 6, 0x94, "00", "h", 1, "."], 6],
    // CPython: memo[len(memo)] = top. Two entries here, 0 and 7; setting 7 again adds none.
    ["MEMOIZE counts entries, not instructions", ["K", 5, "q", 0, "K", 6, "q", 7, "q", 7, "K", 8, 0x94, "000h", 2, "."], 8],
    ["MEMOIZE among PUTs that jump", ["K", 5, "q", 2, "K", 6, 0x94, "K", 7, 0x94, "000h", 2, "."], 7],
    ["PUT and GET", ["I9\np12\n0g12\n."], 9],
    ["DUP and POP", ["K", 1, "2", "0", "."], 1],
    ["POP of a MARK", ["K", 4, "(", "0", "."], 4],
    ["POP_MARK", ["K", 4, "(", "K", 1, "K", 2, "1", "."], 4],
    ["FRAME", [0x80, 4, 0x95, 3, 0, 0, 0, 0, 0, 0, 0, "K", 8, "."], 8],
  ])("%s", async (_, parts, expected) => {
    expect(await load(...parts)).toEqual(expected);
  });

  test("containers of all kinds", async () => {
    const value = await load("(K", 1, "K", 2, "t(K", 3, 0x91, 0x86, "]K", 4, "a(K", 5, "K", 6, "e", 0x8f, "(K", 7, 0x90, 0x87, ".");
    expect(value).toEqual(
      new Sequence("tuple", [
        new Sequence("tuple", [new Sequence("tuple", [1, 2]), new Sequence("frozenset", [3])]),
        new Sequence("list", [4, 5, 6]),
        new Sequence("set", [7]),
      ]),
    );
    const dict = await load("}U", 1, "a", "K", 1, "s(U", 9, "__proto__", "K", 2, "u.");
    expect(dict instanceof Mapping ? [...dict.entries] : dict).toEqual([
      ["a", 1],
      ["__proto__", 2],
    ]);
  });

  test("the memo shares by reference, and a list may contain itself", async () => {
    const list = await load("]q", 0, "h", 0, "a.");
    expect(list instanceof Sequence && list.items[0] === list).toBe(true);
  });

  test("several pickles in a row", async () => {
    const source = memorySource(pickle("K", 1, ".K", 2, "."));
    const first = await readPickle(source);
    expect([first.value, first.end, (await readPickle(source, first.end)).value]).toEqual([1, 3, 2]);
  });
});

describe("calls become records", () => {
  test("REDUCE, BUILD and what is put into the result", async () => {
    const value = await load("cposix\nsystem\n(U", 2, "lstR}U", 1, "a", "K", 1, "sb(U", 1, "k", "K", 2, "u.");
    if (!(value instanceof ObjectRecord)) throw new Error("no record");
    expect([value.path, value.args, value.dict?.entries.get("k")]).toEqual(["posix.system", ["ls"], 2]);
    expect(value.state instanceof Mapping && value.state.entries.get("a")).toBe(1);
  });

  test("STACK_GLOBAL, NEWOBJ, NEWOBJ_EX, INST, OBJ", async () => {
    const stack = await load(0x8c, 1, "m", 0x8c, 1, "n", 0x93, ".");
    expect(stack).toEqual(new GlobalName("m", "n"));
    for (const parts of [
      ["cm\nn\nK", 1, 0x85, 0x81, "."],
      ["cm\nn\nK", 1, 0x85, "}", 0x92, "."],
      ["(K", 1, "im\nn\n."],
      ["(cm\nn\nK", 1, "o."],
    ]) {
      const value = await load(...parts);
      expect(value instanceof ObjectRecord && [value.path, value.args]).toEqual(["m.n", [1]]);
    }
  });

  test("what protocols 0 and 1 write for NEWOBJ", async () => {
    for (const parts of [
      ["ccopy_reg\n__newobj__\n(cm\nn\nK", 1, "tR."],
      ["ccopyreg\n_reconstructor\n(cm\nn\nc__builtin__\nlist\nK", 1, "tR."],
    ]) {
      const value = await load(...parts);
      expect(value instanceof ObjectRecord && [value.path, value.args]).toEqual(["m.n", [1]]);
    }
    const plain = await load("ccopyreg\n_reconstructor\n(cm\nn\ncbuiltins\nobject\nNtR.");
    expect(plain instanceof ObjectRecord && [plain.path, plain.args]).toEqual(["m.n", []]);
  });

  test("persistent ids, binary and text", async () => {
    const { value, persistent } = await readPickle(memorySource(pickle("U", 1, "k", "QPother\n", 0x86, ".")), 0, { keepPersistent: true });
    expect(persistent).toEqual([new PersistentId("k"), new PersistentId("other")]);
    expect(value instanceof Sequence && value.items).toEqual(persistent);
  });
});

test("long data stay where they are", async () => {
  const long = "x".repeat(300);
  const value = await load("B", 0x2c, 1, 0, 0, long, ".");
  expect(value instanceof Slice && [value.offset, value.length, value.encoding]).toEqual([5, 300, "bytes"]);
  const text = await load("X", 0x88, 0x13, 0, 0, "y".repeat(5000), ".");
  expect(text instanceof Slice && [text.offset, text.length, text.encoding]).toEqual([5, 5000, "utf-8"]);
  const quoted = await load("S'", "z".repeat(5000), "'\n.");
  expect(quoted instanceof Slice && [quoted.offset, quoted.length, quoted.encoding]).toEqual([2, 5000, "quoted"]);
});

describe("what is refused", () => {
  test.each<[string, readonly (string | number)[], string]>([
    ["no STOP", ["N"], "truncated at 1: the pickle ends before its STOP instruction"],
    ["an argument that is cut", ["J", 1], "truncated at 0: the pickle ends inside an instruction"],
    [
      "a length beyond the file",
      [0x80, 2, "X", 255, 255, 255, 255, "."],
      "truncated at 2: a pickle value needs 4294967295 bytes, 1 are left",
    ],
    ["a frame beyond the file", [0x80, 4, 0x95, 9, 0, 0, 0, 0, 0, 0, 0, "."], "truncated at 2: a pickle frame of 9 bytes, 1 are left"],
    ["a line without an end", ["I12"], "truncated at 1: the pickle ends inside a line"],
    ["a negative length", ["T", 255, 255, 255, 255, "."], "malformed at 0: a string of -1 bytes"],
    ["an unknown instruction", [0xff, "."], "malformed at 0: byte 0xff is no pickle instruction"],
    ["an empty stack", ["."], "malformed at 0: a pickle instruction needs a value and the stack is empty"],
    ["no MARK", ["t."], "malformed at 0: a pickle instruction needs a MARK and there is none"],
    ["a memo entry that is not set", ["h", 7, "."], "malformed at 0: memo entry 7 is used before it is set"],
    ["a list as a key", ["}]K", 1, "s."], "malformed at 4: a dict key of a type that Python does not hash"],
    ["an odd number of items", ["}(K", 1, "u."], "malformed at 4: a pickle sets a key without a value"],
    ["items of a number", ["K", 1, "K", 2, "a."], "malformed at 4: a pickle appends to something that is no list"],
    ["state of a list", ["]Nb."], "malformed at 2: a pickle gives state to something that is no object"],
    ["broken UTF-8", [0x8c, 1, 0x80, "."], "malformed at 0: a text is not valid (utf-8)"],
    ["arguments that are no tuple", ["cm\nn\n]R."], "malformed at 6: a call whose arguments are no tuple"],
    ["extension codes", [0x82, 1, "."], "unsupported at 0: the pickle uses extension codes, which only the program that wrote it knows"],
    ["protocol 6", [0x80, 6, "."], "unsupported at 0: pickle protocol 6, 5 is the newest known"],
  ])("%s", async (_, parts, expected) => {
    expect(await failure(...parts)).toBe(expected);
  });

  test("a key that is there twice", async () => {
    const dict = await load("}U", 1, "a", "K", 1, "sU", 1, "a", "K", 2, "s.");
    expect(() => dict instanceof Mapping && dict.entries).toThrow("a pickled dict has the key a twice");
  });

  test.each<[string, readonly (string | number)[]]>([
    ["True is 1", ["}K", 1, "K", 0, "s", 0x88, "K", 0, "s."]],
    ["0.0 is False", ["}", 0x89, "Ns", "G", 0, 0, 0, 0, 0, 0, 0, 0, "Ns."]],
    ["2**60 is 2.0**60", ["}", 0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 0x10, "NsG", 0x43, 0xb0, 0, 0, 0, 0, 0, 0, "Ns."]],
    ["bytes of the same content", ["}C", 1, "a", "NsC", 1, "a", "Ns."]],
    ["tuples of equal items", ["}K", 1, 0x85, "Ns", 0x88, 0x85, "Ns."]],
    ["names", ["}cm\nn\nNscm\nn\nNs."]],
  ])("equal keys in one dict: %s", async (_, parts) => {
    const dict = await load(...parts);
    expect(() => dict instanceof Mapping && dict.entries).toThrow(/a pickled dict has the key .+ twice/);
  });

  test("keys that only look alike are apart", async () => {
    const dict = await load("}C", 1, "a", "NsU", 1, "a", "NsK", 1, 0x85, "NsK", 1, "NsN", "Ns.");
    expect(dict instanceof Mapping && dict.entries.size).toBe(5);
    expect(dict instanceof Mapping && [...dict.entries.keys()].map((key) => keyName(key, dict.entries))).toEqual([
      "b'a'",
      "a",
      "(1,)",
      "1",
      "None",
    ]);
  });

  test("out-of-band buffers", async () => {
    expect(await failure(0x97, ".")).toContain("unsupported at 0: the pickle keeps its data in out-of-band buffers");
  });

  test("more values than memory holds, in bounded time", async () => {
    const bytes = new Uint8Array(4_000_000).fill(0x7d); // `}`: 4 million dicts
    const started = process.cpuUsage();
    await expect(readPickle(memorySource(bytes))).rejects.toMatchObject({ code: "unsafe" });
    // Microseconds of work, whatever else the machine does.
    expect(process.cpuUsage(started).user).toBeLessThan(2e6);
  });
});
