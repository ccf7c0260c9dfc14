import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { open } from "../../src/open.ts";
import { reader } from "../../src/readers/tensorflow/tf-v2.ts";
import { hash } from "../../src/tensor/hash.ts";
import { values } from "../../src/tensor/load.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { execute, type TensorSupply } from "../../src/writers/execute.ts";
import type { TensorSpec } from "../../src/writers/layout.ts";
import { writer } from "../../src/writers/tensorflow/tf-v2.ts";
import { memoryProbe } from "../support/damage.ts";
import { memoryOutput } from "../support/memory-output.ts";
import { fixtures, golden } from "../support/paths.ts";

const ctx = createContext({ values: true });
afterAll(() => ctx.dispose());

async function write(
  name: string,
  tensors: readonly TensorSpec[],
  bytesOf: (key: string) => Promise<Uint8Array>,
): Promise<Map<string, Uint8Array>> {
  const supply: TensorSupply = { fill: async (key, file, at) => file.write(at, await bytesOf(key)) };
  const set = memoryOutput();
  await execute(writer.layout({ name, tensors, metadata: new Map(), options: new Map() }), supply, set, ctx);
  return new Map([...set.files].map(([file, bytes]) => [file, bytes()]));
}

/** Writes the numeric tensors of a checkpoint again, in an order of their data. */
async function rewrite(path: string, name: string): Promise<{ files: Map<string, Uint8Array>; hashes: Map<string, string> }> {
  const checkpoint = await open(path, ctx);
  const tensors = [...checkpoint.tensors.values()].filter(isNumeric);
  const hashes = new Map<string, string>();
  for (const tensor of tensors) hashes.set(tensor.name, await hash(tensor, ctx));
  const files = await write(
    name,
    tensors.map(({ name: key, dtype, shape }) => ({ key, dtype, shape })),
    async (key) => {
      const tensor = checkpoint.tensors.get(key);
      if (tensor === undefined || !isNumeric(tensor)) throw new Error(`no ${key}`);
      return values(tensor, ctx);
    },
  );
  await checkpoint.close();
  return { files, hashes };
}

test.each(["tf-v2/dtypes/dtypes", "tf-v1/dtypes/dtypes.ckpt", "tf-v2/partitioned-sharded/model.ckpt-0"])(
  "what is written of %s is read back",
  async (path) => {
    const { files, hashes } = await rewrite(join(fixtures, path), "out.ckpt");
    expect([...files.keys()]).toEqual(["out.ckpt.data-00000-of-00001", "out.ckpt.index"]);
    const checkpoint = await reader.read(memoryProbe(files, "out.ckpt.index"), ctx);
    const again = new Map<string, string>();
    for (const tensor of checkpoint.tensors.values()) again.set(tensor.name, await hash(tensor, ctx));
    expect(new Map([...again].sort())).toEqual(new Map([...hashes].sort()));
  },
);

describe.skipIf(golden === undefined)("TensorFlow's own files", () => {
  test.each(["vgg16-64x96/tfslim-v2", "vgg16-64x96/tfslim-dense", "vgg16bn-64x96/tfslim-bn"])("%s comes out byte by byte", async (name) => {
    const prefix = join(golden ?? "", name, name.includes("bn-") ? "model.ckpt" : "model.ckpt-0");
    const { files } = await rewrite(prefix, "model");
    // The data is in the order of the keys here, as TensorFlow's Saver gives its tensors.
    expect(Buffer.compare(files.get("model.index") ?? new Uint8Array(0), readFileSync(`${prefix}.index`))).toBe(0);
    expect(Buffer.compare(files.get("model.data-00000-of-00001") ?? new Uint8Array(0), readFileSync(`${prefix}.data-00000-of-00001`))).toBe(
      0,
    );
  });
});

describe("what has no place", () => {
  const layout = (tensors: readonly TensorSpec[]): unknown =>
    writer.layout({ name: "m", tensors, metadata: new Map(), options: new Map() });
  test.each([
    ["a nameless tensor", [{ key: "", dtype: "float32", shape: [] }], "without a name"],
    ["a dtype TensorFlow lacks", [{ key: "a", dtype: "float8_e8m0fnu", shape: [] }], "float8_e8m0fnu has no place"],
    [
      "a name twice",
      [
        { key: "a", dtype: "int8", shape: [] },
        { key: "a", dtype: "int8", shape: [] },
      ],
      "one name",
    ],
  ] as const)("%s", (_, tensors, message) => {
    expect(() => layout(tensors)).toThrow(message);
  });
});
