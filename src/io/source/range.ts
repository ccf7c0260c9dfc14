import { CheckpointError } from "../../errors.ts";

/** What every source checks before it reads: whole, non-negative numbers within the source, and a buffer that is large enough. */
export function checkRange(name: string, size: number, offset: number, length: number, into?: Uint8Array): void {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw new CheckpointError("malformed", `asked for ${length} bytes at byte ${offset}, which no file has`, { file: name });
  }
  if (offset + length > size) {
    throw new CheckpointError("truncated", `${length} bytes are needed at byte ${offset}, the data ends at ${size}`, {
      file: name,
      offset,
    });
  }
  if (into !== undefined && into.length < length) {
    throw new RangeError(`buffer of ${into.length} bytes for a read of ${length}`);
  }
}

/** The buffer that a read fills: the front of `into`, or a fresh one. */
export function target(length: number, into?: Uint8Array): Uint8Array {
  return into === undefined ? new Uint8Array(length) : into.subarray(0, length);
}
