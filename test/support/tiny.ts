import { conventionsOf } from "../../src/formats.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { expandScheme } from "../../src/model/network/expand.ts";
import type { Network, NetworkLayer } from "../../src/model/network/network.ts";
import type { Role } from "../../src/model/role.ts";
import type { Slot, SlotTemplate, StoredSlot } from "../../src/model/scheme.ts";
import { schemeById } from "../../src/model/schemes.ts";
import { parseAxes } from "../../src/tensor/axes.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { contiguous } from "../../src/tensor/contiguous.ts";
import type { NumericDType } from "../../src/tensor/dtype.ts";
import { encodeNumbers } from "../../src/tensor/numbers/numbers.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";

/** VGG-11 with tiny widths; fc6 sees 2 × 3, so that a swap of height and width shows. */
export const sizes = { blocks: [1, 1, 2, 2, 2], widths: [2, 3, 4, 5, 6], height: 2, width: 3, fc: [7, 8, 9] } as const;

export function tinyNetwork(options: { batchNorm?: boolean; bias?: boolean } = {}): Network {
  const layers: NetworkLayer[] = [];
  let inputs = 3;
  sizes.blocks.forEach((count, block) => {
    const outputs = sizes.widths[block] ?? 1;
    for (let n = 1; n <= count; n++) {
      layers.push({
        kind: "conv",
        name: `conv${block + 1}_${n}`,
        inputs,
        outputs,
        kernel: [3, 3],
        pad: [1, 1],
        bias: options.bias ?? true,
        ...(options.batchNorm === true ? { batchNorm: { epsilon: 1e-5 } } : {}),
      });
      inputs = outputs;
    }
    layers.push({ kind: "pool", name: `pool${block + 1}`, ceil: false });
  });
  let features = inputs * sizes.height * sizes.width;
  sizes.fc.forEach((outputs, k) => {
    layers.push({ kind: "fc", name: `fc${6 + k}`, inputs: features, outputs, bias: true, activation: k === 2 ? "none" : "relu" });
    features = outputs;
  });
  return {
    family: "vgg",
    config: "A",
    name: "VGG-11",
    batchNorm: options.batchNorm === true,
    layers,
    widths: [],
    inputChannels: 3,
    featureShape: [inputs, sizes.height, sizes.width],
    inputSize: [64, 96],
    epsilon: 1e-5,
    geometry: "assumed",
    uncomputed: [],
    missing: [],
    complete: true,
  };
}

const leaves = ["weight", "bias", "bn.weight", "bn.bias", "bn.mean", "bn.var"];

/** A value that tells role and place apart, exact in float16 where small. */
export function valueAt(role: Role, o: number, i: number, h: number, w: number): number {
  const layer = role.slice(0, role.indexOf("."));
  const number = [...layer].reduce((sum, letter) => sum * 7 + letter.charCodeAt(0), 0) % 97;
  const leaf = leaves.indexOf(role.slice(role.indexOf(".") + 1));
  const sign = leaf === 2 || leaf === 5 ? 1 : (o + i + h) % 2 === 0 ? 1 : -1;
  return sign * (1 + number / 128 + leaf / 8 + o / 16 + i / 512 + h / 64 + w / 32);
}

/** Sizes of o, i, h, w of a role. */
export function roleSizes(role: Role, network: Network): Readonly<Record<"o" | "i" | "h" | "w", number>> {
  const layer = network.layers.find(({ name }) => role.startsWith(`${name}.`));
  if (layer === undefined || (layer.kind !== "conv" && layer.kind !== "fc")) throw new Error(`no layer for ${role}`);
  if (!/^\w+\.weight$/.test(role)) return { o: layer.outputs, i: 1, h: 1, w: 1 };
  if (layer.kind === "conv") return { o: layer.outputs, i: layer.inputs, h: layer.kernel[0], w: layer.kernel[1] };
  if (layer.name === "fc6") return { o: layer.outputs, i: network.featureShape?.[0] ?? 1, h: sizes.height, w: sizes.width };
  return { o: layer.outputs, i: layer.inputs, h: 1, w: 1 };
}

/** The values of a role laid out by a pattern, by plain loops: what moves are compared with. */
export function laidOut(role: Role, pattern: string, network: Network, value = valueAt): { shape: number[]; values: Float64Array } {
  const size = roleSizes(role, network);
  const groups = (pattern.match(/\([^)]*\)|\S+/g) ?? []).map((group) =>
    group
      .replace(/[()]/g, "")
      .split(" ")
      .filter((axis) => axis !== "1"),
  );
  const order = groups.flat().map((axis) => (axis === "o" || axis === "i" || axis === "h" || axis === "w" ? axis : "w"));
  const extent = (axis: "o" | "i" | "h" | "w"): number => size[axis];
  const shape = groups.map((group) =>
    group.reduce((product, axis) => product * (axis === "o" || axis === "i" || axis === "h" || axis === "w" ? extent(axis) : 1), 1),
  );
  const count = shape.reduce((a, b) => a * b, 1);
  const values = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    const at = { o: 0, i: 0, h: 0, w: 0 };
    let rest = k;
    for (const axis of order.toReversed()) {
      at[axis] = rest % size[axis];
      rest = Math.floor(rest / size[axis]);
    }
    values[k] = value(role, at.o, at.i, at.h, at.w);
  }
  return { shape, values };
}

export function tensorOf(
  name: string,
  dtype: NumericDType,
  shape: readonly number[],
  values: Float64Array,
  more: Partial<Tensor> = {},
): Tensor {
  const bytes = new Uint8Array(16 * values.length);
  encodeNumbers(values, values.length, dtype, bytes, 0);
  const { kind, label } = more;
  return contiguous({
    name,
    dtype,
    shape,
    source: memorySource(bytes, name),
    ...(kind === undefined ? {} : { kind }),
    ...(label === undefined ? {} : { label }),
  });
}

/** A checkpoint of the tiny network as a scheme keeps it, and more tensors besides. */
export function tinyCheckpoint(
  schemeId: string,
  options: { batchNorm?: boolean; bias?: boolean; dtype?: NumericDType; head?: "dense" | "conv"; more?: readonly Tensor[] } = {},
): { readonly checkpoint: Checkpoint; readonly network: Network } {
  const scheme = schemeById(schemeId);
  if (scheme === undefined) throw new Error(`no scheme ${schemeId}`);
  const network = tinyNetwork(options);
  const tensors = new Map<string, Tensor>();
  for (const [role, slot] of expandScheme(scheme, network, options.head === undefined ? {} : { head: options.head })) {
    if (!("key" in slot)) continue;
    const { shape, values } = laidOut(role, slot.axes.text, network);
    tensors.set(slot.key, tensorOf(slot.key, options.dtype ?? "float32", shape, values));
  }
  for (const tensor of options.more ?? []) tensors.set(tensor.name, tensor);
  const format = scheme.formats[0] ?? "npz";
  return {
    network,
    checkpoint: {
      format,
      conventions: conventionsOf(format),
      variant: "made in memory",
      files: [],
      bytes: 0,
      tensors,
      layers: [],
      metadata: new Map(),
      notes: [],
      close: async () => {},
    },
  };
}

/** A slot as a scheme writes it, its axes as text. */
export function slotFrom(template: SlotTemplate): Slot {
  return "constant" in template ? template : storedSlot(template);
}

export function storedSlot(template: Exclude<SlotTemplate, { readonly constant: 0 | 1 }>): StoredSlot {
  return { ...template, axes: parseAxes(template.axes) };
}
