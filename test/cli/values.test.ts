import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { PROCESS_TIMEOUT, vggtool } from "../support/cli.ts";
import { command } from "../support/command.ts";
import { Random } from "../support/random.ts";
import { normals, type SmallTensor, size, smallVgg, trained, uniforms } from "../support/vgg.ts";

// A small VGG-11 with one fault for each finding that needs values, and the same without faults.
const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
vi.setConfig({ testTimeout: PROCESS_TIMEOUT });

beforeAll(() => {
  write("sound.safetensors", () => undefined);
  write("faulty.safetensors", damage);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** By hand: eight bytes of length, the header, the values. */
function write(name: string, change: (values: Float32Array, tensor: SmallTensor) => void): void {
  const fill = trained(new Random(4));
  const header = new Map<string, unknown>();
  const parts: Uint8Array[] = [];
  let offset = 0;
  smallVgg((tensor) => {
    const values = fill(tensor);
    change(values, tensor);
    const bytes = new Uint8Array(values.buffer);
    header.set(`${tensor.layer}.${tensor.part}`, { dtype: "F32", shape: tensor.shape, data_offsets: [offset, offset + bytes.length] });
    parts.push(bytes);
    offset += bytes.length;
    return values;
  });
  const text = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const length = Buffer.alloc(8);
  length.writeUInt32LE(text.length);
  writeFileSync(join(folder, name), Buffer.concat([length, text, ...parts]));
}

function damage(values: Float32Array, { layer, part, shape, fanIn, fanOut }: SmallTensor): void {
  const random = new Random(7);
  const count = size(shape);
  const weight = part === "weight";
  if (layer === "features.3" && weight) values.fill(Number.NaN, 0, 3);
  if (layer === "features.6" && weight) values.fill(0);
  if (layer === "features.8" && weight) values.fill(0, 0, (2 * count) / (shape[0] ?? 1));
  if (layer === "classifier.0" && weight) values.set(smoothInTheOtherOrder(random, shape));
  if (layer === "classifier.3" || layer === "classifier.6")
    values.set(weight ? uniforms(random, count, Math.sqrt(6 / (fanIn + fanOut))) : new Float32Array(count));
}

/** fc6 of 20 channels at 4 × 4 places, as a network with channels last would have learnt it. */
function smoothInTheOtherOrder(random: Random, [outputs = 0, inputs = 0]: readonly number[]): Float32Array {
  const values = new Float32Array(outputs * inputs);
  for (let row = 0; row < outputs * 20; row++) {
    const noise = normals(random, 25, 0.05);
    for (let place = 0; place < 16; place++) {
      const corner = Math.floor(place / 4) * 5 + (place % 4);
      const near = [corner, corner + 1, corner + 5, corner + 6].reduce((sum, k) => sum + (noise[k] ?? 0), 0);
      values[Math.floor(row / 20) * inputs + place * 20 + (row % 20)] = near;
    }
  }
  return values;
}

test("--stats finds each of the faults, with its numbers", async () => {
  const run = await vggtool(["inspect", join(folder, "faulty.safetensors"), "--stats", "--fail-on", "error"]);
  expect(run.code).toBe(1);
  const said = run.stdout.replace(/\s+/g, " ");
  expect(said).toContain("error not-finite: 1 tensor holds values that are no numbers: features.3.weight (3 NaN of 432)");
  expect(said).toContain("warning all-zero: 1 weight tensor is 0 throughout: features.6.weight");
  expect(said).toMatch(/dead-filters: .*2 of 12 in conv3_2/);
  expect(said).toMatch(/info looks-initial: 2 of 11 layers .*fc7, fc8: Xavier uniform/);
  expect(said).toMatch(/warning layout-suspect: fc6 is read as \(i h w\), but .* in the order \(h w i\) .*nearly certain/);
});

test("a sound network has none of them, and without --stats no values are read", async () => {
  const codes = /not-finite|all-zero|dead-filters|looks-initial|layout-suspect/;
  expect((await command(["inspect", join(folder, "sound.safetensors"), "--stats"])).stdout).not.toMatch(codes);
  expect((await command(["inspect", join(folder, "faulty.safetensors")])).stdout).not.toMatch(codes);
});
