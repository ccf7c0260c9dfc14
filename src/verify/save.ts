import { CheckpointError } from "../errors.ts";
import { swapBytes } from "../io/bytes.ts";
import { writeWhole } from "../io/output/write-whole.ts";
import { basename } from "../io/path.ts";
import { npyHeader } from "../writers/numpy/npz.ts";
import type { Scores } from "./compare/top.ts";

/** Characters of a path that is printed once more in a hint. */
const LONG_NAME = 160;

/** Writes the values of a layer as an .npy of float32, N first. Throws `usage` where the file exists and `force` is not given. */
export async function saveValues(path: string, { shape, values }: Scores, force: boolean): Promise<void> {
  if (!path.endsWith(".npy")) {
    // A name that no line holds is cut where it is shown, and a command with half a name is none.
    const hint = path.length > LONG_NAME ? "add .npy to its name" : `-o ${path}.npy`;
    throw new CheckpointError("usage", "values are saved as .npy", { file: path, hint });
  }
  const header = npyHeader({ key: basename(path), dtype: "float32", shape });
  await writeWhole(path, [header, littleEndian(values)], force);
}

function littleEndian(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
  const isBigEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;
  if (isBigEndian) swapBytes(bytes, 4);
  return bytes;
}
