import type { Context } from "./context.ts";
import { type Located, locateInput } from "./locate.ts";
import type { OpenedFiles } from "./opened.ts";
import { isAddress } from "./remote/address.ts";

/**
 * What a person's argument leads to: a path, an address, or standard input ("-"). What reads addresses is loaded for them alone.
 * Throws as `locateInput` and `locateRemote` do.
 */
export async function locateNamed(named: string, ctx: Context, opened?: OpenedFiles): Promise<Located> {
  if (!isAddress(named)) return locateInput(named, opened);
  const { locateRemote, pathOfFileAddress } = await import("./remote/locate.ts");
  if (/^file:/i.test(named)) return locateInput(pathOfFileAddress(named), opened);
  return locateRemote(named, () => ctx.temporary(), { ...ctx.remote, signal: ctx.signal });
}
