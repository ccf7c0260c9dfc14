import type { LayerResult, RunRecord } from "../record.ts";

/** Where one file gives something else on another engine, its weights are not the cause: sentences, none where all engines agree on it. */
export function enginesApart(layer: string, file: string, runs: readonly RunRecord[]): readonly string[] {
  const apart = runs.filter((run) => run.file === file && run.firstDivergence === layer);
  return apart.map(
    ({ engine }) =>
      `${layer} of the same file comes out differently on ${engine.name} (${engine.deviceName}) than on the first engine: the engines differ, not the weights`,
  );
}

/** Errors of operands with 11 bits, over a layer's largest value: seen between 2^-14 and 2^-8 at the first layer that differs. */
const [SMALLEST, LARGEST] = [2 ** -14, 2 ** -8];

/**
 * Names TF32 and half precision where the errors of the first layer that differs have their size, and are spread as rounding spreads them:
 * small everywhere, and in no direction.
 */
export function lowPrecision(layers: readonly LayerResult[], firstDivergence: string): readonly string[] {
  const first = layers.find(({ role }) => role === firstDivergence);
  if (first === undefined || first.maxRel === null || first.maxAbs === null || first.meanAbs === null || first.cosine === null) return [];
  const isSmall = first.maxRel > SMALLEST && first.maxRel < LARGEST && first.cosine > 0.9999;
  const isSpread = first.meanAbs > first.maxAbs / 100 && first.meanAbs < first.maxAbs / 2;
  if (!isSmall || !isSpread) return [];
  return [
    `the errors of ${firstDivergence} look like those of operands rounded to 11 bits, as TF32 (on NVIDIA GPUs from Ampere on) and float16 do: where a GPU computed the values, NVIDIA_TF32_OVERRIDE=0, or in PyTorch torch.backends.cudnn.allow_tf32 = False, turns TF32 off`,
  ];
}
