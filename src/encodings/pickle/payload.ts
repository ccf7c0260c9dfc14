import { CheckpointError } from "../../errors.ts";
import { decoded } from "../../io/source/decoded.ts";
import { memorySource } from "../../io/source/memory.ts";
import type { ByteSource } from "../../io/source/source.ts";
import type { StoredAs } from "../../tensor/stored.ts";
import { latin1Bytes } from "./latin1.ts";
import { toLatin1 } from "./text.ts";
import { escapedBytes } from "./text-stream.ts";
import { PlacedBytes, Slice } from "./values.ts";

/** Where the bytes of a bytes object lie. */
export interface Payload {
  readonly source: ByteSource;
  readonly offset: number;
  /** Where each byte was written as a character. */
  readonly stored?: StoredAs;
}

/** The most encoded bytes that one byte can take: two in UTF-8, six as `\u00ff`, four as `\xff`. */
const widest = { bytes: 1, "latin-1": 1, "utf-8": 2, escaped: 6, quoted: 4 };

/**
 * The `size` bytes that a value of `bytesValue` means. A text is not decoded to be measured: its encoded length has to be possible, the
 * rest shows when it is read. Throws `malformed`.
 */
export function payload(value: Uint8Array | Slice | string, size: number, file: string): Payload {
  if (value instanceof Slice) return slicePayload(value, size);
  const bytes = typeof value === "string" ? toLatin1(value) : value;
  if (bytes === undefined) throw new CheckpointError("malformed", "bytes kept as text hold a character beyond U+00FF", { file });
  if (bytes.length !== size) throw new CheckpointError("malformed", `${bytes.length} bytes of values, the shape needs ${size}`, { file });
  const stored = typeof value === "string" ? { stored: { kind: "text" } as const } : {};
  const within = value instanceof PlacedBytes ? value.within : undefined;
  return { source: memorySource(bytes, file, within), offset: 0, ...stored };
}

function slicePayload(slice: Slice, size: number): Payload {
  const { source, offset, length, encoding } = slice;
  const most = size * widest[encoding];
  if (length < size || length > most) {
    const what = most === size ? `${length} bytes of values` : `a text of ${length} bytes`;
    throw new CheckpointError("malformed", `${what}, the shape needs ${size}`, { file: source.name, offset });
  }
  if (encoding === "bytes" || encoding === "latin-1") return { source, offset };
  const start = (): AsyncIterable<Uint8Array> =>
    encoding === "utf-8" ? latin1Bytes(source, offset, length) : escapedBytes(source, offset, length, encoding);
  return { source: decoded(source.name, size, start), offset: 0, stored: { kind: "text" } };
}
