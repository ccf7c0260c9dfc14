import type { RoleKind, SlotTemplate } from "../scheme.ts";

/** Keys of one convention; what is left out is not stored. */
export type Keys = Partial<Record<RoleKind, string>>;

interface Layout {
  readonly conv: string;
  readonly fc6: string;
  readonly fc: string;
}

/** Axes of kernels and matrices by family; vectors are `o` everywhere but in MatConvNet. */
export const layouts = {
  /** TensorFlow and Keras. */
  hwio: { conv: "h w i o", fc6: "(h w i) o", fc: "i o" },
  /** The same with fully connected layers as convolutions. */
  hwioConv: { conv: "h w i o", fc6: "h w i o", fc: "h w i o" },
  /** PyTorch, Caffe, MXNet, Torch7, Darknet. */
  oihw: { conv: "o i h w", fc6: "o (i h w)", fc: "o i" },
  /** The same with fully connected layers as convolutions. */
  oihwConv: { conv: "o i h w", fc6: "o i h w", fc: "o i h w" },
  /** Paddle: Linear is [in, out], and its rows are flattened channels first. */
  paddle: { conv: "o i h w", fc6: "(i h w) o", fc: "i o" },
} as const satisfies Record<string, Layout>;

/** Gives each key its axes. */
export function slotsOf(keys: Keys, layout: Layout, vector = "o"): Partial<Record<RoleKind, SlotTemplate>> {
  const slots: Partial<Record<RoleKind, SlotTemplate>> = {};
  const axes: Readonly<Record<string, string>> = {
    "conv.weight": layout.conv,
    "fc6.weight": layout.fc6,
    "fc7.weight": layout.fc,
    "fc8.weight": layout.fc,
  };
  for (const kind of roleKinds) {
    const key = keys[kind];
    if (key !== undefined) slots[kind] = { key, axes: axes[kind] ?? vector };
  }
  return slots;
}

const roleKinds: readonly RoleKind[] = [
  "conv.weight",
  "conv.bias",
  "bn.weight",
  "bn.bias",
  "bn.mean",
  "bn.var",
  "fc6.weight",
  "fc6.bias",
  "fc7.weight",
  "fc7.bias",
  "fc8.weight",
  "fc8.bias",
];

/** weight and bias under one stem: stem + suffixes. */
export function pair(kind: "conv" | "fc6" | "fc7" | "fc8", stem: string, weight: string, bias: string): Keys {
  return { [`${kind}.weight`]: stem + weight, [`${kind}.bias`]: stem + bias };
}

/** The four of a batch norm under one stem. */
export function norm(stem: string, names: readonly [gamma: string, beta: string, mean: string, variance: string]): Keys {
  const [gamma, beta, mean, variance] = names;
  return { "bn.weight": stem + gamma, "bn.bias": stem + beta, "bn.mean": stem + mean, "bn.var": stem + variance };
}

/** The three fully connected layers under three stems. */
export function head(stems: readonly [string, string, string], weight: string, bias: string): Keys {
  return { ...pair("fc6", stems[0], weight, bias), ...pair("fc7", stems[1], weight, bias), ...pair("fc8", stems[2], weight, bias) };
}
