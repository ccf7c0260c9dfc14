import { conventionsOf } from "../../src/formats.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import type { Network } from "../../src/model/network/network.ts";
import { isRole, type Role } from "../../src/model/role.ts";
import type { Slot } from "../../src/model/scheme.ts";
import { parseAxes } from "../../src/tensor/axes.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { contiguous } from "../../src/tensor/contiguous.ts";
import type { NumericTensor } from "../../src/tensor/tensor.ts";
import type { Subject } from "../../src/verify/subject.ts";
import { identityOf } from "../support/identity.ts";
import { type Array32, transpose } from "./support.ts";

/** Axes of the weights of convolutions, of fc6 and of the other fully connected layers. */
export interface Layout {
  readonly conv: string;
  readonly fc6: string;
  readonly fc: string;
}

export const layouts = {
  torch: { conv: "o i h w", fc6: "o (i h w)", fc: "o i" },
  paddle: { conv: "o i h w", fc6: "(i h w) o", fc: "i o" },
  keras: { conv: "h w i o", fc6: "(h w i) o", fc: "i o" },
  slim: { conv: "h w i o", fc6: "h w i o", fc: "h w i o" },
} as const satisfies Record<string, Layout>;

/** A canonical set (o i h w) as a checkpoint in a framework's layout, with the identity that fits it. */
export function subjectOf(name: string, set: ReadonlyMap<string, Array32>, network: Network, layout: Layout = layouts.torch): Subject {
  const tensors = new Map<string, NumericTensor>();
  const roles = new Map<Role, Slot>();
  for (const [role, array] of set) {
    const axes = axesOf(role, array, layout);
    const flat = axes.replace(/[()]/g, "").split(" ");
    const values = array.shape.length === 1 ? array.values : transpose(array, flat);
    tensors.set(role, tensorOf(role, stored(array, axes), values));
    if (isRole(role)) roles.set(role, { key: role, axes: parseAxes(axes) });
  }
  return {
    name,
    checkpoint: checkpointOf(name, tensors),
    identity: identityOf(network, roles),
  };
}

export function checkpointOf(name: string, tensors: ReadonlyMap<string, NumericTensor>): Checkpoint {
  const none = { layers: [], metadata: new Map(), notes: [] };
  return {
    format: "npz",
    conventions: conventionsOf("npz"),
    variant: "in memory",
    files: [name],
    bytes: 0,
    tensors,
    ...none,
    close: async () => {},
  };
}

export function tensorOf(name: string, shape: readonly number[], values: Float32Array): NumericTensor {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return contiguous({ name, dtype: "float32", shape, source: memorySource(bytes, name) });
}

/** One array as a file that holds it alone, as .npy does. */
export function arrayFile(shape: readonly number[], values: Float32Array): Checkpoint {
  return checkpointOf("array.npy", new Map([["", tensorOf("", shape, values)]]));
}

function axesOf(role: string, array: Array32, layout: Layout): string {
  if (array.shape.length === 1) return "o";
  if (role.startsWith("conv")) return layout.conv;
  return role === "fc6.weight" ? layout.fc6 : layout.fc;
}

function stored(array: Array32, axes: string): readonly number[] {
  if (array.shape.length === 1) return array.shape;
  const names = ["o", "i", "h", "w"];
  return [...axes.matchAll(/\(([^)]*)\)|\S+/g)].map(([whole, group]) =>
    (group ?? whole).split(" ").reduce((product, axis) => product * (array.shape[names.indexOf(axis)] ?? 1), 1),
  );
}
