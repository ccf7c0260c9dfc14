import { CheckpointError } from "../../errors.ts";
import type { StreamTensor } from "./lod-tensor.ts";
import type { Declared } from "./program.ts";

/** A lone tensor has no name; several are counted. */
export function numbered(count: number): readonly string[] {
  return count === 1 ? [""] : Array.from({ length: count }, (_, index) => String(index));
}

/** Names for the tensors of a stream: all that the program saves, else those that an operator uses (variables pruned at save). */
export function namesFor(stream: readonly StreamTensor[], parameters: readonly Declared[], file: string): readonly string[] {
  const all = [...parameters].sort((a, b) => byCodePoint(a.name, b.name));
  const used = all.filter((parameter) => parameter.used);
  for (const candidates of [all, used]) {
    const agrees =
      candidates.length === stream.length && candidates.every(({ shape }, index) => fitsDeclared(stream[index]?.shape ?? [], shape));
    if (agrees) return candidates.map(({ name }) => name);
  }
  if (all.length !== stream.length) {
    throw new CheckpointError("mismatch", `${stream.length} tensors in the file, the program beside it declares ${all.length} parameters`, {
      file,
    });
  }
  const index = all.findIndex(({ shape }, at) => !fitsDeclared(stream[at]?.shape ?? [], shape));
  throw disagree(stream[index]?.shape ?? [], all[index]?.shape ?? []).at({
    file,
    ...(all[index] === undefined ? {} : { tensor: all[index].name }),
  });
}

export function disagree(found: readonly number[], declared: readonly number[]): CheckpointError {
  return new CheckpointError("mismatch", `shape [${found.join(", ")}] in the file, the program declares [${declared.join(", ")}]`);
}

/** −1 in a program fits any size; programs before 2.0 declare a scalar as [1]. */
export function fitsDeclared(shape: readonly number[], declared: readonly number[]): boolean {
  if (declared.length !== shape.length) return shape.length === 0 && declared.length === 1 && declared[0] === 1;
  return declared.every((size, axis) => size === -1 || size === shape[axis]);
}

/** Python sorts texts by code point; JavaScript by UTF-16 unit. */
export function byCodePoint(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  for (let k = 0; k < Math.min(left.length, right.length); k += 1) {
    const difference = (left[k]?.codePointAt(0) ?? 0) - (right[k]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
