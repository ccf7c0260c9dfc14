/** Where the bytes of a file are. */
export interface StoredBytes {
  /** Fills the buffer. */
  read(offset: number, into: Uint8Array): void;
  write(offset: number, bytes: Uint8Array): void;
  finished(size: number): Promise<Blob>;
  remove(): Promise<void>;
}

/** Bytes of one part: a file grows by whole ones. */
const PART = 1 << 20;

/** A file in memory, in parts, so that growing copies nothing. */
export function memoryFile(): StoredBytes {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const partAt = (k: number): Uint8Array<ArrayBuffer> => {
    while (parts.length <= k) parts.push(new Uint8Array(PART));
    return parts[k] ?? new Uint8Array(PART);
  };
  /** The stretches of parts that a range is made of. */
  const each = (offset: number, length: number, work: (part: Uint8Array, done: number) => void): void => {
    for (let done = 0; done < length; ) {
      const at = offset + done;
      const from = at % PART;
      const part = partAt(Math.floor(at / PART)).subarray(from, Math.min(PART, from + length - done));
      work(part, done);
      done += part.length;
    }
  };
  return {
    read(offset, into) {
      each(offset, into.length, (part, done) => into.set(part, done));
    },
    write(offset, bytes) {
      each(offset, bytes.length, (part, done) => part.set(bytes.subarray(done, done + part.length)));
    },
    async finished(size) {
      partAt(Math.max(0, Math.ceil(size / PART) - 1));
      return new Blob(parts).slice(0, size);
    },
    async remove() {
      parts.length = 0;
    },
  };
}
