import type { ByteSource } from "../../io/source/source.ts";
import type { NumericDType } from "../../tensor/dtype.ts";

/** The primitives of Torch7's files, binary or ASCII. All throw `truncated` at the end of the file. */
export interface T7Input {
  /** Byte offset of the next one. */
  readonly position: number;
  int(): Promise<number>;
  /** The writer's C long: 8 bytes on 64-bit Linux and macOS, 4 on Windows. */
  long(): Promise<number>;
  double(): Promise<number>;
  /** `size` bytes of text; undefined (and skipped) where there are more than `most`. */
  text(size: number, most: number): Promise<Uint8Array | undefined>;
  /** `count` numbers, not read: little-endian values of `dtype`. */
  numbers(count: number, dtype: NumericDType): Promise<{ readonly source: ByteSource; readonly offset: number }>;
}
