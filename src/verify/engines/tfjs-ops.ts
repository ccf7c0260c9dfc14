/** The part of TensorFlow.js that a VGG needs; tfjs-core has it, and so has every package that carries tfjs-core along. */
export type TfjsOps = Pick<
  typeof import("@tensorflow/tfjs-core"),
  | "add"
  | "avgPool"
  | "conv2d"
  | "matMul"
  | "maxPool"
  | "pad"
  | "relu"
  | "reshape"
  | "setBackend"
  | "tensor1d"
  | "tensor2d"
  | "tensor4d"
  | "tidy"
  | "transpose"
>;

/** True where a module has the operations above: what a dynamic import gives is unknown until then. */
export function hasTfjsOps(module: unknown): module is TfjsOps {
  if (typeof module !== "object" || module === null) return false;
  const names: readonly (keyof TfjsOps)[] = [
    ...(["add", "avgPool", "conv2d", "matMul", "maxPool", "pad", "relu", "reshape"] as const),
    ...(["setBackend", "tensor1d", "tensor2d", "tensor4d", "tidy", "transpose"] as const),
  ];
  return names.every((name) => typeof Reflect.get(module, name) === "function");
}
