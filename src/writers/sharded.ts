import type { OutputFile, OutputSet } from "../io/source/source.ts";
import type { FileLayout } from "./layout.ts";

export interface NamedOutput {
  /** Relative to the output's folder. */
  readonly name: string;
  readonly file: OutputFile;
}

/** One logical file over several real ones of `shard.bytes` each, the last one shorter (TF.js weight files). */
export async function createSharded(
  set: OutputSet,
  shard: NonNullable<FileLayout["shard"]>,
  size: number,
): Promise<{ readonly file: OutputFile; readonly parts: readonly NamedOutput[] }> {
  const count = Math.max(1, Math.ceil(size / shard.bytes));
  const parts: NamedOutput[] = [];
  for (let k = 0; k < count; k++) {
    const name = shard.name(k, count);
    parts.push({ name, file: await set.create(name) });
  }
  return { file: spread(parts, shard.bytes), parts };
}

function spread(parts: readonly NamedOutput[], bytes: number): OutputFile {
  /** The pieces of the files that hold `length` bytes from `offset` on. */
  function* spans(offset: number, length: number): Generator<{ file: OutputFile; at: number; from: number; to: number }> {
    for (let done = 0; done < length; ) {
      const index = Math.floor((offset + done) / bytes);
      const part = parts[index];
      if (part === undefined) throw new Error(`write at ${offset + done} beyond ${parts.length} shards of ${bytes} bytes`);
      const at = offset + done - index * bytes;
      const to = Math.min(length, done + bytes - at);
      yield { file: part.file, at, from: done, to };
      done = to;
    }
  }
  return {
    name: parts[0]?.name ?? "",
    access: "random",
    proves: parts.some(({ file }) => file.proves === true),
    get size() {
      return parts.reduce((sum, { file }) => sum + file.size, 0);
    },
    async read(offset, length, into) {
      const bytesRead = into === undefined ? new Uint8Array(length) : into.subarray(0, length);
      for (const { file, at, from, to } of spans(offset, length)) {
        await file.read(at, to - from, bytesRead.subarray(from, to));
      }
      return bytesRead;
    },
    async write(offset, data) {
      for (const { file, at, from, to } of spans(offset, data.length)) await file.write(at, data.subarray(from, to));
    },
    async close() {
      for (const { file } of parts) await file.close();
    },
  };
}
