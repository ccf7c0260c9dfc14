import type { Context } from "../io/context.ts";
import { sha256 } from "../io/sha256.ts";
import { bytes } from "./move/in-order.ts";
import type { Tensor } from "./tensor.ts";

/**
 * SHA-256, in hexadecimal, of a tensor's row-major little-endian bytes; of strings: each element's length as an unsigned
 * 64-bit little-endian number, then its bytes.
 */
export async function hash(tensor: Tensor, ctx: Context): Promise<string> {
  const digest = sha256();
  if (tensor.dtype === "string") {
    const length = new DataView(new ArrayBuffer(8));
    for await (const element of tensor.elements()) {
      length.setBigUint64(0, BigInt(element.length), true);
      digest.update(new Uint8Array(length.buffer));
      digest.update(element);
      await ctx.tick(element.length);
    }
  } else {
    for await (const chunk of bytes(tensor, ctx)) digest.update(chunk);
  }
  return digest.hex();
}
