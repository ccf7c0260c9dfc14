import { CheckpointError } from "../../errors.ts";
import type { Device, Engine } from "./engine.ts";

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

/** What one engine would use. */
export interface DeviceRecord extends Device {
  readonly engine: EngineId;
}

export interface EngineChoice {
  readonly engine?: EngineId;
  readonly device?: DeviceChoice;
}

export interface Chosen {
  readonly engine: Engine;
  readonly device: Device;
  /** What was chosen where there was a choice: sentences. */
  readonly notes: readonly string[];
}

/**
 * The engine that is asked for, once it is known to run where it is asked to run. Without wishes: the embedded one.
 * Throws `not-found` with what is missing and how to get it; there is no falling back.
 */
export async function chooseEngine({ engine, device }: EngineChoice): Promise<Chosen> {
  if (engine !== undefined) return chosen(engine, device ?? "auto", []);
  if (device === "cuda") return firstOnGpu();
  if (device !== "auto") return chosen("wasm", "cpu", []);
  for (const id of gpuEngines) {
    const candidate = await table[id]("auto");
    const found = await candidate.probe();
    if (found.available && found.device === "cuda")
      return { engine: candidate, device: found, notes: [`--device auto chose ${id} on ${found.deviceName}`] };
  }
  return chosen("wasm", "cpu", [
    "--device auto chose the embedded engine: no engine with a GPU was found (vggtool verify --check-device says why)",
  ]);
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

async function chosen(id: EngineId, device: DeviceChoice, notes: readonly string[]): Promise<Chosen> {
  const engine = await table[id](device);
  const found = id === "wasm" && device === "cuda" ? noGpuInWasm : await engine.probe();
  if (!found.available) throw new CheckpointError("not-found", found.problem ?? `the engine ${id} cannot be used`);
  return { engine, device: found, notes };
}

async function firstOnGpu(): Promise<Chosen> {
  const problems: string[] = [];
  for (const id of gpuEngines) {
    const engine = await table[id]("cuda");
    const device = await engine.probe();
    if (device.available && device.device === "cuda") return { engine, device, notes: [] };
    problems.push(`${id}: ${device.problem ?? "no GPU"}`);
  }
  throw new CheckpointError("not-found", `no engine can use a GPU: ${problems.join("; ")}`, { hint: "vggtool verify --check-device" });
}
