import { CheckpointError } from "../../errors.ts";
import type { Device, Engine } from "./engine.ts";
import { askDriver, type GpuReport } from "./gpu.ts";
import type { SelfTest } from "./self-test/self-test.ts";

/** The engines by the name that a person gives; imported when asked for. */
const table = {
  wasm: async (_: DeviceChoice): Promise<Engine> => (await import("./wasm.ts")).wasm,
  tensorflow: async (device: DeviceChoice): Promise<Engine> => (await import("./tensorflow.ts")).tensorflow(throughCuda(device)),
  onnxruntime: async (device: DeviceChoice): Promise<Engine> => (await import("./onnxruntime.ts")).onnxruntime(throughCuda(device)),
  webgpu: async (device: DeviceChoice): Promise<Engine> => (await import("./webgpu/webgpu.ts")).webgpu(device),
  "onnxruntime-webgpu": async (device: DeviceChoice): Promise<Engine> => (await import("./onnxruntime.ts")).onnxruntimeWebgpu(device),
} as const;

export type EngineId = keyof typeof table;
/** gpu: the best that is there. cuda: an NVIDIA GPU through CUDA. auto: a GPU where the engine really has one, else the CPU. */
export type DeviceChoice = "cpu" | "cuda" | "gpu" | "auto";
/** What engines that know one way to a GPU are asked. */
export type CudaChoice = "cpu" | "cuda" | "auto";

export const engineIds: readonly EngineId[] = ["wasm", "tensorflow", "onnxruntime", "webgpu", "onnxruntime-webgpu"];
/** Those that can use a GPU, in the order in which they are tried: NVIDIA's own libraries are the faster way to its GPUs. */
const gpuEngines: readonly EngineId[] = ["tensorflow", "onnxruntime", "webgpu"];
/** What `auto` tries: GPUs first, then the CPU, the fastest first (the table of docs/verify.md). */
const order: readonly { readonly id: EngineId; readonly gpu: boolean }[] = [
  ...gpuEngines.map((id) => ({ id, gpu: true })),
  ...(["onnxruntime", "tensorflow", "wasm"] as const).map((id) => ({ id, gpu: false })),
];

function throughCuda(device: DeviceChoice): CudaChoice {
  return device === "gpu" ? "cuda" : device;
}

/** What one engine would use. */
export interface DeviceRecord extends Device {
  readonly engine: EngineId;
}

export interface EngineChoice {
  /** auto: the first that runs and passes its self-test, those with a GPU before the others, the faster ones first. */
  readonly engine?: EngineId | "auto";
  readonly device?: DeviceChoice;
}

export interface EnginesChoice extends Omit<EngineChoice, "engine"> {
  /** Several run the same, and are compared with each other. */
  readonly engine?: EngineChoice["engine"] | readonly EngineId[];
}

export interface Chosen {
  readonly engine: Engine;
  readonly device: Device;
  /** undefined where none was made. */
  readonly selfTest: SelfTest | undefined;
  /** What was chosen where there was a choice: sentences. */
  readonly notes: readonly string[];
}

/** What an engine has to pass before its numbers are believed; undefined: it is believed unseen. */
export type Examine = ((engine: Engine) => Promise<SelfTest>) | undefined;

/**
 * The engine that is asked for, once it is known to run where it is asked to run, and to compute what it should. Without wishes: the
 * embedded one. Throws `not-found` with what is missing and how to get it, `unsupported` for an engine that computes something wrong;
 * only `auto` goes on to another, and says so.
 */
export async function chooseEngine({ engine, device }: EngineChoice, examine?: Examine): Promise<Chosen> {
  if (engine === "auto" || (engine === undefined && device === "auto")) return firstThatPasses(device ?? "auto", examine);
  if (engine !== undefined) return examined(await found(engine, device ?? "auto"), engine, examine);
  if (device === "cuda" || device === "gpu") {
    const first = await firstOnGpu(device);
    return examined(first, first.id, examine);
  }
  return examined(await found("wasm", "cpu"), "wasm", examine);
}

/** The engines that are asked for: the first, and those that are compared with it. */
export async function chooseEngines(
  { engine, device }: EnginesChoice,
  examine?: Examine,
): Promise<{ readonly first: Chosen; readonly more: readonly Chosen[]; readonly notes: readonly string[] }> {
  if (engine === undefined || typeof engine === "string") {
    const first = await chooseEngine({ ...(engine === undefined ? {} : { engine }), ...(device === undefined ? {} : { device }) }, examine);
    return { first, more: [], notes: first.notes };
  }
  const twice = engine.find((id, k) => engine.indexOf(id) !== k);
  if (twice !== undefined || engine.length === 0) {
    throw new CheckpointError("usage", twice === undefined ? "no engine was given" : `--engine names ${twice} twice`);
  }
  const chosen: Chosen[] = [];
  // The embedded engine is what a GPU is compared with.
  for (const id of engine) chosen.push(await chooseEngine({ engine: id, device: id === "wasm" ? "cpu" : (device ?? "auto") }, examine));
  const [first, ...more] = chosen;
  if (first === undefined) throw new TypeError("no engine was chosen");
  return { first, more, notes: chosen.flatMap(({ notes }) => notes) };
}

interface Found {
  readonly engine: Engine;
  readonly device: Device;
}

/** An engine that was named; throws where it is wrong. */
async function examined({ engine, device }: Found, id: EngineId, examine: Examine): Promise<Chosen> {
  const selfTest = await examine?.(engine);
  if (selfTest?.fault === undefined) return { engine, device, selfTest, notes: [] };
  const next = id === "wasm" ? "auto" : "wasm";
  throw new CheckpointError("unsupported", `${selfTest.fault}; its numbers would say nothing of the file`, {
    hint: `use --engine ${next} (--no-self-test runs ${id} all the same)`,
  });
}

async function firstThatPasses(device: DeviceChoice, examine: Examine): Promise<Chosen> {
  const notes: string[] = [];
  for (const { id, gpu } of order) {
    if (gpu && device === "cpu") continue;
    // An engine that has no GPU of its own is asked once more for the CPU, in its place.
    const engine = await table[id](gpu && id === "webgpu" ? "gpu" : gpu ? "auto" : "cpu");
    const there = await engine.probe();
    if (!there.available || (gpu && there.device === "cpu")) continue;
    const selfTest = await attempt(engine, examine);
    if ("fault" in selfTest && selfTest.fault !== undefined) notes.push(`${selfTest.fault}; the next engine was taken`);
    else {
      const where = there.device === "cpu" ? "the CPU" : there.deviceName;
      const why = there.device === "cpu" && device !== "cpu" ? ": no engine with a GPU was found (vggtool doctor says why)" : "";
      return {
        engine,
        device: there,
        selfTest: "layers" in selfTest ? selfTest : undefined,
        notes: [...notes, `auto chose ${id} on ${where}${why}`],
      };
    }
  }
  throw new CheckpointError("unsupported", `no engine computes the layers of this network as it should: ${notes.join("; ")}`);
}

/** What an engine refuses to run is a fault as well, where another may be taken. */
async function attempt(engine: Engine, examine: Examine): Promise<SelfTest | { readonly fault?: string }> {
  try {
    return (await examine?.(engine)) ?? {};
  } catch (error) {
    if (!(error instanceof CheckpointError) || error.code === "interrupted") throw error;
    return { fault: `${engine.id} does not run the network's layers (${error.summary})` };
  }
}

/** What each engine would use, for `--check-device`; never throws for an engine that is not there. */
export async function probeDevices(device: DeviceChoice = "auto"): Promise<readonly DeviceRecord[]> {
  const found: DeviceRecord[] = [];
  for (const id of engineIds) {
    if (isGpu(device) && id === "wasm") found.push({ engine: id, ...noGpuInWasm });
    else found.push({ engine: id, ...(await (await table[id](device)).probe()) });
  }
  return found;
}

const noGpuInWasm: Device = {
  available: false,
  device: "cpu",
  deviceName: "",
  version: "",
  problem: "the embedded engine runs on the CPU only; --engine webgpu, tensorflow or onnxruntime can use a GPU",
};

function isGpu(device: DeviceChoice): boolean {
  return device === "cuda" || device === "gpu";
}

async function found(id: EngineId, device: DeviceChoice): Promise<Found> {
  const engine = await table[id](device);
  const there = id === "wasm" && isGpu(device) ? noGpuInWasm : await engine.probe();
  if (there.available) return { engine, device: there };
  const problem = there.problem ?? `the engine ${id} cannot be used`;
  throw new CheckpointError("not-found", device === "cuda" ? driverFirst([problem], await askDriver()) : problem);
}

/** Of all that CUDA misses the driver comes first: no package helps without it. */
function driverFirst(problems: readonly string[], { problem: driver }: GpuReport): string {
  const isSaid = driver === undefined || (problems.length === 1 && problems[0]?.includes(driver) === true);
  return [...(isSaid ? [] : [driver]), ...problems].join("; ");
}

async function firstOnGpu(device: "cuda" | "gpu"): Promise<Found & { readonly id: EngineId }> {
  const problems: string[] = [];
  for (const id of gpuEngines) {
    if (device === "cuda" && id === "webgpu") continue;
    const engine = await table[id](device);
    const there = await engine.probe();
    if (there.available && there.device !== "cpu") return { engine, device: there, id };
    problems.push(`${id}: ${there.problem ?? "no GPU"}`);
  }
  const other = device === "cuda" ? await table.webgpu("gpu").then((engine) => engine.probe()) : undefined;
  if (other?.available === true) problems.push(`WebGPU could run on ${other.deviceName}: --device gpu`);
  const what = device === "cuda" ? "no engine can use CUDA" : "no engine can use a GPU";
  const said = device === "cuda" ? driverFirst(problems, await askDriver()) : problems.join("; ");
  throw new CheckpointError("not-found", `${what}: ${said}`, {
    hint: "vggtool doctor says what is there and what to type; versions that go together are in docs/cuda.md",
  });
}
