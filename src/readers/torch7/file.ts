import { isCheckpointError } from "../../errors.ts";
import { latin1 } from "../../io/bytes.ts";
import type { Context } from "../../io/context.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { asciiInput } from "./ascii.ts";
import { binaryInput } from "./binary.ts";
import { parseT7 } from "./parse.ts";
import type { T7Value } from "./value.ts";

export interface T7File {
  readonly root: T7Value;
  readonly form: "binary" | "ascii";
  /** Bytes of a C long where the file was written. */
  readonly long: 4 | 8;
}

/** The form that the first bytes allow: a table, object or function with the index 1. */
export function t7Form(head: Uint8Array): "binary" | "ascii" | undefined {
  const text = latin1(head.subarray(0, 8));
  if (/^[34678]\r?\n1\r?\n/.test(text)) return "ascii";
  if (head.length < 12) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return [3, 4, 6, 7, 8].includes(view.getInt32(0, true)) && view.getInt32(4, true) === 1 ? "binary" : undefined;
}

/** Whether it begins with an object of one of Torch's packages, as files of a tensor or a network do. */
export function beginsWithClass(head: Uint8Array): boolean {
  const text = latin1(head.subarray(0, 64));
  return head[0] === (t7Form(head) === "ascii" ? 0x34 : 4) && /(nn|torch|cudnn|cunn|nngraph|inn|fbnn|tds)\.\w/.test(text);
}

/** Parses the file; throws what the parse with 8-byte longs says where 4-byte ones do not fit either. */
export async function readT7(source: ByteSource, form: "binary" | "ascii", ctx: Context): Promise<T7File> {
  if (form === "ascii") return { root: await parseT7(asciiInput(source, ctx), source.name, ctx), form, long: 8 };
  try {
    return { root: await parseT7(binaryInput(source, 8), source.name, ctx), form, long: 8 };
  } catch (error) {
    if (!isCheckpointError(error, "malformed", "truncated")) throw error;
    const narrow = await tryNarrow(source, ctx);
    if (narrow === undefined) throw error;
    return narrow;
  }
}

/** The file does not say how long a C long was where it was written: only one of the two parses. */
async function tryNarrow(source: ByteSource, ctx: Context): Promise<T7File | undefined> {
  try {
    return { root: await parseT7(binaryInput(source, 4), source.name, ctx), form: "binary", long: 4 };
  } catch (error) {
    if (isCheckpointError(error)) return undefined;
    throw error;
  }
}
