import { CheckpointError } from "../../errors.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { BLOCK, latin1Kernel } from "./latin1-kernel.ts";

/** Below this many bytes setting the kernel up takes longer than JavaScript needs. */
const small = 2048;

function noLatin1(file: string, offset: number): CheckpointError {
  return new CheckpointError("malformed", "bytes kept as text hold a character beyond U+00FF, or broken UTF-8", { file, offset });
}

/**
 * The bytes behind a text that was written byte by byte as UTF-8 (pickle protocols 0 to 2 have no bytes): U+0000 … U+00FF become one
 * byte each. A chunk is valid until the next one is asked for. Throws `malformed`.
 */
export async function* latin1Bytes(source: ByteSource, offset: number, length: number): AsyncGenerator<Uint8Array> {
  if (length <= small) {
    const decodedBytes = decodeSmall(await source.read(offset, length));
    if (decodedBytes === undefined) throw noLatin1(source.name, offset);
    yield decodedBytes;
    return;
  }
  const encoded = new Uint8Array(Math.min(BLOCK, length));
  const output = new Uint8Array(BLOCK);
  let carry = 0;
  for (let done = 0; done < length; done += BLOCK) {
    const count = Math.min(BLOCK, length - done);
    const bytes = await source.read(offset + done, count, encoded);
    // From here to the copy nothing is awaited: other decodings use the same kernel.
    const kernel = latin1Kernel();
    kernel.input.set(bytes);
    const padded = Math.ceil(count / 16) * 16;
    kernel.input.fill(0, count, padded);
    const chunk = kernel.decode(padded, carry);
    carry = bytes[count - 1] ?? 0;
    const last = done + count === length;
    if (chunk === undefined || (last && (carry === 0xc2 || carry === 0xc3))) throw noLatin1(source.name, offset + done);
    const kept = chunk.length - (padded - count); // the padding came through as zeros
    output.set(chunk.subarray(0, kept));
    yield output.subarray(0, kept);
  }
}

/** The same for a text in memory. */
export function decodeSmall(encoded: Uint8Array): Uint8Array | undefined {
  const out = new Uint8Array(encoded.length);
  let at = 0;
  for (let k = 0; k < encoded.length; k += 1) {
    const byte = encoded[k] ?? 0;
    if (byte < 0x80) {
      out[at] = byte;
    } else {
      k += 1;
      const next = encoded[k] ?? 0;
      if ((byte !== 0xc2 && byte !== 0xc3) || next < 0x80 || next > 0xbf) return undefined;
      out[at] = byte === 0xc3 ? next + 0x40 : next;
    }
    at += 1;
  }
  return out.subarray(0, at);
}
