import { libraryHint } from "./cuda-library.ts";
import type { Device } from "./engine.ts";
import type { GpuReport } from "./gpu.ts";
import { installHint, rebuildHint } from "./installation.ts";
import { type ImportFailure, property } from "./optional-package.ts";

export const ORT_PACKAGE = "onnxruntime-node";
/**
 * What the package's install script brings to each platform: npm never carries the CUDA provider. Packages before 1.21 have no such list,
 * and take cuda12 too.
 */
export const ORT_METADATA = `${ORT_PACKAGE}/script/install-metadata.js`;
const USUAL = ["cuda12"];
/** What ONNX Runtime is built with for CUDA 12 and 13 since 1.19: onnxruntime.ai, "CUDA Execution Provider", requirements. */
const CUDNN = "cuDNN 9";

/** What a process of its own said after it ran one ReLU on the CUDA provider with falling back to the CPU forbidden. */
export interface CudaTrial {
  readonly ran: boolean;
  /** Message of the error that was thrown, and what the native libraries wrote. */
  readonly said: string;
  /** What the install script can bring to this platform ("cuda12"); undefined: the package does not say. */
  readonly brings?: readonly string[] | undefined;
}

/** The entry of ORT_METADATA for a platform: "linux/x64". */
export function broughtTo(platform: string, metadata: unknown): readonly string[] | undefined {
  const listed = property(property(metadata, "requirements"), platform);
  return Array.isArray(listed) ? listed.filter((name) => typeof name === "string" && name.startsWith("cuda")) : undefined;
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
  return { available: false, ...cpu, problem: explainTrial(trial, driver) };
}

/** Why the package's WebGPU does not run. */
export function explainWebgpu(said: string): string {
  if (/backend not found|not (built|compiled|supported)|unknown provider/i.test(said))
    return `this ${ORT_PACKAGE} has no WebGPU: ${installHint(`${ORT_PACKAGE}@latest`)}`;
  if (/get a WebGPU adapter|libvulkan/i.test(said))
    return "ONNX Runtime's WebGPU finds no adapter: install the GPU's Vulkan, Metal or Direct3D 12 driver";
  return `ONNX Runtime's WebGPU does not run: ${firstSentence(said)}`;
}

function explainTrial({ said, brings }: CudaTrial, driver: GpuReport): string {
  const missing = /([\w.+/-]*lib[\w.+-]+\.so[\w.]*): cannot open shared object file/.exec(said)?.[1];
  const library = missing?.slice(missing.lastIndexOf("/") + 1);
  if (library?.startsWith("libonnxruntime_providers_") === true) {
    return providerMissing(`(${library}) is not installed`, brings);
  }
  if (driver.problem !== undefined) return `ONNX Runtime found no GPU: ${driver.problem}`;
  if (library !== undefined)
    return `the CUDA provider of ${ORT_PACKAGE} needs ${library}, which is not on this machine: ${libraryHint(library)}`;
  const cuda = /CUDA (?:failure|error)[^:\n]*:\s*([^\n;]+)/i.exec(said)?.[1]?.trim();
  if (cuda !== undefined)
    return `the CUDA provider of ${ORT_PACKAGE} fails (${cuda}): check CUDA_VISIBLE_DEVICES, and that the driver (${driver.gpus[0]?.driver ?? "unknown"}) is new enough for the provider's CUDA`;
  if (/Failed to load shared library|backend not found|not available/i.test(said)) {
    return providerMissing("cannot be loaded", brings);
  }
  return `the CUDA provider of ${ORT_PACKAGE} does not run: ${firstSentence(said)}`;
}

function providerMissing(what: string, brings: readonly string[] | undefined): string {
  const [option] = brings ?? USUAL;
  if (option === undefined)
    return `${ORT_PACKAGE} brings no CUDA provider to ${process.platform} ${process.arch} (its script/install-metadata.js); --engine webgpu can use a GPU`;
  const cuda = brings === undefined ? undefined : /^cuda(\d+)$/.exec(option)?.[1];
  const needs = cuda === undefined ? "" : `; it is for CUDA ${cuda} (the package's script/install-metadata.js) and ${CUDNN}`;
  return `the CUDA provider of ${ORT_PACKAGE} ${what}: ${rebuildHint(`${ORT_PACKAGE} --onnxruntime-node-install=${option}`)}${needs}`;
}

function firstSentence(text: string): string {
  const line = text.split("\n").find((part) => part.trim() !== "");
  return line?.trim() ?? "it says nothing";
}
