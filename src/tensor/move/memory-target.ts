import type { MoveTarget } from "./move.ts";

/** A block of memory that a move writes into, as if it were a file. */
export function memoryTarget(bytes: Uint8Array): MoveTarget {
  return {
    write(offset, part) {
      bytes.set(part, offset);
      return Promise.resolve();
    },
  };
}
