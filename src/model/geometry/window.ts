/** How a kernel or a pool slides along one axis, in pixels. */
export interface Window {
  readonly kernel: number;
  readonly stride: number;
  /** Before and behind; same: as many as it takes to give size ÷ stride, the odd one behind. */
  readonly pad: readonly [before: number, behind: number] | "same";
  /** 1: neighbouring pixels. */
  readonly dilation: number;
  /** The number of places is rounded up: the last window may reach over the end. */
  readonly ceil: boolean;
}

export type Windows = readonly [height: Window, width: Window];

/** Pixels from a window's first to its last. */
export function windowReach({ kernel, dilation }: Window): number {
  return (kernel - 1) * dilation + 1;
}

/** How many places a window has along `size` pixels. */
export function slide(size: number, window: Window): number {
  const { stride, pad, ceil } = window;
  if (pad === "same") return Math.ceil(size / stride);
  const steps = (size + pad[0] + pad[1] - windowReach(window)) / stride;
  const places = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
  // A window that would begin behind the image and its padding is left out (Caffe's PoolingLayer, PyTorch's pooling_shape.h).
  return ceil && (places - 1) * stride >= size + pad[0] ? places - 1 : places;
}

/** The padding that gives all places, and no more. */
export function padsOf(size: number, window: Window): readonly [before: number, behind: number] {
  const total = (slide(size, window) - 1) * window.stride + windowReach(window) - size;
  const before = window.pad === "same" ? Math.floor(Math.max(total, 0) / 2) : window.pad[0];
  return [before, Math.max(total - before, 0)];
}

/** Stride 1, no dilation: a convolution as all of VGG's. */
export function plainWindows(kernel: readonly [number, number], pad: readonly [number, number]): Windows {
  const of = (axis: 0 | 1): Window => ({ kernel: kernel[axis], stride: 1, pad: [pad[axis], pad[axis]], dilation: 1, ceil: false });
  return [of(0), of(1)];
}

/** VGG's own pool: 2×2, stride 2. */
export function halving(ceil: boolean): Windows {
  const window: Window = { kernel: 2, stride: 2, pad: [0, 0], dilation: 1, ceil };
  return [window, window];
}

/** Whether a pool of these windows gives what it gets. */
export function changesNothing(windows: Windows): boolean {
  return windows.every(({ kernel, stride, pad }) => kernel === 1 && stride === 1 && (pad === "same" || (pad[0] === 0 && pad[1] === 0)));
}

/** Whether two windows give the same places for every size. */
export function sameWindows(a: Windows, b: Windows): boolean {
  return [0, 1].every((axis) => signature(a[axis === 0 ? 0 : 1]) === signature(b[axis === 0 ? 0 : 1]));
}

function signature({ kernel, stride, pad, dilation, ceil }: Window): string {
  // One more row of padding at the end of a 2×2 pool is how MatConvNet and Darknet round up.
  if (kernel === 2 && stride === 2 && dilation === 1 && pad !== "same" && pad[0] === 0 && (pad[1] === 1 || ceil)) return "2/2 up";
  if (kernel === 2 && stride === 2 && pad === "same") return "2/2 up";
  const odd = stride === 1 && kernel % 2 === 1;
  const pads = pad === "same" && odd ? [((kernel - 1) * dilation) / 2, ((kernel - 1) * dilation) / 2] : pad;
  return `${kernel} ${stride} ${String(pads)} ${kernel === 1 ? 1 : dilation} ${ceil && stride > 1}`;
}

/** "3×3, stride 1, padding 6, dilation 6", for people. */
export function windowsText([height, width]: Windows): string {
  const both = (a: number | string, b: number | string): string => (a === b ? String(a) : `${a}×${b}`);
  const pads = [height, width].map(({ pad }) => (pad === "same" ? pad : pad[0] === pad[1] ? pad[0] : pad.join(" and ")));
  const [padHeight = 0, padWidth = 0] = pads;
  const parts = [`${height.kernel}×${width.kernel}`, `stride ${both(height.stride, width.stride)}`];
  if (padHeight !== 0 || padWidth !== 0) parts.push(`padding ${both(padHeight, padWidth)}`);
  if (height.dilation !== 1 || width.dilation !== 1) parts.push(`dilation ${both(height.dilation, width.dilation)}`);
  if (height.ceil) parts.push("rounded up");
  return parts.join(", ");
}
