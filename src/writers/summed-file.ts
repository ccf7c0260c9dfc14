import { crc32 } from "../encodings/checksum/crc32.ts";
import { crc32c } from "../encodings/checksum/crc32c.ts";
import { registerShifts } from "../encodings/checksum/divided.ts";
import type { OutputFile } from "../io/source/source.ts";
import type { Group } from "./layout.ts";

const kinds = {
  crc32: { update: crc32, shift: registerShifts.crc32 },
  crc32c: { update: crc32c, shift: registerShifts.crc32c },
} as const;

/**
 * A file that sums up what is written to a range of it, in whatever order, so that it need not be read back. Writes are within the range
 * and no byte is written twice.
 */
export class SummedFile implements OutputFile {
  readonly access = "random";
  readonly within: { readonly source: OutputFile; readonly offset: 0 };
  readonly #file: OutputFile;
  readonly #kind: NonNullable<Group["checksum"]>;
  readonly #from: number;
  readonly #length: number;
  #register = 0;
  #written = 0;

  constructor(file: OutputFile, kind: NonNullable<Group["checksum"]>, from: number, length: number) {
    this.#file = file;
    this.within = { source: file, offset: 0 };
    this.#kind = kind;
    this.#from = from;
    this.#length = length;
  }

  get name(): string {
    return this.#file.name;
  }

  get size(): number {
    return this.#file.size;
  }

  get proves(): boolean {
    return this.#file.proves === true;
  }

  /** The checksum of the range; undefined where bytes of it were never written (holes, which read as zeros). */
  sum(): number | undefined {
    if (this.#written !== this.#length) return undefined;
    // What the register begins with, all ones, moves through the whole range; all bits are inverted at the end.
    return ~(kinds[this.#kind].shift.moved(-1, this.#length) ^ this.#register) >>> 0;
  }

  write(offset: number, bytes: Uint8Array): Promise<void> {
    // A long write is under way while its bytes are summed.
    const writing = this.#file.write(offset, bytes);
    const { update, shift } = kinds[this.#kind];
    // The functions invert the register before and after: this is the plain one, begun at 0.
    const own = ~update(bytes, 0xffffffff);
    this.#register ^= shift.moved(own, this.#from + this.#length - offset - bytes.length);
    this.#written += bytes.length;
    return writing;
  }

  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
    return this.#file.read(offset, length, into);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
