import { installHint } from "../installation.ts";
import { type ImportFailure, property } from "../optional-package.ts";

/** Dawn's binding for Node, and TensorFlow.js on WebGPU: both are needed, neither has an install script that matters. */
export const DAWN_PACKAGE = "webgpu";
export const BACKEND_PACKAGE = "@tensorflow/tfjs-backend-webgpu";
/** All of TensorFlow.js has to be of one version. */
const BACKEND_VERSION = "4.22.0";

/** What a driver says of an adapter (GPUAdapterInfo). */
export interface Adapter {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** Dawn's word for what runs on the CPU. */
  readonly isFallback: boolean;
}

/** What a process of its own found: whatever adapters there are, the strongest first. */
export interface AdapterReport {
  readonly adapters: readonly Adapter[];
  /** What native code wrote, where there was none. */
  readonly said: string;
}

/** Rasterisers that have called themselves by other names than "fallback": Mesa's, Google's, Microsoft's. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render|\bwarp\b/i;

/** Whether an adapter computes on the CPU. */
export function isSoftware({ isFallback, description, device, architecture }: Adapter): boolean {
  return isFallback || [description, device, architecture].some((text) => SOFTWARE.test(text));
}

/** "NVIDIA H200 (nvidia hopper)", for people. */
export function adapterName(adapter: Adapter): string {
  const { vendor, architecture, device, description } = adapter;
  const name = [description, device].find((text) => text !== "") ?? "an adapter without a name";
  const kind = [vendor, architecture].filter((text) => text !== "" && !name.toLowerCase().includes(text.toLowerCase())).join(" ");
  return `${name}${kind === "" ? "" : ` (${kind})`}${isSoftware(adapter) ? ", which computes on the CPU" : ""}`;
}

/** Why a package of the two cannot be used, with what to type. */
export function explainMissing(name: string, { code, message }: ImportFailure): string {
  const both = installHint(`${DAWN_PACKAGE} ${BACKEND_PACKAGE}@${BACKEND_VERSION}`);
  if (code === "ERR_MODULE_NOT_FOUND" && message.includes(name)) return `the package ${name} is not installed: ${both}`;
  const first = message.split("\n")[0] ?? "";
  if (/\.node\b|dlopen|cannot open shared object/.test(message))
    return `the native part of ${name} is not there for ${process.platform} ${process.arch}, or cannot be loaded: ${first}`;
  return `${name} cannot be imported: ${first}`;
}

/** Why there is no adapter of the wanted kind. `said`: Dawn's words on stderr. */
export function explainNone({ adapters, said }: AdapterReport, wanted: "gpu" | "cpu" | "auto"): string {
  const [found] = adapters;
  if (found !== undefined && wanted === "gpu")
    return `WebGPU finds no GPU, only ${adapterName(found)}; --engine webgpu --device cpu runs there`;
  if (found !== undefined) return `WebGPU finds ${adapterName(found)} and no software adapter; --engine webgpu --device gpu runs there`;
  if (/libvulkan\.so\.1/.test(said))
    return "WebGPU finds no driver: libvulkan.so.1 is not on this machine: install the Vulkan loader (Debian and Ubuntu: apt install libvulkan1) and the GPU's driver";
  const kind = process.platform === "darwin" ? "Metal" : process.platform === "win32" ? "Direct3D 12" : "Vulkan";
  const first = said.split("\n").find((line) => line.trim() !== "");
  return `WebGPU finds no ${kind} driver on this machine${first === undefined ? "" : ` (${first.trim()})`}: install the GPU's driver${kind === "Vulkan" ? "; in a container, VK_DRIVER_FILES names its JSON file" : ""}`;
}

/** The report of the process, which prints one JSON line. */
export function readReport(stdout: string, stderr: string): AdapterReport | undefined {
  const line = stdout.split("\n").find((text) => text.startsWith('{"adapters"'));
  if (line === undefined) return undefined;
  const answer: unknown = JSON.parse(line);
  const listed = property(answer, "adapters");
  const adapters = (Array.isArray(listed) ? listed : []).map((each: unknown): Adapter => {
    const text = (key: string): string => String(property(each, key) ?? "");
    return {
      vendor: text("vendor"),
      architecture: text("architecture"),
      device: text("device"),
      description: text("description"),
      isFallback: property(each, "isFallback") === true,
    };
  });
  return { adapters, said: stderr };
}
