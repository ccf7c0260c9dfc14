import { CheckpointError } from "../../errors.ts";
import { decoded } from "../../io/source/decoded.ts";
import { mapped } from "../../io/source/mapped.ts";
import { memorySource } from "../../io/source/memory.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { concat, window } from "../../io/source/window.ts";
import type { FieldRun } from "./protobuf-source.ts";
import { VarintDecoder } from "./protobuf-wire.ts";

/*
 * The values of a repeated scalar field as a source of little-endian elements, without holding them. Writers pack them into one
 * run; older ones write a tag before each value, and both may alternate (protobuf.dev, encoding, packed repeated fields).
 */

/** Pieces of one field; a real one has one, or a few where a writer merged messages. */
const maxRuns = 10_000;
/** Bytes of varints decoded at a time. */
const chunk = 1 << 18;

function checkRuns(runs: readonly FieldRun[], source: ByteSource): void {
  if (runs.length > maxRuns) {
    throw new CheckpointError("unsupported", `values in ${runs.length} pieces, at most ${maxRuns} are read`, { file: source.name });
  }
}

/** float, double, fixed32 and fixed64 fields: stays random. `source` is the one that the runs were found in. */
export function fixedValues(source: ByteSource, runs: readonly FieldRun[], width: 4 | 8): ByteSource {
  checkRuns(runs, source);
  const pieces = runs.map((run) => {
    if (run.wire === 2) {
      if (run.length % width === 0) return window(source, run.offset, run.length);
      throw new CheckpointError("malformed", `packed values of ${width} bytes in ${run.length} bytes`, {
        file: source.name,
        offset: run.offset,
      });
    }
    if (run.wire !== (width === 4 ? 5 : 1)) {
      throw new CheckpointError("malformed", `values of ${width} bytes have wire type ${run.wire}`, {
        file: source.name,
        offset: run.offset,
      });
    }
    const stride = run.tagLength + width;
    const tagged = window(source, run.offset - run.tagLength, run.count * stride);
    return mapped(tagged, stride, width, (input, output) => {
      for (let from = run.tagLength, to = 0; to < output.length; from += stride, to += width)
        output.set(input.subarray(from, from + width), to);
    });
  });
  const [first] = pieces;
  if (first === undefined) return memorySource(new Uint8Array(0), source.name);
  return pieces.length === 1 ? first : concat(pieces, source.name);
}

/** Integer fields (varints) as `count` elements of `size` bytes, the low ones of each value; `bool` makes 0 or 1. Runs forward. */
export function varintValues(source: ByteSource, runs: readonly FieldRun[], count: number, size: number, bool = false): ByteSource {
  checkRuns(runs, source);
  for (const run of runs) {
    if (run.wire !== 0 && run.wire !== 2) {
      throw new CheckpointError("malformed", `integer values have wire type ${run.wire}`, { file: source.name, offset: run.offset });
    }
  }
  return decoded(source.name, count * size, () => decodeRuns(source, runs, size, bool));
}

async function* decodeRuns(
  source: ByteSource,
  runs: readonly FieldRun[],
  size: number,
  bool: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  const varint = new VarintDecoder();
  for (const run of runs) {
    const end = run.offset + run.length;
    const tagLength = run.wire === 0 ? run.tagLength : 0;
    for (let at = run.offset; at < end; ) {
      const bytes = await source.read(at, Math.min(chunk, end - at));
      const last = at + bytes.length === end;
      const out = new DataView(new ArrayBuffer(bytes.length * size));
      let used = 0;
      let made = 0;
      // A value of up to 10 bytes and the tag after it may be across the end of the chunk: it is read again with the next.
      while (used < bytes.length && (last || bytes.length - used >= 16)) {
        if (!varint.decode(bytes, used, { file: source.name, offset: at })) {
          throw new CheckpointError("malformed", "integer values end inside a varint", { file: source.name, offset: at + used });
        }
        writeElement(out, made * size, size, bool && (varint.low !== 0 || varint.high !== 0) ? 1 : varint.low, varint.high);
        made += 1;
        used = varint.next + tagLength;
      }
      at += used;
      yield new Uint8Array(out.buffer, 0, made * size);
    }
  }
}

function writeElement(out: DataView, at: number, size: number, low: number, high: number): void {
  if (size === 1) out.setUint8(at, low);
  else if (size === 2) out.setUint16(at, low, true);
  else {
    out.setUint32(at, low, true);
    if (size === 8) out.setUint32(at + 4, high, true);
  }
}

/** How many values packed or tagged varints are: each ends with a byte below 128. Reads them. */
export async function countVarints(source: ByteSource, runs: readonly FieldRun[]): Promise<number> {
  checkRuns(runs, source);
  let count = 0;
  for (const run of runs) {
    if (run.wire === 0) {
      count += run.count;
      continue;
    }
    for (let at = run.offset; at < run.offset + run.length; at += chunk) {
      const bytes = await source.read(at, Math.min(chunk, run.offset + run.length - at));
      for (const byte of bytes) if (byte < 0x80) count += 1;
    }
  }
  return count;
}
