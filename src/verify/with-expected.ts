import { CheckpointError } from "../errors.ts";
import type { Context } from "../io/context.ts";
import { locateInput } from "../io/locate.ts";
import type { Identity } from "../model/identity.ts";
import { open } from "../open.ts";
import { type Expected, expectedFrom } from "./compare/expected.ts";
import { type DumpedFile, expectedFolder } from "./compare/expected-folder.ts";

/** Opens what is expected: one file, or a folder of dumped activations. */
export async function withExpected<T>(
  path: string,
  identity: Identity,
  { amplified }: { readonly amplified?: boolean | undefined },
  ctx: Context,
  work: (expected: Expected) => Promise<T>,
): Promise<T> {
  const names = await dumpedFiles(path);
  if (names === undefined) {
    const file = await open(path, ctx, { amplified });
    try {
      return await work(expectedFrom(file, path, identity.network, ctx));
    } finally {
      await file.close();
    }
  }
  const opened: DumpedFile[] = [];
  try {
    for (const name of names) opened.push({ name, file: await open(`${path.replace(/\/$/, "")}/${name}`, ctx, { amplified }) });
    return await work(expectedFolder(opened, path, identity, ctx));
  } finally {
    for (const { file } of opened) await file.close();
  }
}

/** The arrays of a folder, sorted; undefined: it is none. Throws `not-found` where it has none. */
async function dumpedFiles(path: string): Promise<readonly string[] | undefined> {
  const located = await locateInput(path);
  try {
    if (!located.folder) return undefined;
    const names = ((await located.set.list()) ?? []).filter((name) => !name.includes("/") && /\.(npy|npz|safetensors)$/i.test(name));
    if (names.length > 0) return names.toSorted();
    throw new CheckpointError("not-found", "the folder holds no expected values (.npy, .npz, .safetensors)", { file: path });
  } finally {
    await located.source.close();
  }
}
