import type { Activation } from "../engines/engine.ts";

/** What a network is run on: a batch that is held, or pictures that are decoded when their turn comes. */
export interface InputBatch {
  /** N C H W, all of it. */
  readonly shape: readonly number[];
  /** For people: a file's name, "generated, seed 0". */
  readonly source: string;
  /** Of each picture, where they have names. */
  readonly names?: readonly string[];
  /** Order of the colours, where it was chosen for this batch. */
  readonly channels?: "rgb" | "bgr";
  /** What was assumed in making it: sentences. */
  readonly notes: readonly string[];
  /** `count` pictures from `from` on, in the range that the network expects. */
  read(from: number, count: number): Promise<Activation>;
}

/** A batch in memory; parts are views, no copies. */
export function heldBatch(batch: Omit<Activation, "layer">, source: string, notes: readonly string[] = []): InputBatch {
  return madeBatch(batch.shape, () => batch.values, source, notes);
}

/** A batch in memory that is made when it is first read: an engine without room for it refuses before. */
export function madeBatch(shape: readonly number[], make: () => Float32Array, source: string, notes: readonly string[] = []): InputBatch {
  const [pictures = 0, ...rest] = shape;
  const size = rest.reduce((product, axis) => product * axis, 1);
  let held: Float32Array | undefined;
  return {
    shape,
    source,
    notes,
    async read(from, count) {
      held ??= make();
      if (held.length !== pictures * size) throw new TypeError(`${held.length} values for a batch of ${shape.join(" × ")}`);
      return { layer: "input", shape: [count, ...rest], values: held.subarray(from * size, (from + count) * size) };
    },
  };
}
