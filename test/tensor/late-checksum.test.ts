import { expect, test } from "vitest";
import { checked } from "../../src/encodings/checksum/checked.ts";
import { crc32c } from "../../src/encodings/checksum/crc32c.ts";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { window } from "../../src/io/source/window.ts";
import { contiguous } from "../../src/tensor/contiguous.ts";
import { memoryTarget } from "../../src/tensor/move/memory-target.ts";
import { move } from "../../src/tensor/move/move.ts";
import { stridesFor, view } from "../../src/tensor/view.ts";
import { Random } from "../support/random.ts";

const rows = 300;
const columns = 500;
const file = new Random(3).bytes(20 + rows * columns * 4);
const range = { offset: 12, size: rows * columns * 4 + 8 };

/** Moves a matrix that a window of a checked range holds, transposed or not. */
async function moved(crc: number, to: string): Promise<Uint8Array> {
  const source = window(checked(memorySource(file), range, crc, range), 8, rows * columns * 4);
  const tensor = contiguous({ name: "t", dtype: "float32", shape: [rows, columns], source });
  const out = new Uint8Array(rows * columns * 4);
  const from = await view(tensor, "r c");
  await move(from, stridesFor(from, to), { file: memoryTarget(out), at: 0 }, createContext({ memory: 1 << 16 }));
  return out;
}

test.each(["r c", "c r"])("a damaged tensor is refused, and a sound one moved, to %s", async (to) => {
  const crc = crc32c(file.subarray(range.offset, range.offset + range.size));
  const out = new Uint32Array((await moved(crc, to)).buffer);
  const wanted = new Uint32Array(file.slice(20).buffer);
  const place = to === "r c" ? (r: number, c: number) => r * columns + c : (r: number, c: number) => c * rows + r;
  let wrong = 0;
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) if (out[place(r, c)] !== wanted[r * columns + c]) wrong += 1;
  expect(wrong).toBe(0);
  await expect(moved(crc === 0 ? 1 : crc - 1, to)).rejects.toMatchObject({ code: "malformed" });
});
