import { Deflate as Deflater, Inflate, Z_BUF_ERROR, Z_FINISH, Z_NO_FLUSH, Z_OK } from "pako";
import { CheckpointError } from "../../errors.ts";
import type { Deflate } from "../compression.ts";
import type { ByteSource } from "../source/source.ts";

/*
 * Deflate in a browser, by a port of zlib: DecompressionStream does not say what is wrong with damaged data, nor where a stream ends, and
 * CompressionStream has no levels.
 */

/** Bytes read at a time. */
const CHUNK = 256 << 10;
/** Bytes inflated at a time. */
const INFLATED = 256 << 10;

/** The bytes of `source` inflated, as they come. Throws `malformed` and `truncated`. */
export async function* inflate(source: ByteSource, format: Deflate): AsyncGenerator<Uint8Array> {
  const ready: Uint8Array[] = [];
  const begin = (): Inflate => {
    const stream = new Inflate({ chunkSize: INFLATED, windowBits: windowBits[format] });
    stream.onData = (chunk) => ready.push(chunk);
    return stream;
  };
  let stream = begin();
  for (let fed = 0; fed < source.size; ) {
    const bytes = await source.read(fed, Math.min(CHUNK, source.size - fed));
    if (stream.ended) {
      // gzip may have several members; one that ends with a chunk is followed by zeros or by the next. What follows others is not theirs.
      if (format !== "gzip" || bytes[0] === 0) return;
      stream = begin();
    }
    fed += bytes.length;
    stream.push(bytes, fed === source.size ? Z_FINISH : Z_NO_FLUSH);
    yield* ready.splice(0);
    refuse(stream, source.name);
  }
  if (!stream.ended) throw cut(source.name);
}

/** As zlib's inflateInit2 takes them: 15 bits of window, negative without header, 16 more for gzip's. */
const windowBits: Readonly<Record<Deflate, number>> = { zlib: 15, raw: -15, gzip: 31 };

function refuse({ err, msg }: Inflate, file: string): void {
  if (err === Z_OK) return;
  if (err === Z_BUF_ERROR) throw cut(file);
  throw new CheckpointError("malformed", `the compressed data is damaged (${msg})`, { file });
}

function cut(file: string): CheckpointError {
  return new CheckpointError("truncated", "the compressed data ends in the middle", { file });
}

/** A zlib stream inflated at once. Throws a RangeError where it is longer than `most`, another Error where it is damaged or cut. */
export function inflateAll(bytes: Uint8Array, most: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const stream = new Inflate({ chunkSize: Math.min(INFLATED, most + 1) });
  stream.onData = (chunk) => {
    length += chunk.length;
    if (length > most) throw new RangeError(`more than ${most} bytes`);
    chunks.push(chunk);
  };
  stream.push(bytes, Z_FINISH);
  if (stream.err !== Z_OK) throw new Error(stream.msg);
  if (!stream.ended) throw new Error("unexpected end of file");
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** Browsers have none. */
export function systemCrc32(): undefined {
  return undefined;
}

/** The chunks of `input` deflated; the same bytes as Node's, whose zlib hashes as this port does. */
export async function* deflate(format: "zlib" | "raw", input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const ready: Uint8Array[] = [];
  const stream = new Deflater({ level: 1, chunkSize: INFLATED, raw: format === "raw" });
  stream.onData = (chunk) => ready.push(chunk);
  for await (const chunk of input) {
    stream.push(chunk, Z_NO_FLUSH);
    yield* ready.splice(0);
  }
  stream.push(new Uint8Array(0), Z_FINISH);
  if (stream.err !== Z_OK) throw new Error(stream.msg);
  yield* ready.splice(0);
}
