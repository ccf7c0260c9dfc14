import { CheckpointError } from "../../errors.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";

/** Where a file's addresses count from, and how wide they are; from its superblock. */
export interface Hdf5Layout {
  readonly source: ByteSource;
  /** The same, for structures: short, in many places, and near each other. */
  readonly structures: ByteSource;
  /** Added to every address: where the superblock is (512 behind a MATLAB header). */
  readonly base: number;
  /** Bytes of an address and of a length: 2, 4 or 8. */
  readonly offsetSize: number;
  readonly lengthSize: number;
  /** Address of the object header with what the superblock has no room for; only superblocks of version 2 and 3 have one. */
  readonly extension?: number | undefined;
  /** Where messages of a type are that many objects share. */
  readonly shared?: (type: number) => Promise<SharedMessages>;
  /** The files beside it, where they are known: virtual and external data may be there. */
  readonly files?: FileSet | undefined;
}

/** A heap of messages that many objects share. */
export interface SharedMessages {
  /** The message of an id. */
  read(id: Fields): Promise<Fields>;
}

/** No structure but a heap or a data block is longer; object headers stay below 64 KiB in practice. */
export const maxStructure = 16 * 1024 * 1024;

/** Exactly `length` bytes at an address; throws `truncated` where the file ends before, `unsafe` above `maxStructure`. */
export async function readAt(layout: Hdf5Layout, address: number, length: number, what: string): Promise<Fields> {
  const offset = layout.base + address;
  const where = { file: layout.source.name, offset };
  if (length > maxStructure) throw new CheckpointError("unsafe", `${what} of ${length} bytes, at most ${maxStructure} are read`, where);
  if (offset + length > layout.source.size) {
    throw new CheckpointError("truncated", `${what} of ${length} bytes, the file ends at ${layout.source.size}`, where);
  }
  return new Fields(await layout.structures.read(offset, length), layout, offset, what);
}

/** Little-endian fields of one structure, read from its front; every step is checked against its end. */
export class Fields {
  readonly bytes: Uint8Array;
  readonly what: string;
  /** Of the first byte, in the file. */
  readonly offset: number;
  readonly #layout: Hdf5Layout;
  readonly #view: DataView;
  position = 0;

  constructor(bytes: Uint8Array, layout: Hdf5Layout, offset: number, what: string) {
    this.bytes = bytes;
    this.what = what;
    this.offset = offset;
    this.#layout = layout;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.bytes.length - this.position;
  }

  u8(): number {
    return this.#view.getUint8(this.#step(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#step(2), true);
  }
  u32(): number {
    return this.#view.getUint32(this.#step(4), true);
  }

  /** An unsigned integer of `width` bytes (1 to 8); throws `malformed` above 2^53. */
  uint(width: number): number {
    const at = this.#step(width);
    let value = 0;
    for (let k = width - 1; k >= 0; k--) value = value * 256 + (this.bytes[at + k] ?? 0);
    if (!Number.isSafeInteger(value)) this.fail(`a number of ${value} is beyond any file`);
    return value;
  }

  length(): number {
    return this.uint(this.#layout.lengthSize);
  }

  /** undefined where all bits are set: there is none. */
  address(): number | undefined {
    return this.#unlessSet(this.#layout.offsetSize);
  }

  /** undefined where all bits are set: there is no end. */
  lengthOrNone(): number | undefined {
    return this.#unlessSet(this.#layout.lengthSize);
  }

  #unlessSet(width: number): number | undefined {
    const bytes = this.take(width);
    if (bytes.every((byte) => byte === 0xff)) return undefined;
    this.position -= width;
    return this.uint(width);
  }

  /** A view of the next `length` bytes, not a copy. */
  take(length: number): Uint8Array {
    const at = this.#step(length);
    return this.bytes.subarray(at, at + length);
  }

  /** The next `length` bytes as fields of their own. */
  sub(length: number, what: string): Fields {
    const offset = this.offset + this.position;
    return new Fields(this.take(length), this.#layout, offset, what);
  }

  skip(length: number): void {
    this.#step(length);
  }

  /** Text up to a NUL, which is passed over. */
  text(): string {
    const end = this.bytes.indexOf(0, this.position);
    if (end < 0) this.fail("a name without its end");
    const text = new TextDecoder().decode(this.bytes.subarray(this.position, end));
    this.position = end + 1;
    return text;
  }

  /** Four letters that mark a structure. */
  signature(expected: string): void {
    const found = String.fromCharCode(...this.take(4));
    if (found !== expected) this.fail(`signature ${expected} expected, found ${JSON.stringify(found)}`);
  }

  fail(message: string): never {
    throw new CheckpointError("malformed", `${this.what}: ${message}`, {
      file: this.#layout.source.name,
      offset: this.offset + this.position,
    });
  }

  unsupported(message: string): never {
    throw new CheckpointError("unsupported", `${this.what}: ${message}`, { file: this.#layout.source.name, offset: this.offset });
  }

  #step(width: number): number {
    const at = this.position;
    if (!(width >= 0) || at + width > this.bytes.length) this.fail(`${width} bytes needed, ${this.bytes.length - at} are left`);
    this.position += width;
    return at;
  }
}
