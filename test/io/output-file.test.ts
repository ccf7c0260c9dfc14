import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createArena } from "../../src/io/arena.ts";
import { createOutput } from "../../src/io/output/output-file.ts";

const folder = mkdtempSync(join(tmpdir(), "vggtool-output-"));
afterAll(() => rmSync(folder, { recursive: true }));

const [arena, back] = createArena(2 << 20) ?? expect.unreachable("no memory");
for (let k = 0; k < arena.length; k += 1) arena[k] = (k * 31 + (k >>> 11)) % 251;

describe("long writes", () => {
  test.each([0, 4096, 100, 4095, 12_345])("several at once, from byte %i on, come out as written", async (start) => {
    const path = join(folder, `f${start}`);
    const file = createOutput(path, "f", "synced");
    const length = (1 << 20) - 77;
    const bytes = arena.subarray(start % 4096, (start % 4096) + length);
    await file.write(0, new Uint8Array(start).fill(9));
    await Promise.all([
      file.write(start + 300_000, bytes.subarray(300_000, 600_000)),
      file.write(start, bytes.subarray(0, 300_000)),
      file.write(start + 600_000, bytes.subarray(600_000)),
    ]);
    expect(file.size).toBe(start + length);
    const into = back.subarray(start % 4096, (start % 4096) + length);
    expect(Buffer.compare(await file.read(start, length, into), bytes)).toBe(0);
    await file.write(start + 400_000, new Uint8Array(10).fill(7));
    bytes.fill(7, 400_000, 400_010);
    file.finish({ sync: true });
    await file.close();
    expect(Buffer.compare(readFileSync(path), Buffer.concat([new Uint8Array(start).fill(9), bytes]))).toBe(0);
  });

  test("closing waits for them", async () => {
    const file = createOutput(join(folder, "closed"), "closed", "temporary");
    const written = file.write(0, arena);
    await file.close();
    await expect(written).resolves.toBeUndefined();
    expect(Buffer.compare(readFileSync(join(folder, "closed")), arena)).toBe(0);
  });
});
