/** Some elements in the shared memory: the byte of the first one, and bytes from one index to the next for each axis. */
export interface SharedBox {
  readonly origin: number;
  readonly strides: readonly number[];
}

/** What a helper can be asked. `at` and origins are bytes of the shared memory, `fd` a file that this process has open. */
export type Job =
  /** Run k of a file goes to `at` + k · `pitch`. */
  | {
      readonly kind: "read";
      readonly fd: number;
      readonly offset: number;
      readonly stride: number;
      readonly count: number;
      readonly length: number;
      readonly pitch: number;
      readonly at: number;
    }
  /** Elements from one place to another; or whether those at `to` are those at `from`, 1 or 0. */
  | {
      readonly kind: "copy" | "prove";
      readonly from: SharedBox;
      readonly to: SharedBox;
      readonly shape: readonly number[];
      readonly itemsize: number;
    }
  /** The checksum of memory, begun at 0. */
  | { readonly kind: "sum"; readonly checksum: SharedChecksum; readonly at: number; readonly length: number }
  /** The checksum of a range of a file, begun at 0. */
  | { readonly kind: "sumFile"; readonly checksum: SharedChecksum; readonly fd: number; readonly offset: number; readonly length: number }
  /** Whether a range of a file is what is in memory, 1 or 0. */
  | { readonly kind: "sameFile"; readonly fd: number; readonly offset: number; readonly at: number; readonly length: number }
  /** Whether two ranges of memory are the same, 1 or 0. */
  | { readonly kind: "same"; readonly a: number; readonly b: number; readonly length: number }
  | { readonly kind: "end" };

export type SharedChecksum = "crc32" | "crc32c";

/** Waits until a job is done, and gives its result; undefined where the helper could not do it. */
export type JobAnswer = () => number | undefined;

/** From this many bytes on a helper is asked: waking it takes as long as some kilobytes. */
export const WORTH_ASKING = 256 << 10;

/*
 * One helper and the thread that asks it share one block of memory: a state as a 32-bit number, the length of the job as another, the
 * result as a float64 at byte 8, and the job in JSON, a character a byte, at byte 16.
 */

export const STATE = 0;
export const LENGTH = 1;
export const RESULT = 8;
export const TEXT = 16;
export const BLOCK_BYTES = 4096;

/** Before a helper runs, and while it waits. */
export const [STARTING, FREE, ASKED, DONE, FAILED] = [0, 1, 2, 3, 4] as const;

/** What a helper begins with. */
export interface HelperData {
  readonly block: SharedArrayBuffer;
  readonly memory: WebAssembly.Memory;
}
