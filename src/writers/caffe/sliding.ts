import { CheckpointError } from "../../errors.ts";
import { type Window, type Windows, windowsText } from "../../model/geometry/window.ts";

/** A field of ConvolutionParameter or PoolingParameter (caffe.proto): its number and its name. */
export interface SlidingField {
  readonly number: number;
  readonly name: string;
  readonly value: number;
}

type Kind = "convolution" | "pooling";

/** Numbers of pad, kernel_size and stride; then of pad_h, pad_w, kernel_h, kernel_w, stride_h, stride_w. */
const numbers: Readonly<Record<Kind, { readonly square: readonly number[]; readonly apart: readonly number[] }>> = {
  convolution: { square: [3, 4, 6], apart: [9, 10, 11, 12, 13, 14] },
  pooling: { square: [4, 2, 3], apart: [9, 10, 5, 6, 7, 8] },
};
const DILATION = 18;

/** How a layer slides, in Caffe's fields; those at their default are left out. Throws `unsupported` for what Caffe does not know. */
export function slidingOf(windows: Windows, kind: Kind): readonly SlidingField[] {
  const [down, across] = windows;
  const [top, left] = [evenPad(down, windows), evenPad(across, windows)];
  const square = top === left && down.kernel === across.kernel && down.stride === across.stride;
  const names = square ? ["pad", "kernel_size", "stride"] : ["pad_h", "pad_w", "kernel_h", "kernel_w", "stride_h", "stride_w"];
  const values = square ? [top, down.kernel, down.stride] : [top, left, down.kernel, across.kernel, down.stride, across.stride];
  const fields = names.map((name, k) => ({ name, number: numbers[kind][square ? "square" : "apart"][k] ?? 0, value: values[k] ?? 0 }));
  const told = fields.filter(({ name, value }) =>
    name.startsWith("stride") ? value !== 1 : name.startsWith("kernel") || value !== 0 || kind === "convolution",
  );
  if (down.dilation === 1 && across.dilation === 1) return told;
  const dilations = down.dilation === across.dilation ? [down.dilation] : [down.dilation, across.dilation];
  return [...told, ...dilations.map((value) => ({ name: "dilation", number: DILATION, value }))];
}

function evenPad({ pad, kernel, dilation, stride, ceil }: Window, windows: Windows): number {
  // 2×2 with stride 2 and one more row at the end is what Caffe does by itself.
  if (kernel === 2 && stride === 2 && (ceil || pad !== "same") && (pad === "same" || pad[0] === 0)) return 0;
  if (pad === "same" && kernel % 2 === 1 && stride === 1) return ((kernel - 1) * dilation) / 2;
  if (pad !== "same" && pad[0] === pad[1]) return pad[0];
  throw new CheckpointError("unsupported", `Caffe pads both sides alike, and a layer has ${windowsText(windows)}`);
}
