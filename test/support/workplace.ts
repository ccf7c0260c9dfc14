import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { OwnedContext } from "../../src/io/run.ts";
import { createContext } from "../../src/io/run.ts";
import { open } from "../../src/open.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";

export interface Workplace {
  readonly root: string;
  readonly ctx: OwnedContext;
  /** Opens a checkpoint that is closed behind the last test. */
  readonly load: (path: string) => Promise<Checkpoint>;
}

/** A folder and a context for the tests of one file; both go when they are done. */
export function workplace(name: string): Workplace {
  const root = mkdtempSync(join(tmpdir(), `vggtool-${name}-`));
  const ctx = createContext({ values: true, temporaryFolder: root });
  const opened: Checkpoint[] = [];
  afterAll(async () => {
    for (const checkpoint of opened) await checkpoint.close();
    await ctx.dispose();
    rmSync(root, { recursive: true });
  });
  const load = async (path: string): Promise<Checkpoint> => {
    const checkpoint = await open(path, ctx);
    opened.push(checkpoint);
    return checkpoint;
  };
  return { root, ctx, load };
}
