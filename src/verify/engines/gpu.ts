import { ask, type ProcessAnswer } from "./subprocess.ts";

export interface Gpu {
  readonly name: string;
  readonly driver: string;
}

/** What the driver's own tool says of the machine. */
export interface GpuReport {
  readonly gpus: readonly Gpu[];
  /** A sentence where there is none. */
  readonly problem?: string;
}

/** Asks nvidia-smi. It names GPUs for people and says why there is none; whether an engine uses one, only the engine says. */
export async function askDriver(): Promise<GpuReport> {
  return readDriverAnswer(await ask("nvidia-smi", ["--query-gpu=name,driver_version", "--format=csv,noheader"]));
}

export function readDriverAnswer({ code, stdout, stderr }: ProcessAnswer): GpuReport {
  if (code === undefined) {
    return {
      gpus: [],
      problem:
        "the NVIDIA driver is not installed (there is no nvidia-smi): install it, or run in a container that was started with --gpus all",
    };
  }
  const said = `${stdout}\n${stderr}`.trim();
  if (code !== 0) {
    const first = said.split("\n")[0] ?? "";
    return {
      gpus: [],
      problem: `the NVIDIA driver does not answer (nvidia-smi: ${first === "" ? `exit code ${code}` : first}): load it, or reboot after an update`,
    };
  }
  const gpus = stdout
    .split("\n")
    .map((line) => line.split(",").map((field) => field.trim()))
    .flatMap(([name, driver]) => (name === undefined || driver === undefined ? [] : [{ name, driver }]));
  return gpus.length > 0 ? { gpus } : { gpus, problem: "the NVIDIA driver finds no GPU in this machine" };
}
