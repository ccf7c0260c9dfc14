import { CheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import { type TemporaryFolder, temporaryFolder } from "../../io/output/temporary-folder.ts";
import { elements, layerShapes } from "../../model/geometry/shapes.ts";
import type { Network } from "../../model/network/network.ts";
import type { Activation, Device, Engine, Session, Weights } from "./engine.ts";
import type { CudaChoice, DeviceChoice } from "./engines.ts";
import { askDriver } from "./gpu.ts";
import { INPUT, type OnnxGraph, onnxGraph, reluGraph } from "./onnx-graph.ts";
import { broughtTo, type CudaTrial, explainOrtImport, explainWebgpu, ORT_METADATA, ORT_PACKAGE, ortDevice } from "./onnxruntime-device.ts";
import { failureOf, importOptional, optionalPart, property, specifier } from "./optional-package.ts";
import { parameters } from "./parameters.ts";
import { askNode } from "./subprocess.ts";

/** The part of onnxruntime-node that is used; its own types are not needed to build this tool. */
interface Ort {
  readonly InferenceSession: { create(model: string | Uint8Array, options: object): Promise<OrtSession> };
  readonly Tensor: new (type: "float32", values: Float32Array, shape: readonly number[]) => unknown;
}

interface OrtSession {
  run(feeds: Readonly<Record<string, unknown>>): Promise<unknown>;
  release(): Promise<void>;
}

const MODEL = "network.onnx";
const WEIGHTS = "network.bin";

/** ONNX Runtime through onnxruntime-node, if the person has installed it, on the CPU or through CUDA. */
export function onnxruntime(asked: CudaChoice): Engine {
  return engineOf("onnxruntime", () => load(asked));
}

/**
 * The same on the package's own WebGPU. Its kernels for N H W C, the default, compute 3×3 and 5×5 convolutions wrong whose input channels are
 * a multiple of 3 and not of 4 (seen with 1.30), so that N C H W is asked for. Which adapter is used it does not say, so it is never taken for a GPU.
 */
export function onnxruntimeWebgpu(asked: DeviceChoice, layout: "NCHW" | "NHWC" = "NCHW"): Engine {
  const provider = { name: "webgpu", preferredLayout: layout };
  return engineOf("onnxruntime-webgpu", () => loadWebgpu(asked), provider);
}

function engineOf(id: string, load: () => Promise<Loaded>, provider?: object): Engine {
  // Asked once: a trial of the GPU takes seconds.
  let loading: Promise<Loaded> | undefined;
  const loaded = () => {
    loading ??= load();
    return loading;
  };
  return {
    id,
    async probe() {
      return (await loaded()).device;
    },
    async open(network, weights, input, ctx) {
      const { ort, device } = await loaded();
      if (ort === undefined || !device.available) throw new CheckpointError("not-found", device.problem ?? "ONNX Runtime cannot be used");
      const opened = { ort, device, provider };
      // GPUs keep what is part of the model, and no more of it.
      if (input.once === true && device.device === "cpu") return openOnce(opened, network, weights, input.shape, ctx);
      return openSession(opened, network, weights, input.shape, ctx);
    },
  };
}

interface OpenOrt {
  readonly ort: Ort;
  readonly device: Device;
  readonly provider: object | undefined;
}

/** A network that is run once: its weights are inputs of the graph, which are neither written to a file nor packed before they are used. */
async function openOnce(
  { ort, device, provider }: OpenOrt,
  network: Network,
  weights: Weights,
  shape: readonly number[],
  ctx: Context,
): Promise<Session> {
  const graph = onnxGraph(network, shape);
  const session = await ort.InferenceSession.create(graph.model, sessionOptions(device.device, provider)).catch((error: unknown) => {
    throw failed("refuses", error);
  });
  return {
    device,
    readsInTurn: true,
    async run(input, visit) {
      const feeds: Record<string, unknown> = { [INPUT]: new ort.Tensor("float32", input.values, input.shape) };
      for (const { layer, axes, shape: kernel } of graph.weights) {
        const values = await parameters(layer, axes, weights);
        feeds[`${layer.name}.weight`] = new ort.Tensor("float32", values.kernel, kernel);
        feeds[`${layer.name}.bias`] = new ort.Tensor("float32", values.bias, [layer.outputs]);
        await ctx.tick(0);
      }
      await runAll(session, network, feeds, input.shape, { visit, ctx });
    },
    close: () => session.release(),
  };
}

/**
 * ONNX Runtime takes whole networks: the graph and its weights go to a temporary folder, one layer after the other, and are
 * removed as soon as the session has them.
 */
async function openSession(
  { ort, device, provider }: OpenOrt,
  network: Network,
  weights: Weights,
  shape: readonly number[],
  ctx: Context,
): Promise<Session> {
  const graph = onnxGraph(network, shape, WEIGHTS);
  const folder = temporaryFolder();
  let session: OrtSession;
  try {
    await writeFiles(folder, graph, weights, ctx);
    session = await ort.InferenceSession.create(folder.path(MODEL), sessionOptions(device.device, provider));
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw failed("refuses", error);
  } finally {
    folder.remove();
  }
  return {
    device,
    async run(input, visit) {
      await runAll(session, network, { [INPUT]: new ort.Tensor("float32", input.values, input.shape) }, input.shape, { visit, ctx });
    },
    close: () => session.release(),
  };
}

interface Visiting {
  readonly visit: (activation: Activation) => Promise<void>;
  readonly ctx: Context;
}

async function runAll(
  session: OrtSession,
  network: Network,
  feeds: Readonly<Record<string, unknown>>,
  shape: readonly number[],
  { visit, ctx }: Visiting,
): Promise<void> {
  const outputs = await session.run(feeds).catch((error: unknown) => {
    throw failed("cannot run", error);
  });
  for (const { layer, output } of layerShapes(network, shape)) {
    const wanted = [shape[0] ?? 0, ...output];
    await visit({ layer: layer.name, shape: wanted, values: valuesOf(outputs, layer.name, elements(wanted)) });
    await ctx.tick(0);
  }
}

function failed(what: "refuses" | "cannot run", error: unknown): CheckpointError {
  const { message } = failureOf(error);
  if (/bad_alloc|out of memory|fail\w* to allocate|allocation failed/i.test(message)) {
    return new CheckpointError("unsupported", "ONNX Runtime has not enough memory for this network and input", {
      hint: "use a smaller --batch or input",
      cause: error,
    });
  }
  return new CheckpointError("unsupported", `ONNX Runtime ${what} the network: ${message}`, { cause: error });
}

async function writeFiles(folder: TemporaryFolder, graph: OnnxGraph, weights: Weights, ctx: Context): Promise<void> {
  const file = folder.create(WEIGHTS);
  try {
    for (const { layer, axes, kernel, bias } of graph.weights) {
      const values = await parameters(layer, axes, weights);
      await file.write(kernel.offset, bytesOf(values.kernel, kernel.length));
      await file.write(bias.offset, bytesOf(values.bias, bias.length));
      await ctx.tick(0);
    }
  } finally {
    await file.close();
  }
  const model = folder.create(MODEL);
  try {
    await model.write(0, graph.model);
  } finally {
    await model.close();
  }
}

/** Float32Array holds the machine's byte order, which on every machine that ONNX Runtime has builds for is little-endian. */
function bytesOf(values: Float32Array, length: number): Uint8Array {
  if (values.byteLength !== length) throw new TypeError(`${values.byteLength} bytes of weights, ${length} were laid out`);
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** logSeverityLevel 4: only what ends the process; errors are thrown as well. */
function sessionOptions(device: Device["device"], provider: object | undefined): object {
  // Shapes of a batch are computed on the CPU, and nothing else is there to move.
  if (provider !== undefined) return { executionProviders: [provider], logSeverityLevel: 4 };
  if (device === "cpu") return { executionProviders: ["cpu"], logSeverityLevel: 4 };
  // Without this, nodes that the provider cannot run move to the CPU in silence.
  return { executionProviders: ["cuda"], logSeverityLevel: 4, extra: { session: { disable_cpu_ep_fallback: "1" } } };
}

function valuesOf(outputs: unknown, layer: string, count: number): Float32Array {
  const data = property(property(outputs, layer), "data");
  if (!(data instanceof Float32Array) || data.length !== count) throw new TypeError(`ONNX Runtime gave no ${count} values for ${layer}`);
  return data;
}

interface Loaded {
  readonly ort: Ort | undefined;
  readonly device: Device;
}

async function load(asked: CudaChoice): Promise<Loaded> {
  // Ampere and later would round convolutions to TF32's 10 bits, an error of 1e-3: not a forward check of float32.
  process.env.NVIDIA_TF32_OVERRIDE ??= "0";
  const found = await imported();
  if ("problem" in found) return missing(found.problem);
  const { ort } = found;
  if (asked === "cpu") return { ort, device: ortDevice(versionOf(ort), asked, undefined, { gpus: [] }) };
  const driver = await askDriver();
  // Without a GPU the trial is still made where CUDA is asked for: a missing provider is the first thing to mend.
  const trial = asked === "cuda" || driver.gpus.length > 0 ? await tried("cuda") : undefined;
  const brings = broughtTo(`${process.platform}/${process.arch}`, optionalPart(ORT_METADATA));
  return { ort, device: ortDevice(versionOf(ort), asked, trial === undefined ? undefined : { ...trial, brings }, driver) };
}

async function loadWebgpu(asked: DeviceChoice): Promise<Loaded> {
  const found = await imported();
  if ("problem" in found) return missing(found.problem);
  if (asked !== "auto") return missing(`ONNX Runtime does not say which adapter its WebGPU uses, so it is not taken for --device ${asked}`);
  const trial = await tried("webgpu");
  if (!trial.ran) return missing(explainWebgpu(trial.said));
  const device = {
    available: true,
    device: "webgpu",
    deviceName: "an adapter that it does not name",
    version: versionOf(found.ort),
  } as const;
  return { ort: found.ort, device };
}

async function imported(): Promise<{ readonly ort: Ort } | { readonly problem: string }> {
  const found = await importOptional(ORT_PACKAGE);
  if ("failure" in found) return { problem: explainOrtImport(found.failure) };
  if (isOrt(found.module)) return { ort: found.module };
  return { problem: `${ORT_PACKAGE} was imported and is not ONNX Runtime as this tool knows it (1.17 or later)` };
}

function missing(problem: string): Loaded {
  return { ort: undefined, device: { available: false, device: "cpu", deviceName: "", version: "", problem } };
}

/** One ReLU on a provider, in a process of its own: the provider's failures go to stderr from native code. */
async function tried(provider: "cuda" | "webgpu"): Promise<CudaTrial> {
  const model = Buffer.from(reluGraph()).toString("base64");
  const script = `
    const { default: ort } = await import(${JSON.stringify(specifier(ORT_PACKAGE))});
    const session = await ort.InferenceSession.create(Buffer.from(${JSON.stringify(model)}, "base64"),
      { executionProviders: [${JSON.stringify(provider)}], extra: { session: { disable_cpu_ep_fallback: "1" } } });
    const { y } = await session.run({ x: new ort.Tensor("float32", Float32Array.of(-1, 2), [1, 2]) });
    if (y.data[0] !== 0 || y.data[1] !== 2) throw new Error("wrong values");`;
  const { code, stdout, stderr } = await askNode(script);
  return { ran: code === 0, said: `${stdout}\n${stderr}` };
}

function isOrt(module: unknown): module is Ort {
  if (typeof module !== "object" || module === null) return false;
  const [session, tensor]: unknown[] = [Reflect.get(module, "InferenceSession"), Reflect.get(module, "Tensor")];
  const hasCreate =
    (typeof session === "function" || (typeof session === "object" && session !== null)) &&
    typeof Reflect.get(session, "create") === "function";
  return hasCreate && typeof tensor === "function";
}

function versionOf(ort: unknown): string {
  const version = property(property(property(ort, "env"), "versions"), "node");
  return typeof version === "string" ? version : "?";
}
