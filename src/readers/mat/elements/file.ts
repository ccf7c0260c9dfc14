import type { Context } from "../../../io/context.ts";
import type { ByteSource } from "../../../io/source/source.ts";
import { level4Order, readLevel4 } from "./level4.ts";
import { readLevel5 } from "./level5.ts";
import type { KeepRule, MatFile } from "./value.ts";

/**
 * What the first 128 bytes say: "5" by the byte order mark, "7.3" by the version beside it (HDF5 from byte 512 on), "4" where
 * they can be a level 4 variable, which has no signature.
 */
export function matVersion(head: Uint8Array): "4" | "5" | "7.3" | undefined {
  const mark = String.fromCharCode(head[126] ?? 0, head[127] ?? 0);
  if (mark === "IM" || mark === "MI") {
    const major = head[mark === "IM" ? 125 : 124];
    if (major === 1) return "5";
    if (major === 2) return "7.3";
  }
  return level4Order(head) === undefined ? undefined : "4";
}

/** Reads the structure of a level 4 or 5 file. */
export function readMat(source: ByteSource, version: "4" | "5", ctx: Context, keep: KeepRule): Promise<MatFile> {
  return version === "4" ? readLevel4(source, ctx) : readLevel5(source, ctx, keep);
}
