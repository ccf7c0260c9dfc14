import { type BytesInput, inputName } from "./bytes-input.ts";
import type { Context } from "./context.ts";
import { type Located, locateInput } from "./locate.ts";
import type { OpenedFiles } from "./opened.ts";
import { isAddress } from "./remote/address.ts";
import { blobSource, slicedSource } from "./source/blob.ts";
import { memorySource } from "./source/memory.ts";
import type { ByteSource } from "./source/source.ts";

/** Where the bytes of an input are. Throws as `locateNamed` does. */
export async function locateBytes(input: BytesInput, ctx: Context, opened?: OpenedFiles): Promise<Located> {
  const name = inputName(input);
  if (input instanceof Uint8Array) return alone(memorySource(input, name));
  if (typeof input === "string" || input instanceof URL) return locateNamed(name, ctx, opened);
  if (input instanceof Blob) return alone(blobSource(input, name));
  return alone(slicedSource(name, input.byteLength, (start, end) => input.slice(start, end)));
}

/** Bytes without files beside them. */
function alone(source: ByteSource): Located {
  const { name } = source;
  const set = { name, open: async (asked: string) => (asked === name ? source : undefined), list: async () => [name] };
  return { source, set, entry: name, folder: false };
}

/**
 * What a person's argument leads to: a path, an address, or standard input ("-"). What reads addresses is loaded for them alone.
 * Throws as `locateInput` and `locateRemote` do.
 */
export async function locateNamed(named: string, ctx: Context, opened?: OpenedFiles): Promise<Located> {
  if (!isAddress(named)) return locateInput(named, opened);
  const { locateRemote, pathOfFileAddress } = await import("./remote/locate.ts");
  if (/^file:/i.test(named)) return locateInput(pathOfFileAddress(named), opened);
  return locateRemote(named, () => ctx.temporary(), {
    ...ctx.remote,
    signal: ctx.signal,
    values: ctx.values,
    ...(opened === undefined ? {} : { onOpened: opened.note }),
  });
}
