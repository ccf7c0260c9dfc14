import type { Context } from "../../io/context.ts";
import type { Network } from "../../model/network/network.ts";
import type { Role } from "../../model/role.ts";

export interface Device {
  readonly available: boolean;
  /** What the engine would really use: gpu is one that is not reached through CUDA, webgpu an adapter that the engine does not name. */
  readonly device: "cpu" | "cuda" | "gpu" | "webgpu";
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
  /** Weights are read while it runs, each layer's in its turn, and kept for no second run. */
  readonly readsInTurn?: boolean;
  /**
   * Runs one batch, `input` N C H W row-major in the range that the network expects. Calls `visit` for each layer in forward
   * order (after its ReLU; the last fully connected layer before any softmax), so that no more than one is held here.
   */
  run(input: Activation, visit: (activation: Activation) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** Weights by role along the asked axes (`h w i o`, `(h w i) o`, `o` …), row-major float32; called in layer order. */
export type Weights = (role: Role, axes: string) => Promise<Float32Array>;

export interface SessionInput {
  /** N C H W. */
  readonly shape: readonly number[];
  /** It is run on one batch alone: weights may be read when their layer's turn comes, and need not be kept. */
  readonly once?: boolean;
}

export interface Engine {
  readonly id: string;
  probe(): Promise<Device>;
  open(network: Network, weights: Weights, input: SessionInput, ctx: Context): Promise<Session>;
}
