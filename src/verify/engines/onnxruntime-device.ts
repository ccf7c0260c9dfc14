import { libraryHint } from "./cuda-library.ts";
import type { Device } from "./engine.ts";
import type { GpuReport } from "./gpu.ts";
import { installHint } from "./installation.ts";
import type { ImportFailure } from "./optional-package.ts";

export const ORT_PACKAGE = "onnxruntime-node";
/** The package's own script, which its postinstall runs; npm never carries the CUDA provider for Linux. */
const CUDA_OPTION = " --onnxruntime-node-install=cuda12";

/** What a process of its own said after it ran one ReLU on the CUDA provider with falling back to the CPU forbidden. */
export interface CudaTrial {
  readonly ran: boolean;
  /** Message of the error that was thrown, and what the native libraries wrote. */
  readonly said: string;
}

/** Why the package cannot be used at all, with what to type. */
export function explainOrtImport({ code, message }: ImportFailure): string {
  if (/onnxruntime_binding\.node/.test(message)) {
    return `the native addon of ${ORT_PACKAGE} is not there for ${process.platform} ${process.arch}, or cannot be loaded: ${firstSentence(message)}`;
  }
  if (code === "ERR_MODULE_NOT_FOUND" && message.includes(`'${ORT_PACKAGE}'`))
    return `the package ${ORT_PACKAGE} is not installed: ${installHint(ORT_PACKAGE)}`;
  return `${ORT_PACKAGE} cannot be imported: ${firstSentence(message)}`;
}

/** Where ONNX Runtime runs. `trial`: only made where CUDA was asked for; its list of backends names CUDA always. */
export function ortDevice(version: string, asked: "cpu" | "cuda" | "auto", trial: CudaTrial | undefined, driver: GpuReport): Device {
  if (trial?.ran === true) return { available: true, device: "cuda", deviceName: driver.gpus[0]?.name ?? "NVIDIA GPU", version };
  const cpu = { device: "cpu", deviceName: "CPU", version } as const;
  if (asked !== "cuda" || trial === undefined) return { available: true, ...cpu };
  return { available: false, ...cpu, problem: explainTrial(trial.said, driver) };
}

/** Why the package's WebGPU does not run. */
export function explainWebgpu(said: string): string {
  if (/backend not found|not (built|compiled|supported)|unknown provider/i.test(said))
    return `this ${ORT_PACKAGE} has no WebGPU: ${installHint(`${ORT_PACKAGE}@latest`)}`;
  if (/get a WebGPU adapter|libvulkan/i.test(said))
    return "ONNX Runtime's WebGPU finds no adapter: install the GPU's Vulkan, Metal or Direct3D 12 driver";
  return `ONNX Runtime's WebGPU does not run: ${firstSentence(said)}`;
}

function explainTrial(said: string, driver: GpuReport): string {
  const missing = /([\w.+/-]*lib[\w.+-]+\.so[\w.]*): cannot open shared object file/.exec(said)?.[1];
  const library = missing?.slice(missing.lastIndexOf("/") + 1);
  if (library?.startsWith("libonnxruntime_providers_") === true) {
    return `the CUDA provider of ${ORT_PACKAGE} (${library}) is not installed: ${installHint(`${ORT_PACKAGE}${CUDA_OPTION}`)}`;
  }
  if (driver.problem !== undefined) return `ONNX Runtime found no GPU: ${driver.problem}`;
  if (library !== undefined)
    return `the CUDA provider of ${ORT_PACKAGE} needs ${library}, which is not on this machine: ${libraryHint(library)}`;
  const cuda = /CUDA (?:failure|error)[^:\n]*:\s*([^\n;]+)/i.exec(said)?.[1]?.trim();
  if (cuda !== undefined)
    return `the CUDA provider of ${ORT_PACKAGE} fails (${cuda}): check CUDA_VISIBLE_DEVICES, and that the driver (${driver.gpus[0]?.driver ?? "unknown"}) is new enough for the provider's CUDA`;
  if (/Failed to load shared library|backend not found|not available/i.test(said)) {
    return `the CUDA provider of ${ORT_PACKAGE} cannot be loaded: ${installHint(`${ORT_PACKAGE}${CUDA_OPTION}`)}`;
  }
  return `the CUDA provider of ${ORT_PACKAGE} does not run: ${firstSentence(said)}`;
}

function firstSentence(text: string): string {
  const line = text.split("\n").find((part) => part.trim() !== "");
  return line?.trim() ?? "it says nothing";
}
