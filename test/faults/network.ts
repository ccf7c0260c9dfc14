import { writeFileSync } from "node:fs";
import { Random } from "../support/random.ts";

/**
 * A VGG-16 with thin convolutions and a wide fc6, under torchvision's names, as one safetensors file of some `megabytes`: large enough that
 * a kill falls into its reading and writing. The seed decides the values.
 */
export function writeNetwork(path: string, megabytes: number, seed: number): void {
  const widths = [4, 8, 16, 32, 32];
  const counts = [2, 2, 3, 3, 3];
  const wide = Math.max(16, Math.floor((megabytes * 1e6) / (4 * 49 * 32)));
  const shapes: [string, readonly number[]][] = [];
  let inputs = 3;
  let layer = 0;
  for (const [block, count] of counts.entries()) {
    const outputs = widths[block] ?? 4;
    for (let k = 0; k < count; k += 1) {
      shapes.push([`features.${layer}.weight`, [outputs, inputs, 3, 3]], [`features.${layer}.bias`, [outputs]]);
      inputs = outputs;
      layer += 2;
    }
    layer += 1;
  }
  for (const [k, sizes] of [
    [wide, 49 * 32],
    [16, wide],
    [7, 16],
  ].entries()) {
    shapes.push([`classifier.${3 * k}.weight`, sizes], [`classifier.${3 * k}.bias`, sizes.slice(0, 1)]);
  }
  let end = 0;
  const fields = shapes.map(([name, shape]) => {
    const start = end;
    end += 4 * shape.reduce((product, size) => product * size, 1);
    return [name, { dtype: "F32", shape, data_offsets: [start, end] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(fields)));
  const file = Buffer.alloc(8 + header.length + end);
  file.writeBigUInt64LE(BigInt(header.length));
  header.copy(file, 8);
  const random = new Random(seed);
  const values = Float32Array.from({ length: end / 4 }, () => random.next() - 0.5);
  Buffer.from(values.buffer).copy(file, 8 + header.length);
  writeFileSync(path, file);
}
