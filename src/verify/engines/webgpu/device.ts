import { CheckpointError } from "../../../errors.ts";
import { importOptional, property } from "../optional-package.ts";
import type { TfjsOps } from "../tfjs-ops.ts";
import { BACKEND_PACKAGE, DAWN_PACKAGE, explainMissing } from "./adapters.ts";
import { type DeviceEvents, type HeardDevice, hear, refusedDevice } from "./device-events.ts";

/** A WebGPU device with TensorFlow.js on it. */
export interface OpenDevice extends DeviceEvents {
  readonly tf: TfjsOps;
  /** The largest buffer that a kernel may see, in bytes. */
  readonly bindable: number;
}

/** The part of WebGPU that is used here; TensorFlow.js brings no types of it. */
interface GpuAdapter {
  readonly limits: object;
  requestDevice(descriptor: object): Promise<unknown>;
}

/** Of those, one for the GPU and one for the CPU: a process needs no more, and drivers are not made to be opened twice. */
const opened = new Map<boolean, Promise<OpenDevice>>();
/** Which of them TensorFlow.js has now. */
let current: boolean | undefined;

/** Limits that are raised to the adapter's own: VGG-16's fc6 has 411 MB, and WebGPU's usual limit is 128. */
const LIMITS = [
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupSizeX",
  "maxComputeInvocationsPerWorkgroup",
] as const;

/** The device of the GPU, or of the adapter that computes on the CPU. */
export async function openDevice(software: boolean): Promise<OpenDevice> {
  if (current !== undefined && current !== software) throw new TypeError("two WebGPU adapters in one process");
  current = software;
  const known = opened.get(software) ?? open(software);
  opened.set(software, known);
  // One that could not be opened, or was lost, is asked for again.
  known.catch(() => opened.delete(software));
  return known;
}

async function open(software: boolean): Promise<OpenDevice> {
  const dawn = await imported(DAWN_PACKAGE);
  const gpu = method(dawn, "create", [[]]);
  const adapter: unknown = await method(gpu, "requestAdapter", [
    software ? { forceFallbackAdapter: true } : { powerPreference: "high-performance" },
  ]);
  if (!isAdapter(adapter)) throw new CheckpointError("not-found", "WebGPU finds its adapter no more", { hint: "vggtool doctor" });
  provideGlobals(dawn, gpu);
  const limits = Object.fromEntries(LIMITS.map((name) => [name, numberOf(adapter.limits, name)]));
  const device = await adapter.requestDevice({ requiredLimits: limits }).catch((error: unknown) => {
    throw refusedDevice(error);
  });
  if (!isDevice(device)) throw new TypeError(`a device of ${DAWN_PACKAGE} is not as this tool knows it (0.3 or later)`);
  const tf = await import("@tensorflow/tfjs-core");
  // Its copy of tfjs-core shares the engine of ours, and would say on stderr that it does.
  tf.env().set("PROD", true);
  const backend = await imported(BACKEND_PACKAGE);
  const made = property(backend, "WebGPUBackend");
  if (typeof made !== "function") throw new TypeError(`${BACKEND_PACKAGE} is not as this tool knows it (4.22)`);
  // The package registers itself for whatever adapter comes first; this one was chosen.
  tf.removeBackend("webgpu");
  tf.registerBackend("webgpu", () => Reflect.construct(made, [device, property(adapter, "info")]));
  // Small operations would be computed by JavaScript else.
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  return { tf, bindable: numberOf(adapter.limits, "maxStorageBufferBindingSize"), ...hear(device, () => opened.delete(software)) };
}

/** TensorFlow.js asks for the names that a browser has. */
function provideGlobals(dawn: unknown, gpu: unknown): void {
  const globals = property(dawn, "globals");
  for (const [name, value] of Object.entries(typeof globals === "object" && globals !== null ? globals : {})) {
    if (!(name in globalThis)) Reflect.set(globalThis, name, value);
  }
  // Node 20 has no navigator.
  if (!("navigator" in globalThis)) Reflect.set(globalThis, "navigator", {});
  const navigator: unknown = Reflect.get(globalThis, "navigator");
  if (typeof navigator === "object" && navigator !== null) Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
}

async function imported(name: string): Promise<unknown> {
  const found = await importOptional(name);
  if ("failure" in found) throw new CheckpointError("not-found", explainMissing(name, found.failure));
  return found.module;
}

function isAdapter(value: unknown): value is GpuAdapter {
  return typeof property(value, "requestDevice") === "function" && typeof property(value, "limits") === "object";
}

function isDevice(value: unknown): value is HeardDevice {
  return typeof property(value, "addEventListener") === "function" && property(value, "lost") instanceof Promise;
}

function numberOf(owner: object, key: string): number {
  const value = property(owner, key);
  return typeof value === "number" ? value : 0;
}

function method(owner: unknown, key: string, args: readonly unknown[]): unknown {
  const found = property(owner, key);
  if (typeof found !== "function")
    throw new TypeError(`the package ${DAWN_PACKAGE} has no ${key}: it is not as this tool knows it (0.3 or later)`);
  return Reflect.apply(found, owner, args);
}
