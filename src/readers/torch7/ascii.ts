import { CheckpointError } from "../../errors.ts";
import { latin1 } from "../../io/bytes.ts";
import type { Context } from "../../io/context.ts";
import { Cursor } from "../../io/source/cursor.ts";
import { decoded } from "../../io/source/decoded.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { itemsize, type NumericDType } from "../../tensor/dtype.ts";
import type { T7Input } from "./input.ts";

/*
 * The ASCII form (torch.save(file, object, 'ascii')): the same sequence as text. Numbers stand apart by blanks or newlines,
 * a string is its length, a newline and the bytes; so are storages of bytes. Facts: torch7/lib/TH/THDiskFile.c.
 */

const chunkBytes = 1 << 16;
/** The longest number that C's %.17g and %lld print has 24 characters. */
const maxToken = 64;

export function asciiInput(source: ByteSource, ctx: Context): T7Input {
  const cursor = new Cursor(source, 0, source.size, { chunk: chunkBytes });

  const token = async (): Promise<string> => {
    let text = "";
    for (;;) {
      if (cursor.remaining === 0) {
        if (text !== "") return text;
        throw new CheckpointError("truncated", "the text ends where a number is needed", { file: source.name, offset: cursor.position });
      }
      if (!cursor.has(1)) await cursor.fill(1);
      const [byte = 0] = cursor.peek(1);
      if (isBlank(byte)) {
        if (text !== "") return text;
        cursor.skip(1);
        continue;
      }
      text += String.fromCharCode(byte);
      if (text.length > maxToken)
        throw new CheckpointError("malformed", `a number of more than ${maxToken} characters`, {
          file: source.name,
          offset: cursor.position,
        });
      cursor.skip(1);
    }
  };
  const whole = async (): Promise<number> => {
    const offset = cursor.position;
    const text = await token();
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
      throw new CheckpointError("malformed", `${JSON.stringify(text)} where a whole number is needed`, { file: source.name, offset });
    }
    return value;
  };
  /** The newline between a length and the bytes. */
  const newline = async (): Promise<void> => {
    if (cursor.remaining > 0) {
      if (!cursor.has(1)) await cursor.fill(1);
      if (cursor.peek(1)[0] === 0x0a) cursor.skip(1);
    }
  };
  return {
    get position() {
      return cursor.position;
    },
    int: whole,
    long: whole,
    async double() {
      const offset = cursor.position;
      return parseNumber(await token(), source.name, offset);
    },
    async text(size, most) {
      await newline();
      if (size > most) {
        cursor.skip(size);
        return undefined;
      }
      if (!cursor.has(size)) await cursor.fill(size);
      return cursor.bytes(size);
    },
    async numbers(count, dtype) {
      if (itemsize(dtype) === 1) {
        await newline();
        const offset = cursor.position;
        cursor.skip(count);
        return { source, offset };
      }
      // One character and a blank each, at least.
      if (count * 2 > cursor.remaining + 1) {
        throw new CheckpointError(
          "truncated",
          `a storage of ${count} ${dtype} values reaches beyond the file, which has ${cursor.remaining} bytes left`,
          {
            file: source.name,
            offset: cursor.position,
          },
        );
      }
      const from = cursor.position;
      const to = await skipTokens(source, from, count, ctx);
      cursor.seek(to);
      const values = decoded(source.name, count * itemsize(dtype), () => numbersOf(source, from, to, dtype));
      return { source: ctx.values ? ctx.random(values) : values, offset: 0 };
    },
  };
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** Where the `count`-th number from `from` on ends. */
async function skipTokens(source: ByteSource, from: number, count: number, ctx: Context): Promise<number> {
  const buffer = new Uint8Array(chunkBytes);
  let left = count;
  let inside = false;
  for (let at = from; left > 0; ) {
    const length = Math.min(buffer.length, source.size - at);
    if (length === 0) {
      if (inside && left === 1) return at;
      throw new CheckpointError("truncated", `the text ends where ${left} more numbers are needed`, { file: source.name, offset: at });
    }
    await source.read(at, length, buffer);
    for (let k = 0; k < length; k += 1) {
      const blank = isBlank(buffer[k] ?? 0);
      if (inside && blank) {
        left -= 1;
        if (left === 0) return at + k;
      }
      inside = !blank;
    }
    at += length;
    await ctx.tick(0);
  }
  return from;
}

type Writes = (view: DataView, at: number, text: string, value: number) => void;

const writes: Partial<Record<NumericDType, Writes>> = {
  int16: (view, at, _text, value) => view.setInt16(at, value, true),
  int32: (view, at, _text, value) => view.setInt32(at, value, true),
  int64: (view, at, text) => view.setBigInt64(at, /^-?\d+$/.test(text) ? BigInt(text) : 0n, true),
  float32: (view, at, _text, value) => view.setFloat32(at, value, true),
  float64: (view, at, _text, value) => view.setFloat64(at, value, true),
};

async function* numbersOf(source: ByteSource, from: number, to: number, dtype: NumericDType): AsyncGenerator<Uint8Array> {
  const write = writes[dtype];
  if (write === undefined) throw new CheckpointError("unsupported", `${dtype} numbers as text`, { file: source.name, offset: from });
  const width = itemsize(dtype);
  let rest = "";
  for (let at = from; at < to; at += chunkBytes) {
    const bytes = await source.read(at, Math.min(chunkBytes, to - at));
    const words = (rest + latin1(bytes)).split(/\s+/);
    // The last word may go on in the next chunk.
    rest = at + chunkBytes < to ? (words.pop() ?? "") : "";
    const numbers = words.filter((word) => word !== "");
    const out = new Uint8Array(numbers.length * width);
    const view = new DataView(out.buffer);
    for (const [k, word] of numbers.entries()) write(view, k * width, word, parseNumber(word, source.name, at));
    yield out;
  }
}

/** As C's printf writes doubles. */
function parseNumber(text: string, file: string, offset: number): number {
  if (/^[+-]?nan/i.test(text)) return Number.NaN;
  if (/^[+-]?inf/i.test(text)) return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const value = Number(text);
  if (Number.isNaN(value) || text === "")
    throw new CheckpointError("malformed", `${JSON.stringify(text)} where a number is needed`, { file, offset });
  return value;
}
