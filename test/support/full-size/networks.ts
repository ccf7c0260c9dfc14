/** A layer with weights: convolutions have a kernel, fully connected layers take `inputs` as one row. */
export interface WeightedLayer {
  readonly name: string;
  readonly kernel?: number;
  readonly inputs: number;
  readonly outputs: number;
}

const blocks: Readonly<Record<11 | 13 | 16 | 19, readonly number[]>> = {
  11: [1, 1, 2, 2, 2],
  13: [2, 2, 2, 2, 2],
  16: [2, 2, 3, 3, 3],
  19: [2, 2, 4, 4, 4],
};
const widths: readonly number[] = [64, 128, 256, 512, 512];

/** The convolutions of a published depth, block by block, at full width. */
export function convBlocks(depth: keyof typeof blocks): readonly (readonly WeightedLayer[])[] {
  let inputs = 3;
  return blocks[depth].map((count, block) =>
    Array.from({ length: count }, (_, n) => {
      const outputs = widths[block] ?? 512;
      const layer: WeightedLayer = { name: `conv${block + 1}_${n + 1}`, kernel: 3, inputs, outputs };
      inputs = outputs;
      return layer;
    }),
  );
}
