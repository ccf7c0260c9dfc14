import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { ENGINES_VARIABLE } from "../../src/verify/engines/optional-package.ts";
import { networkOf, randomSet, weightsFrom } from "./support.ts";

/**
 * A WebGPU that is not there: an adapter whose devices fail in one way, as Dawn's do (device.destroy() was tried on SwiftShader), and a
 * backend that computes on WebAssembly and reads back through the device. What is tried is what a person is told.
 */
const dawn = `
  exports.globals = {};
  exports.create = () => ({
    requestAdapter: async () => ({
      info: { vendor: "planted", architecture: "", device: "", description: "Planted GPU" },
      limits: { maxStorageBufferBindingSize: 2 ** 30 },
      requestDevice: async () => {
        const { refused } = globalThis.planted;
        if (refused !== undefined) throw refused;
        const device = new EventTarget();
        device.lost = new Promise((resolve) => { device.lose = (message) => resolve({ reason: "unknown", message }); });
        return device;
      },
    }),
  });`;

const modules = createRequire(import.meta.url);
const backend = `
  const tf = require(${JSON.stringify(modules.resolve("@tensorflow/tfjs-core"))});
  class WebGPUBackend {
    constructor(device) {
      let reads = 0;
      const inner = tf.findBackend("wasm");
      const read = async (id) => {
        const { onRead = () => {} } = globalThis.planted;
        return (await onRead(device, ++reads)) ?? inner.read(id);
      };
      const own = { read, dispose() {} };
      return new Proxy(inner, { get: (of, key) => own[key] ?? (typeof of[key] === "function" ? of[key].bind(of) : of[key]) });
    }
  }
  for (const kernel of tf.getKernelsForBackend("wasm")) tf.registerKernel({ ...kernel, backendName: "webgpu" });
  tf.env().registerFlag("WEBGPU_CPU_FORWARD", () => true);
  tf.registerBackend("webgpu", () => { throw new Error("the adapter was not chosen"); });
  exports.WebGPUBackend = WebGPUBackend;`;

interface PlantedDevice extends EventTarget {
  lose(message: string): void;
}
interface Planted {
  readonly refused?: unknown;
  /** What happens at the n-th read; undefined: the read goes on. */
  readonly onRead?: (device: PlantedDevice, n: number) => unknown;
}

const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
for (const [name, code] of [
  ["webgpu", dawn],
  ["@tensorflow/tfjs-backend-webgpu", backend],
] as const) {
  mkdirSync(join(folder, "node_modules", name), { recursive: true });
  writeFileSync(join(folder, "node_modules", name, "index.js"), code);
}
const before = process.env[ENGINES_VARIABLE];
const ctx = createContext();
afterAll(async () => {
  delete process.env[ENGINES_VARIABLE];
  if (before !== undefined) process.env[ENGINES_VARIABLE] = before;
  rmSync(folder, { recursive: true });
  await ctx.dispose();
});

/** WebAssembly has to be ready before another backend borrows it. */
beforeAll(async () => {
  const tf = await import("@tensorflow/tfjs-core");
  await import("@tensorflow/tfjs-backend-wasm");
  await tf.setBackend("wasm");
});

/** Each test has the engine as a new process has it. */
beforeEach(() => {
  vi.resetModules();
  process.env[ENGINES_VARIABLE] = folder;
});

const plant = (planted: Planted): void => void Reflect.set(globalThis, "planted", planted);

const set = randomSet({ widths: [[4], [5], [5], [5], [5]], fc: [5, 2, 3], picture: [1, 3, 64, 96] });
async function run(): Promise<readonly string[]> {
  const { webgpu } = await import("../../src/verify/engines/webgpu/webgpu.ts");
  const values = set.get("picture")?.values ?? new Float32Array();
  const input = { layer: "input", shape: [1, 3, 64, 96], values };
  const session = await webgpu("auto").open(networkOf(set), weightsFrom(set), input, ctx);
  const seen: string[] = [];
  await session.run(input, async ({ layer }) => void seen.push(layer)).finally(() => session.close());
  return seen;
}

/** As Dawn gives it: the class says what it is. */
class GPUOutOfMemoryError {
  readonly message = "Failed to allocate memory for buffer.";
}
class GPUValidationError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

function report(device: PlantedDevice, error: object): Event {
  const event = Object.assign(new Event("uncapturederror", { cancelable: true }), { error });
  device.dispatchEvent(event);
  return event;
}

describe("a WebGPU device", () => {
  const layers = [...[1, 2, 3, 4, 5].flatMap((block) => [`conv${block}_1`, `pool${block}`]), "fc6", "fc7", "fc8"];
  const ofMemory = { code: "unsupported", summary: "the WebGPU device has not enough memory for this network and input" };
  const lost = "the WebGPU device was lost while it computed";

  test("without a fault gives every layer", async () => {
    plant({});
    expect(await run()).toEqual(layers);
  });

  test("that is lost while a layer is waited for ends the run, though the layer never comes", async () => {
    plant({
      onRead: (device, n) => {
        if (n < 3) return undefined;
        device.lose("VK_ERROR_DEVICE_LOST\n at vkQueueSubmit");
        return new Promise(() => {});
      },
    });
    await expect(run()).rejects.toMatchObject({
      code: "unsupported",
      summary: `${lost} (VK_ERROR_DEVICE_LOST)`,
      where: { hint: "use a smaller --batch or input, or --engine wasm; a driver ends what takes too long" },
    });
  });

  test("whose read fails before its loss is heard of is lost all the same", async () => {
    plant({
      onRead: (device, n) => {
        if (n < 2) return undefined;
        queueMicrotask(() => device.lose(""));
        throw new Error("mapAsync: the buffer was destroyed");
      },
    });
    await expect(run()).rejects.toMatchObject({ code: "unsupported", summary: lost });
  });

  test("that was lost is asked for anew by the next run", async () => {
    plant({ onRead: (device) => device.lose("reset") });
    await expect(run()).rejects.toMatchObject({ summary: `${lost} (reset)` });
    plant({});
    expect(await run()).toEqual(layers);
  });

  test("without memory says so, whatever else it says of the buffer that was not made", async () => {
    const events: Event[] = [];
    plant({
      onRead: (device, n) => {
        if (n !== 2) return undefined;
        events.push(report(device, new GPUValidationError("[Invalid Buffer (unlabeled)] is invalid due to a previous error.")));
        events.push(report(device, new GPUOutOfMemoryError()));
        return undefined;
      },
    });
    await expect(run()).rejects.toMatchObject({ ...ofMemory, where: { hint: "use a smaller --batch or input, or --engine wasm" } });
    // Dawn prints on stdout what nobody takes.
    expect(events.map(({ defaultPrevented }) => defaultPrevented)).toEqual([true, true]);
  });

  test("that refuses a kernel is no result either, though values come back", async () => {
    plant({
      onRead: (device, n) => {
        if (n === 1) report(device, new GPUValidationError("Workgroup size is too large\n - While …"));
      },
    });
    await expect(run()).rejects.toMatchObject({
      code: "unsupported",
      summary: "WebGPU refuses to compute the network: GPUValidationError: Workgroup size is too large",
      where: { hint: "use --engine wasm" },
    });
  });

  test.each([
    ["memory", new DOMException("vkCreateDevice failed with VK_ERROR_OUT_OF_DEVICE_MEMORY", "OperationError"), ofMemory],
    [
      "a limit",
      new DOMException("maxBufferSize is more than the adapter has", "OperationError"),
      { summary: "WebGPU opens no device on this adapter: OperationError: maxBufferSize is more than the adapter has" },
    ],
  ])("that is refused for %s is a sentence", async (_, refused, wanted) => {
    plant({ refused });
    await expect(run()).rejects.toMatchObject({ code: "unsupported", ...wanted });
  });
});
