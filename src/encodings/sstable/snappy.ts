import { CheckpointError } from "../../errors.ts";

/**
 * Snappy's raw block format (google/snappy format_description.txt): the inflated length as a varint32, then elements. The low
 * two bits of an element's first byte tell: 00 literal, 01 copy with an 11-bit offset, 10 a 16-bit one, 11 a 32-bit one.
 */

/** Most bytes that one compressed byte can become: a 3-byte copy makes at most 64. A greater claim is a lie. */
const maxRatio = 22;

/** Inflates one block of at most `limit` bytes; throws `malformed`, or `unsupported` beyond the limit. */
export function unsnappy(bytes: Uint8Array, limit: number): Uint8Array {
  const [size, start] = inflatedLength(bytes);
  if (size > limit) throw new CheckpointError("unsupported", `a snappy block inflates to ${size} bytes, at most ${limit} are read`);
  if (size > bytes.length * maxRatio) throw bad(`${bytes.length} bytes cannot become ${size}`);
  const out = new Uint8Array(size);
  let at = start;
  let to = 0;
  const byte = (index: number): number => {
    const value = bytes[index];
    if (value === undefined) throw bad("it ends inside an element");
    return value;
  };
  while (at < bytes.length) {
    const tag = byte(at++);
    const kind = tag & 3;
    if (kind === 0) {
      let length = tag >>> 2;
      if (length >= 60) {
        const extra = length - 59; // 1 to 4 bytes of length − 1
        length = 0;
        for (let k = 0; k < extra; k++) length += byte(at + k) * 2 ** (8 * k);
        at += extra;
      }
      length += 1;
      if (length > bytes.length - at || length > size - to) throw bad(`a literal of ${length} bytes does not fit`);
      out.set(bytes.subarray(at, at + length), to);
      at += length;
      to += length;
    } else {
      let length = (tag >>> 2) + 1;
      let offset: number;
      if (kind === 1) {
        length = ((tag >>> 2) & 7) + 4;
        offset = (tag >>> 5) * 256 + byte(at);
        at += 1;
      } else {
        offset = byte(at) + byte(at + 1) * 256;
        if (kind === 3) offset += byte(at + 2) * 2 ** 16 + byte(at + 3) * 2 ** 24;
        at += kind === 3 ? 4 : 2;
      }
      if (offset === 0 || offset > to || length > size - to) throw bad(`a copy of ${length} bytes from ${offset} back does not fit`);
      // Byte by byte: a copy may overlap what it writes, which repeats a pattern.
      for (let k = 0; k < length; k++) out[to + k] = out[to + k - offset] ?? 0;
      to += length;
    }
  }
  if (to !== size) throw bad(`it makes ${to} bytes, its header says ${size}`);
  return out;
}

function inflatedLength(bytes: Uint8Array): [size: number, next: number] {
  let size = 0;
  for (let k = 0; k < 5; k++) {
    const byte = bytes[k];
    if (byte === undefined) throw bad("it ends inside its length");
    size += (byte & 0x7f) * 2 ** (7 * k);
    if (byte < 0x80) {
      if (size >= 2 ** 32) break;
      return [size, k + 1];
    }
  }
  throw bad("its length has more than 32 bits");
}

function bad(message: string): CheckpointError {
  return new CheckpointError("malformed", `a snappy block is damaged: ${message}`);
}
