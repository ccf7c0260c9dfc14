import { libraryHint } from "./cuda-library.ts";
import type { Device } from "./engine.ts";
import type { GpuReport } from "./gpu.ts";
import { installHint, rebuildHint } from "./installation.ts";
import type { ImportFailure } from "./optional-package.ts";

export const GPU_PACKAGE = "@tensorflow/tfjs-node-gpu";
export const CPU_PACKAGE = "@tensorflow/tfjs-node";
/** TensorFlow.js 4.22 is the last release that npm has; docs/cuda.md lists what goes with it. */
const VERSION = "4.22.0";
const INSTALL_CUDA = "install the CUDA and cuDNN versions that docs/cuda.md names for it and put them on LD_LIBRARY_PATH";

/** What the package says of itself once it is imported. */
export interface TensorflowAnswer {
  readonly package: string;
  /** Of tfjs-node. */
  readonly version: string;
  /** Of the TensorFlow library. */
  readonly library: string;
  /** The only property that tells the truth: getBackend() is "tensorflow" either way, isGPUPackage compares a name. */
  readonly isUsingGpu: boolean;
}

/** Why the package cannot be used at all, with what to type. */
export function explainImport(failure: ImportFailure, name: string = GPU_PACKAGE): string {
  const { code, message } = failure;
  if (code === "ERR_MODULE_NOT_FOUND" && (message.includes(`'${name}'`) || message.includes("Cannot find module '@tensorflow/tfjs-node"))) {
    return `the package ${name} is not installed: ${installHint(`${name}@${VERSION}`)}`;
  }
  if (/tfjs_binding\.node\) can ?not be found/.test(message)) {
    return `the native addon of ${name} was not built or downloaded: ${rebuild(name)}`;
  }
  if (code === "ERR_DLOPEN_FAILED") {
    const library = /(lib[\w.+-]+): cannot open shared object file/.exec(message)?.[1];
    if (library === undefined) return `the native addon of ${name} cannot be loaded: ${firstLine(message)}`;
    return `the native addon of ${name} needs ${library}, which is not on this machine: ${/^libtensorflow/.test(library) ? rebuild(name) : libraryHint(library)}`;
  }
  return `${name} cannot be imported: ${firstLine(message)}`;
}

/** The device that TensorFlow really uses; where `cuda` was asked for and is not used, the problem with its remedy. */
export function tensorflowDevice(answer: TensorflowAnswer, asked: "cpu" | "cuda" | "auto", driver: GpuReport, log: string): Device {
  const version = `${answer.version} (TensorFlow ${answer.library})`;
  if (answer.isUsingGpu) {
    const name = driver.gpus[0]?.name ?? "NVIDIA GPU";
    return { available: true, device: "cuda", deviceName: name, version };
  }
  const cpu = { device: "cpu", deviceName: "CPU", version } as const;
  if (asked !== "cuda") return { available: true, ...cpu };
  return { available: false, ...cpu, problem: explainNoGpu(answer, driver, log) };
}

/** Which piece is missing, the outermost first: package, driver, GPU, CUDA libraries. `log`: TensorFlow's stderr. */
function explainNoGpu(answer: TensorflowAnswer, driver: GpuReport, log: string): string {
  if (answer.package === CPU_PACKAGE) return `${CPU_PACKAGE} runs on the CPU only: ${installHint(`${GPU_PACKAGE}@${VERSION}`)}`;
  if (driver.problem !== undefined) return `TensorFlow found no GPU: ${driver.problem}`;
  const initialise = /failed call to cuInit: ([^\n]+)/.exec(log)?.[1]?.trim();
  const missing = [...new Set([...log.matchAll(/Could not load dynamic library '([^']+)'/g)].map((match) => match[1] ?? ""))];
  // TensorRT is wished for and not needed; the driver's library comes last, it is the rarest to be missing where there is a driver.
  const libraries = missing.filter((library) => !/^lib(cuda\.so|nvinfer)/.test(library));
  if (missing.some((library) => library.startsWith("libcuda.so"))) libraries.push("libcuda.so.1");
  const own = `TensorFlow ${answer.library}`;
  if (libraries.length > 0) return `${own} misses ${libraries.join(", ")}: ${libraryHint(libraries[0] ?? "")}`;
  // Seen with TensorFlow 2.15: said where libcudart cannot be loaded, whatever the driver.
  if (/Could not find cuda drivers/.test(log)) return `${own} cannot load the CUDA runtime (libcudart): ${INSTALL_CUDA}`;
  if (/Cannot dlopen some GPU libraries/.test(log)) return `${own} cannot load its CUDA libraries: ${INSTALL_CUDA}`;
  if (initialise !== undefined)
    return `the CUDA driver refuses to start (${initialise}): check CUDA_VISIBLE_DEVICES and the driver's version, ${driver.gpus[0]?.driver ?? "unknown"}`;
  // Seen with TensorFlow 2.15: a library with CUDA speaks of it while it is loaded ("cuDNN factory"), and says nothing of a missing libcuda.
  if (/cuda|cudnn/i.test(log)) return `${own} cannot load libcuda.so.1: ${libraryHint("libcuda.so.1")}`;
  return `${own} uses no GPU (it was built without CUDA): use a TensorFlow library built with CUDA, as docs/cuda.md describes`;
}

function rebuild(name: string): string {
  return rebuildHint(`${name} --build-addon-from-source`);
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
