import type { Context } from "../../io/context.ts";
import type { Network } from "../../model/network/network.ts";
import type { Role } from "../../model/role.ts";

export interface Device {
  readonly available: boolean;
  /** cpu or cuda: what the engine would really use. */
  readonly device: "cpu" | "cuda";
  readonly deviceName: string;
  readonly version: string;
  /** Why not, in a sentence, with what to type. */
  readonly problem?: string;
}

/** Row-major float32 values of one layer's output, batch first: N C H W, or N features. */
export interface Activation {
  readonly layer: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface Session {
  readonly device: Device;
  /**
   * Runs one batch, `input` N C H W row-major in the range that the network expects. Calls `visit` for each layer in forward
   * order (after its ReLU; the last fully connected layer before any softmax), so that no more than one is held here.
   */
  run(input: Activation, visit: (activation: Activation) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** Weights by role along the asked axes (`h w i o`, `(h w i) o`, `o` …), row-major float32; called in layer order. */
export type Weights = (role: Role, axes: string) => Promise<Float32Array>;

export interface Engine {
  readonly id: string;
  probe(): Promise<Device>;
  open(network: Network, weights: Weights, input: { readonly shape: readonly number[] }, ctx: Context): Promise<Session>;
}
