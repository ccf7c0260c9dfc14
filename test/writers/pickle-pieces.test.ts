import { expect, test } from "vitest";
import { readPickle } from "../../src/encodings/pickle/machine.ts";
import { GlobalName, Sequence } from "../../src/encodings/pickle/values.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { PickleWriter } from "../../src/writers/pickle-pieces.ts";

function bytesOf(pieces: ReturnType<PickleWriter["finish"]>): Uint8Array {
  return Buffer.concat(pieces.map((piece) => (piece.kind === "bytes" ? piece.bytes : expect.unreachable(piece.kind))));
}

test("a name is written once, and what is shared is one object when it is read", async () => {
  const pickle = new PickleWriter(2);
  const pair = () => pickle.tuple(() => pickle.global("numpy", "dtype").integer(7));
  pickle.tuple(() => pickle.shared("pair", pair).shared("pair", pair).global("numpy", "dtype"));
  const bytes = bytesOf(pickle.finish());
  expect(Buffer.from(bytes).toString("latin1").split("dtype")).toHaveLength(2);
  const { value } = await readPickle(memorySource(bytes, "p"));
  const [a, b, name] = value instanceof Sequence ? value.items : [];
  expect(a).toBe(b);
  expect(a instanceof Sequence && a.items).toEqual([name, 7]);
  expect(name instanceof GlobalName && name.path).toBe("numpy.dtype");
});

test("the memo has more places than a byte counts", async () => {
  const pickle = new PickleWriter(4);
  const names = Array.from({ length: 300 }, (_, k) => `name${k}`);
  pickle.tuple(() => {
    for (const name of [...names, ...names]) pickle.global("m", name);
  });
  const { value } = await readPickle(memorySource(bytesOf(pickle.finish()), "p"));
  const found = value instanceof Sequence ? value.items.map((item) => item instanceof GlobalName && item.name) : [];
  expect(found).toEqual([...names, ...names]);
});
