import { CheckpointError } from "../../errors.ts";
import type { Device, Engine } from "./engine.ts";
import type { SelfTest } from "./self-test/self-test.ts";

/** The engines by the name that a person gives; imported when asked for. */
const table = {
  wasm: async (_: DeviceChoice): Promise<Engine> => (await import("./wasm.ts")).wasm,
  tensorflow: async (device: DeviceChoice): Promise<Engine> => (await import("./tensorflow.ts")).tensorflow(device),
  onnxruntime: async (device: DeviceChoice): Promise<Engine> => (await import("./onnxruntime.ts")).onnxruntime(device),
} as const;

export type EngineId = keyof typeof table;
/** auto: the GPU where the engine really has one, else the CPU. */
export type DeviceChoice = "cpu" | "cuda" | "auto";

export const engineIds: readonly EngineId[] = ["wasm", "tensorflow", "onnxruntime"];
/** Those that can use a GPU, in the order in which they are tried. */
const gpuEngines: readonly EngineId[] = ["tensorflow", "onnxruntime"];
/** What `auto` tries: GPUs first, then the CPU, the fastest first (the table of docs/verify.md). */
const order: readonly { readonly id: EngineId; readonly gpu: boolean }[] = [
  ...gpuEngines.map((id) => ({ id, gpu: true })),
  ...(["onnxruntime", "tensorflow", "wasm"] as const).map((id) => ({ id, gpu: false })),
];

/** What one engine would use. */
export interface DeviceRecord extends Device {
  readonly engine: EngineId;
}

export interface EngineChoice {
  /** auto: the first that runs and passes its self-test, those with a GPU before the others, the faster ones first. */
  readonly engine?: EngineId | "auto";
  readonly device?: DeviceChoice;
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
  if (device === "cuda") {
    const first = await firstOnGpu();
    return examined(first, first.id, examine);
  }
  return examined(await found("wasm", "cpu"), "wasm", examine);
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
    const engine = await table[id](gpu ? "auto" : "cpu");
    const there = await engine.probe();
    if (!there.available || (gpu && there.device === "cpu")) continue;
    const selfTest = await attempt(engine, examine);
    if ("fault" in selfTest && selfTest.fault !== undefined) notes.push(`${selfTest.fault}; the next engine was taken`);
    else {
      const where = there.device === "cpu" ? "the CPU" : there.deviceName;
      const why =
        there.device === "cpu" && device !== "cpu" ? ": no engine with a GPU was found (vggtool verify --check-device says why)" : "";
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
    if (device === "cuda" && id === "wasm") found.push({ engine: id, ...noGpuInWasm });
    else found.push({ engine: id, ...(await (await table[id](device)).probe()) });
  }
  return found;
}

const noGpuInWasm: Device = {
  available: false,
  device: "cpu",
  deviceName: "",
  version: "",
  problem: "the embedded engine runs on the CPU only; --engine tensorflow or --engine onnxruntime can use a GPU",
};

async function found(id: EngineId, device: DeviceChoice): Promise<Found> {
  const engine = await table[id](device);
  const there = id === "wasm" && device === "cuda" ? noGpuInWasm : await engine.probe();
  if (!there.available) throw new CheckpointError("not-found", there.problem ?? `the engine ${id} cannot be used`);
  return { engine, device: there };
}

async function firstOnGpu(): Promise<Found & { readonly id: EngineId }> {
  const problems: string[] = [];
  for (const id of gpuEngines) {
    const engine = await table[id]("cuda");
    const device = await engine.probe();
    if (device.available && device.device === "cuda") return { engine, device, id };
    problems.push(`${id}: ${device.problem ?? "no GPU"}`);
  }
  throw new CheckpointError("not-found", `no engine can use a GPU: ${problems.join("; ")}`, { hint: "vggtool verify --check-device" });
}
