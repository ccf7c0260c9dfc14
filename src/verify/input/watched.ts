import type { Activation } from "../engines/engine.ts";
import type { InputBatch } from "./batch.ts";

/** Where in a batch some pictures are. */
export interface BatchPart {
  readonly from: number;
  /** Pictures of the whole batch. */
  readonly all: number;
  /** Order of the colours, where it is known. */
  readonly channels: "rgb" | "bgr" | undefined;
}

/** Gets pictures as the network is given them, N C H W. */
export type Watch = (pictures: Activation, part: BatchPart) => void;

/** The same batch, each part of which `watch` sees when it is first read. `channels`: what the network takes, where the batch does not say. */
export function watched(batch: InputBatch, watch: Watch | undefined, channels: "rgb" | "bgr" | undefined): InputBatch {
  if (watch === undefined) return batch;
  const seen = new Set<number>();
  return {
    ...batch,
    async read(from, count) {
      const pictures = await batch.read(from, count);
      if (!seen.has(from)) watch(pictures, { from, all: batch.shape[0] ?? 0, channels: batch.channels ?? channels });
      seen.add(from);
      return pictures;
    },
  };
}
