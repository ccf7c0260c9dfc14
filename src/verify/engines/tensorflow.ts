import util from "node:util";
import { CheckpointError } from "../../errors.ts";
import type { Device, Engine } from "./engine.ts";
import type { CudaChoice } from "./engines.ts";
import { askDriver } from "./gpu.ts";
import { type Imported, type ImportFailure, importOptional, property, specifier } from "./optional-package.ts";
import { askNode } from "./subprocess.ts";
import { CPU_PACKAGE, explainImport, GPU_PACKAGE, type TensorflowAnswer, tensorflowDevice } from "./tensorflow-device.ts";
import { hasTfjsOps, type TfjsOps } from "./tfjs-ops.ts";
import { openTfjsSession } from "./tfjs-session.ts";

/** TensorFlow's own library through tfjs-node-gpu or tfjs-node, whichever the person has installed. */
export function tensorflow(asked: CudaChoice): Engine {
  // Asked once: a trial of the GPU takes seconds.
  let loading: ReturnType<typeof load> | undefined;
  const loaded = () => {
    loading ??= load(asked);
    return loading;
  };
  return {
    id: "tensorflow",
    async probe() {
      return (await loaded()).device;
    },
    async open(network, weights, input, ctx) {
      const { tf, device } = await loaded();
      if (tf === undefined || !device.available) throw new CheckpointError("not-found", device.problem ?? "TensorFlow cannot be used");
      return openTfjsSession({ tf, backend: "tensorflow", device }, network, weights, input, ctx);
    },
  };
}

interface Loaded {
  readonly tf: TfjsOps | undefined;
  readonly device: Device;
}

async function load(asked: CudaChoice): Promise<Loaded> {
  prepareEnvironment(asked);
  const gpu = await importOptional(GPU_PACKAGE);
  const isAbsent = "failure" in gpu && gpu.failure.code === "ERR_MODULE_NOT_FOUND";
  const found = isAbsent ? await importOptional(CPU_PACKAGE) : gpu;
  if ("failure" in found) return { tf: undefined, device: unavailable(explainImports(gpu, found)) };
  const name = isAbsent ? CPU_PACKAGE : GPU_PACKAGE;
  const answer = answerOf(found.module, name);
  if (answer === undefined || !hasTfjsOps(found.module)) {
    return { tf: undefined, device: unavailable(`${name} was imported and is not TensorFlow.js as this tool knows it (4.x)`) };
  }
  const missed = asked === "cuda" && !answer.isUsingGpu;
  const driver = answer.isUsingGpu || missed ? await askDriver() : { gpus: [] };
  return { tf: found.module, device: tensorflowDevice(answer, asked, driver, missed && !isAbsent ? await nativeLog(name) : "") };
}

/** The package for the GPU is the one to install, unless the other is there and broken. */
function explainImports(gpu: Imported, cpu: { readonly failure: ImportFailure }): string {
  const isBroken = cpu.failure.code !== "ERR_MODULE_NOT_FOUND";
  if ("failure" in gpu && gpu.failure.code === "ERR_MODULE_NOT_FOUND" && isBroken) return explainImport(cpu.failure, CPU_PACKAGE);
  return explainImport("failure" in gpu ? gpu.failure : cpu.failure);
}

/** Read by the native libraries when they are loaded: before the import, and only where the person has not decided. */
function prepareEnvironment(asked: CudaChoice): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "3";
  // Ampere and later would round convolutions to TF32's 10 bits, an error of 1e-3: not a forward check of float32.
  process.env.NVIDIA_TF32_OVERRIDE ??= "0";
  if (asked === "cpu") process.env.CUDA_VISIBLE_DEVICES = "-1";
  // Node 23 removed a helper that tfjs-node 4.22 calls in nearly every operation.
  if (!("isNullOrUndefined" in util)) Reflect.set(util, "isNullOrUndefined", (value: unknown) => value === null || value === undefined);
}

function answerOf(tf: unknown, name: string): TensorflowAnswer | undefined {
  // Not backend(): all copies of TensorFlow.js share one engine, whose current backend may be the embedded one.
  const backend = call(tf, "findBackend", "tensorflow");
  const isUsingGpu = property(backend, "isUsingGpuDevice");
  if (typeof isUsingGpu !== "boolean") return undefined;
  const version = property(property(tf, "version"), "tfjs-node");
  const library = property(property(backend, "binding"), "TF_Version");
  return {
    package: name,
    version: typeof version === "string" ? version : "?",
    library: typeof library === "string" ? library : "?",
    isUsingGpu,
  };
}

function call(owner: unknown, key: string, argument: string): unknown {
  const method = property(owner, key);
  return typeof method === "function" ? Reflect.apply(method, owner, [argument]) : undefined;
}

/** What TensorFlow's libraries say on stderr while they look for a GPU; this process has silenced them. */
async function nativeLog(name: string): Promise<string> {
  const script = `const { default: tf } = await import(${JSON.stringify(specifier(name))}); tf.backend();`;
  return (await askNode(script, { TF_CPP_MIN_LOG_LEVEL: "0" })).stderr;
}

function unavailable(problem: string): Device {
  return { available: false, device: "cpu", deviceName: "", version: "", problem };
}
