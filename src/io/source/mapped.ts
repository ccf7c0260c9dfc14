import { CheckpointError } from "../../errors.ts";
import { swapBytes } from "../bytes.ts";
import { checkRange, target } from "./range.ts";
import type { ByteSource } from "./source.ts";
import { wholeOf } from "./window.ts";

/** Elements decoded at a time; their bytes stay in the cache between the read and the decoding. */
const ELEMENTS = 1 << 15;

/** Turns whole elements of the stored width into as many of the wanted width; both arrays are exactly that long. `first`: which element of the source they begin with. */
export type ElementDecoder = (input: Uint8Array, output: Uint8Array, first: number) => void;

/**
 * A decoding of fixed width: every `widthIn` bytes of `source` become `widthOut` bytes. Stays as random as its source.
 * Throws `malformed` where the source holds no whole number of elements.
 */
export function mapped(source: ByteSource, widthIn: number, widthOut: number, fn: ElementDecoder, name: string = source.name): ByteSource {
  const count = source.size / widthIn;
  if (!Number.isInteger(count)) {
    throw new CheckpointError("malformed", `${source.size} bytes are no whole number of elements of ${widthIn} bytes`, {
      file: source.name,
    });
  }
  const size = count * widthOut;
  let input = new Uint8Array(0);
  let edge = new Uint8Array(0);
  return {
    name,
    size,
    access: source.access,
    stored: [wholeOf(source)],
    async read(offset, length, into) {
      checkRange(name, size, offset, length, into);
      const out = target(length, into);
      const last = Math.ceil((offset + length) / widthOut);
      let element = Math.floor(offset / widthOut);
      while (element < last) {
        const elements = Math.min(ELEMENTS, last - element);
        if (input.length < elements * widthIn) input = new Uint8Array(elements * widthIn);
        const bytes = await source.read(element * widthIn, elements * widthIn, input);
        const from = element * widthOut - offset; // where this block starts in `out`; may stick out at both ends
        const to = from + elements * widthOut;
        if (from >= 0 && to <= length) {
          fn(bytes, out.subarray(from, to), element);
        } else {
          if (edge.length < elements * widthOut) edge = new Uint8Array(elements * widthOut);
          const block = edge.subarray(0, elements * widthOut);
          fn(bytes, block, element);
          const cut = Math.max(0, -from);
          out.set(block.subarray(cut, Math.min(block.length, length - from)), from + cut);
        }
        element += elements;
      }
      return out;
    },
    async close() {},
  };
}

/** The same values with the bytes of each `unit` (2, 4, 8 or 16) reversed. */
export function byteSwapped(source: ByteSource, unit: number): ByteSource {
  if (unit === 1) return source;
  return mapped(source, unit, unit, (input, output) => {
    output.set(input);
    if (unit === 2 || unit === 4 || unit === 8) swapBytes(output, unit);
    else if (unit === 16) for (let at = 0; at < output.length; at += unit) output.subarray(at, at + unit).reverse();
    else throw new RangeError(`no byte order for units of ${unit} bytes`);
  });
}

/** Two planes, real and imaginary, as pairs: elements of `width` bytes each. */
export function interleaved(re: ByteSource, im: ByteSource, width: number): ByteSource {
  if (re.size !== im.size) {
    throw new CheckpointError("malformed", `the real part has ${re.size} bytes and the imaginary part ${im.size}`, { file: re.name });
  }
  const size = re.size * 2;
  const pair = width * 2;
  const name = re.name;
  return {
    name,
    size,
    access: re.access === "random" && im.access === "random" ? "random" : "forward",
    stored: [wholeOf(re), wholeOf(im)],
    async read(offset, length, into) {
      checkRange(name, size, offset, length, into);
      const out = target(length, into);
      const last = Math.ceil((offset + length) / pair);
      for (let element = Math.floor(offset / pair); element < last; ) {
        const elements = Math.min(ELEMENTS, last - element);
        const planes = [await re.read(element * width, elements * width), await im.read(element * width, elements * width)];
        const from = element * pair - offset;
        for (let p = 0; p < 2; p += 1) {
          const plane = planes[p] ?? new Uint8Array(0);
          for (let k = 0; k < plane.length; k += 1) {
            const at = from + Math.floor(k / width) * pair + p * width + (k % width);
            if (at >= 0 && at < length) out[at] = plane[k] ?? 0;
          }
        }
        element += elements;
      }
      return out;
    },
    async close() {},
  };
}
