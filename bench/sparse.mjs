import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

/** A safetensors file of `count` float32 tensors of one shape, whose values are holes in the file. */
export function makeSparse(path, count, shape) {
  const size = 4 * shape.reduce((product, n) => product * n, 1);
  const header = {};
  for (let k = 0; k < count; k += 1) {
    header[`stages.${Math.floor(k / 100)}.blocks.${k % 100}.weight`] = { dtype: "F32", shape, data_offsets: [k * size, (k + 1) * size] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = openSync(path, "w");
  writeSync(file, length);
  writeSync(file, json);
  ftruncateSync(file, 8 + json.length + count * size);
  closeSync(file);
}
