import { CheckpointError } from "../../errors.ts";
import { Cursor } from "../../io/source/cursor.ts";
import { mapped } from "../../io/source/mapped.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import { itemsize } from "../../tensor/dtype.ts";
import type { T7Input } from "./input.ts";

/** The binary form: little-endian, nothing padded. `long` is 8, or 4 for files of Windows and 32-bit writers. */
export function binaryInput(source: ByteSource, long: 4 | 8): T7Input {
  const cursor = new Cursor(source, 0, source.size, { chunk: 4096 });
  return {
    get position() {
      return cursor.position;
    },
    async int() {
      if (!cursor.has(4)) await cursor.fill(4);
      return cursor.i32();
    },
    async long() {
      if (!cursor.has(long)) await cursor.fill(long);
      return long === 8 ? cursor.i64() : cursor.i32();
    },
    async double() {
      if (!cursor.has(8)) await cursor.fill(8);
      return cursor.f64();
    },
    async text(size, most) {
      if (size > most) {
        cursor.skip(size);
        return undefined;
      }
      if (!cursor.has(size)) await cursor.fill(size);
      return cursor.bytes(size);
    },
    async numbers(count, dtype) {
      const narrow = dtype === "int64" && long === 4;
      const length = count * (narrow ? 4 : itemsize(dtype));
      const offset = cursor.position;
      if (!Number.isSafeInteger(length) || length > cursor.remaining) {
        throw new CheckpointError(
          "truncated",
          `a storage of ${count} ${dtype} values reaches beyond the file, which has ${cursor.remaining} bytes left`,
          {
            file: source.name,
            offset,
          },
        );
      }
      cursor.skip(length);
      return narrow ? { source: widened(window(source, offset, length)), offset: 0 } : { source, offset };
    },
  };
}

/** A C long of 4 bytes as int64, which is what LongTensor is everywhere else. */
function widened(source: ByteSource): ByteSource {
  return mapped(source, 4, 8, (input, output) => {
    const from = new DataView(input.buffer, input.byteOffset, input.byteLength);
    const to = new DataView(output.buffer, output.byteOffset, output.byteLength);
    for (let k = 0; k * 4 < input.length; k += 1) to.setBigInt64(k * 8, BigInt(from.getInt32(k * 4, true)), true);
  });
}
