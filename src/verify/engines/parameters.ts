import type { ConvLayer, FcLayer } from "../../model/network/network.ts";
import { type NormPart, roleOf } from "../../model/role.ts";
import { normEffect, powerOf, requirePositive } from "../../model/role-values.ts";
import type { Weights } from "./engine.ts";

/** What an engine computes with: output = input ∗ kernel + bias. */
export interface Parameters {
  /** Row-major along the asked axes. */
  readonly kernel: Float32Array;
  /** One value for each output. */
  readonly bias: Float32Array;
}

/**
 * Kernel and bias of one layer with batch norm and input scale worked in, in float64, rounded once. Batch norm sits between
 * convolution and ReLU, so that conv(x)·s + t = conv(x, kernel·s) + t everywhere, borders included. Engines then know
 * convolutions only, and no engine's own batch norm (cuDNN refuses an epsilon below 1e-5) gets a say.
 * `axes` has `o` first or last.
 */
export async function parameters(layer: ConvLayer | FcLayer, axes: string, weights: Weights): Promise<Parameters> {
  const kernel = await weights(`${layer.name}.weight`, axes);
  const bias = layer.bias ? await weights(`${layer.name}.bias`, "o") : new Float32Array(layer.outputs);
  if (layer.kind === "fc" && layer.inputScale !== undefined && layer.inputScale !== 1) {
    for (let k = 0; k < kernel.length; k++) kernel[k] = (kernel[k] ?? 0) * layer.inputScale;
  }
  if (layer.batchNorm === undefined) return { kernel, bias };
  const { scale, shift } = await batchNorm(layer.name, layer.batchNorm.epsilon, bias, weights);
  scaleOutputs(kernel, scale, axes.startsWith("o ") || axes === "o");
  return { kernel, bias: Float32Array.from(shift) };
}

async function batchNorm(layer: string, epsilon: number, bias: Float32Array, weights: Weights): Promise<ReturnType<typeof normEffect>> {
  const read = (part: NormPart): Promise<Float32Array> => weights(roleOf(layer, part), "o");
  const [gamma, beta, mean] = [await read("bn.weight"), await read("bn.bias"), await read("bn.mean")];
  const power = Float64Array.from(await read("bn.var"), (value) => powerOf(value, undefined, epsilon));
  requirePositive(power, epsilon, `${layer}.bn.var`);
  return normEffect({ power, gamma, beta, mean, bias });
}

function scaleOutputs(kernel: Float32Array, scale: Float64Array, outputsFirst: boolean): void {
  const run = kernel.length / scale.length;
  for (let k = 0; k < kernel.length; k++) {
    const o = outputsFirst ? Math.floor(k / run) : k % scale.length;
    kernel[k] = (kernel[k] ?? 0) * (scale[o] ?? 1);
  }
}
