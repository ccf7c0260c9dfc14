import { CheckpointError } from "../../../errors.ts";
import { elements, isWeighted, kernelShape, layerShapes } from "../../../model/geometry/shapes.ts";
import type { Network } from "../../../model/network/network.ts";
import type { Device, Engine } from "../engine.ts";
import type { DeviceChoice } from "../engines.ts";
import { failureOf, type ImportFailure, optionalVersion, specifier } from "../optional-package.ts";
import { askNode } from "../subprocess.ts";
import { openTfjsSession } from "../tfjs-session.ts";
import {
  type Adapter,
  adapterName,
  BACKEND_PACKAGE,
  DAWN_PACKAGE,
  explainMissing,
  explainNone,
  isSoftware,
  readReport,
} from "./adapters.ts";
import { type OpenDevice, openDevice } from "./device.ts";

/**
 * TensorFlow.js on WebGPU through Dawn, if the person has installed both packages: every GPU with a Vulkan, Metal or Direct3D 12 driver. An
 * adapter that computes on the CPU is used where the engine is asked for by name, or with --device cpu, and is called a CPU.
 */
export function webgpu(asked: DeviceChoice): Engine {
  // Asked once: starting a driver takes a good part of a second.
  let finding: ReturnType<typeof find> | undefined;
  const found = () => {
    finding ??= find(asked);
    return finding;
  };
  return {
    id: "webgpu",
    async probe() {
      return (await found()).device;
    },
    async open(network, weights, input, ctx) {
      const { device, software } = await found();
      if (!device.available) throw new CheckpointError("not-found", device.problem ?? "WebGPU cannot be used");
      const opened = await openDevice(software);
      requireBindable(network, input.shape, opened, device);
      const session = await opened.explained(() =>
        openTfjsSession({ tf: opened.tf, backend: "webgpu", device, lost: opened.lost }, network, weights, input, ctx),
      );
      return {
        ...session,
        run: (batch, visit) => opened.explained(() => session.run(batch, visit)),
      };
    },
  };
}

interface Finding {
  readonly device: Device;
  /** The adapter that is used computes on the CPU. */
  readonly software: boolean;
}

/** Looks for adapters in a process of its own: drivers write to stderr, and have been known to end the process. */
async function find(asked: DeviceChoice): Promise<Finding> {
  if (asked === "cuda") return missing("WebGPU uses Vulkan, Metal or Direct3D 12, not CUDA; --device gpu takes it");
  for (const name of [DAWN_PACKAGE, BACKEND_PACKAGE]) {
    const failure = absent(name);
    if (failure !== undefined) return missing(explainMissing(name, failure));
  }
  const { stdout, stderr } = await askNode(SCRIPT(specifier(DAWN_PACKAGE)));
  const report = readReport(stdout, stderr);
  if (report === undefined) {
    return missing(explainMissing(DAWN_PACKAGE, { code: undefined, message: /^\w*Error.*$/m.exec(stderr)?.[0] ?? stderr }));
  }
  const hardware = report.adapters.find((adapter) => !isSoftware(adapter));
  const software = report.adapters.find(isSoftware);
  const adapter = asked === "gpu" ? hardware : asked === "cpu" ? software : (hardware ?? software);
  if (adapter === undefined) return missing(explainNone(report, asked));
  return { device: deviceOf(adapter), software: isSoftware(adapter) };
}

function deviceOf(adapter: Adapter): Device {
  const version = `${optionalVersion(BACKEND_PACKAGE)} (Dawn ${optionalVersion(DAWN_PACKAGE)})`;
  return { available: true, device: isSoftware(adapter) ? "cpu" : "gpu", deviceName: adapterName(adapter), version };
}

/** Why a package is not there; it is not loaded. */
function absent(name: string): ImportFailure | undefined {
  try {
    specifier(name);
    return undefined;
  } catch (error) {
    return failureOf(error);
  }
}

const SCRIPT = (dawn: string): string => `
  import { writeSync } from 'node:fs';
  const { create } = await import(${JSON.stringify(dawn)});
  const gpu = create([]);
  const adapters = [];
  for (const options of [{ powerPreference: "high-performance" }, { forceFallbackAdapter: true }]) {
    const info = (await gpu.requestAdapter(options))?.info;
    if (!info) continue;
    const { vendor, architecture, device, description } = info;
    const found = { vendor, architecture, device, description, isFallback: info.isFallbackAdapter === true };
    if (!adapters.some((other) => JSON.stringify(other) === JSON.stringify(found))) adapters.push(found);
  }
  writeSync(1, JSON.stringify({ adapters }));`;

/** A buffer that is larger than the adapter binds at once is refused before anything is uploaded. */
function requireBindable(network: Network, shape: readonly number[], { bindable }: OpenDevice, { deviceName }: Device): void {
  const [pictures = 1] = shape;
  for (const { layer, input, output } of layerShapes(network, shape)) {
    const kernel = isWeighted(layer) ? elements(kernelShape(network, layer, input)) : 0;
    const bytes = 4 * Math.max(kernel, pictures * elements(output), pictures * elements(input));
    if (bytes <= bindable) continue;
    throw new CheckpointError(
      "unsupported",
      `${layer.name} needs a buffer of ${megabytes(bytes)}, and ${deviceName} binds ${megabytes(bindable)} at once`,
      { hint: 4 * kernel > bindable ? "use --engine wasm" : "use a smaller --batch or input, or --engine wasm" },
    );
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

function missing(problem: string): Finding {
  return { device: { available: false, device: "cpu", deviceName: "", version: "", problem }, software: false };
}
