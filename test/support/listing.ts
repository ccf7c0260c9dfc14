import { createContext } from "../../src/io/run.ts";
import { open } from "../../src/open.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { hash } from "../../src/tensor/hash.ts";

export interface Listed {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly sha256: string;
}

/** Opens a checkpoint for its values and hashes all its tensors. */
export async function listing(path: string): Promise<{ checkpoint: Checkpoint; tensors: Record<string, Listed> }> {
  const ctx = createContext({ values: true });
  try {
    const checkpoint = await open(path, ctx);
    const entries: [string, Listed][] = [];
    for (const tensor of checkpoint.tensors.values()) {
      entries.push([tensor.name, { dtype: tensor.dtype, shape: tensor.shape, sha256: await hash(tensor, ctx) }]);
    }
    await checkpoint.close();
    return { checkpoint, tensors: Object.fromEntries(entries) };
  } finally {
    await ctx.dispose();
  }
}
