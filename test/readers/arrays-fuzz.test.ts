import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { isCheckpointError } from "../../src/errors.ts";
import { createContext } from "../../src/io/run.ts";
import { openBytes } from "../../src/open.ts";
import { hash } from "../../src/tensor/hash.ts";
import { fixtures } from "../support/paths.ts";
import { Random } from "../support/random.ts";

/** Damaged copies of each kind: `FUZZ=2000 npx vitest run test/readers/arrays-fuzz.test.ts` for a long run. */
const rounds = Number(process.env.FUZZ ?? 7);

const files = [
  "npy/fortran/fortran.npy",
  "npy/dict/dict.npy",
  "npz/stored/stored.npz",
  "npz/deflated/deflated.npz",
  "safetensors/dtypes/dtypes.safetensors",
  "hdf5/latest/latest.h5",
  "hdf5/earliest/earliest.h5",
  "keras-h5/model/vgg.h5",
  "keras-v3/keras/model.keras",
  "keras-v3/keras/deflated.keras",
];

/** Opens everything and hashes some; only a CheckpointError may come out, within 2 s (`limit` in ms). */
async function survives(bytes: Uint8Array, name: string, limit = 2000): Promise<void> {
  const ctx = createContext();
  const start = performance.now();
  try {
    const checkpoint = await openBytes(bytes, name, ctx);
    for (const [index, tensor] of [...checkpoint.tensors.values()].entries()) {
      const count = tensor.shape.reduce((product, dim) => product * dim, 1);
      if (index % 4 === 0 && count < 1e6) await hash(tensor, ctx);
    }
    await checkpoint.close();
  } catch (error) {
    if (!isCheckpointError(error)) throw error;
  } finally {
    await ctx.dispose();
  }
  expect(performance.now() - start).toBeLessThan(limit);
}

test.each(files)("%s: prefixes and changed bytes give an error or a correct parse", async (file) => {
  const whole = new Uint8Array(readFileSync(join(fixtures, file)));
  await survives(whole, basename(file), Number.POSITIVE_INFINITY); // readers are imported now
  const random = new Random(file.length);
  for (let round = 0; round < rounds; round++) {
    await survives(whole.slice(0, random.integer(0, whole.length - 1)), basename(file));
    for (const last of [Math.min(4096, whole.length) - 1, whole.length - 1]) {
      const changed = whole.slice();
      changed[random.integer(0, last)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.integer(0, 255)]);
      await survives(changed, basename(file));
    }
  }
});
