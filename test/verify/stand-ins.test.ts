import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chooseEngine, probeDevices } from "../../src/verify/engines/engines.ts";
import { ENGINES_VARIABLE } from "../../src/verify/engines/optional-package.ts";

/**
 * Stand-ins for the packages, which answer as the real ones do on a machine with a GPU and with each piece missing, and for the
 * driver's tool: what is imported, asked and concluded, from end to end. The properties are those of tfjs-node 4.22 and
 * onnxruntime-node 1.30.
 */
const ops = "add avgPool conv2d matMul maxPool pad relu reshape setBackend tensor1d tensor2d tensor4d tidy transpose".split(" ");
const tensorflow = (isUsingGpu: boolean, log = ""): string => `
  if (process.env.TF_CPP_MIN_LOG_LEVEL === "0") process.stderr.write(${JSON.stringify(log)});
  const backend = { isUsingGpuDevice: ${isUsingGpu}, isGPUPackage: true, binding: { TF_Version: "2.9.1" } };
  module.exports = { version: { "tfjs-node": "4.22.0" }, getBackend: () => "tensorflow", backend: () => backend, findBackend: () => backend };
  for (const name of ${JSON.stringify(ops)}) module.exports[name] = () => {};`;
const onnxruntime = (failure?: string): string => `
  const run = async ({ x }) => ({ y: { data: x.data.map((value) => Math.max(0, value)) } });
  const create = async (model, { executionProviders }) => {
    if (executionProviders[0] === "cuda" && ${failure !== undefined}) throw new Error(${JSON.stringify(failure ?? "")});
    return { run };
  };
  class Tensor { constructor(type, data) { this.data = data; } }
  module.exports = { env: { versions: { node: "1.30.0" } }, InferenceSession: { create }, Tensor,
    listSupportedBackends: () => [{ name: "cpu", bundled: true }, { name: "cuda", bundled: false }] };`;
const smi = { gpu: 'echo "NVIDIA H100 80GB HBM3, 535.161.08"', none: "exit 0" };

let folder = "";
let made = 0;
const before = { path: process.env.PATH, engines: process.env[ENGINES_VARIABLE] };
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
});
afterAll(() => {
  process.env.PATH = before.path;
  delete process.env[ENGINES_VARIABLE];
  if (before.engines !== undefined) process.env[ENGINES_VARIABLE] = before.engines;
  rmSync(folder, { recursive: true });
});

/** A machine with these packages (by name, as CommonJS) and this driver. */
function machine(packages: Readonly<Record<string, string>>, driver: string | undefined): void {
  const place = join(folder, String(made++));
  for (const [name, code] of Object.entries(packages)) {
    mkdirSync(join(place, "node_modules", name), { recursive: true });
    writeFileSync(join(place, "node_modules", name, "index.js"), code);
  }
  const bin = join(place, "bin");
  mkdirSync(bin, { recursive: true });
  if (driver !== undefined) {
    writeFileSync(join(bin, "nvidia-smi"), `#!/bin/sh\n${driver}\n`);
    chmodSync(join(bin, "nvidia-smi"), 0o755);
  }
  process.env[ENGINES_VARIABLE] = place;
  process.env.PATH = bin;
}

const [tfGpu, tfCpu, ort] = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node", "onnxruntime-node"];

describe.skipIf(process.platform === "win32")("packages and a driver that answer as recorded", () => {
  test("a GPU is used and named by each engine, and --device auto takes it", async () => {
    machine({ [tfGpu]: tensorflow(true), [ort]: onnxruntime() }, smi.gpu);
    expect(await probeDevices("cuda")).toMatchObject([
      { engine: "wasm", available: false },
      { engine: "tensorflow", available: true, device: "cuda", deviceName: "NVIDIA H100 80GB HBM3", version: "4.22.0 (TensorFlow 2.9.1)" },
      { engine: "onnxruntime", available: true, device: "cuda", deviceName: "NVIDIA H100 80GB HBM3", version: "1.30.0" },
    ]);
    expect(await chooseEngine({ device: "auto" })).toMatchObject({
      engine: { id: "tensorflow" },
      device: { device: "cuda" },
      notes: ["auto chose tensorflow on NVIDIA H100 80GB HBM3"],
    });
    expect(await chooseEngine({ device: "cuda" })).toMatchObject({ engine: { id: "tensorflow" }, notes: [] });
  });

  test("the first engine that has the GPU is taken where the other has none", async () => {
    machine({ [tfGpu]: tensorflow(false), [ort]: onnxruntime() }, smi.gpu);
    expect(await chooseEngine({ device: "cuda" })).toMatchObject({ engine: { id: "onnxruntime" }, device: { device: "cuda" } });
  });

  const cudart = "W dso_loader.cc:64] Could not load dynamic library 'libcudart.so.11.0'; dlerror: libcudart.so.11.0: cannot open";
  test.each([
    [
      "tensorflow",
      "only the package for the CPU",
      { [tfCpu]: tensorflow(false) },
      smi.gpu,
      /^@tensorflow\/tfjs-node runs on the CPU only: /,
    ],
    ["tensorflow", "no driver", { [tfGpu]: tensorflow(false, cudart) }, undefined, /the NVIDIA driver is not installed/],
    ["tensorflow", "no GPU", { [tfGpu]: tensorflow(false, cudart) }, smi.none, /the NVIDIA driver finds no GPU/],
    [
      "tensorflow",
      "no CUDA",
      { [tfGpu]: tensorflow(false, cudart) },
      smi.gpu,
      /^TensorFlow 2\.9\.1 misses libcudart\.so\.11\.0: install the CUDA toolkit 11/,
    ],
    ["tensorflow", "a library without CUDA", { [tfGpu]: tensorflow(false) }, smi.gpu, /built without CUDA/],
    [
      "tensorflow",
      "a package of another kind",
      { [tfGpu]: "module.exports = {};" },
      smi.gpu,
      /is not TensorFlow\.js as this tool knows it/,
    ],
    [
      "onnxruntime",
      "no driver",
      { [ort]: onnxruntime("libcublasLt.so.13: cannot open shared object file") },
      undefined,
      /the NVIDIA driver is not installed/,
    ],
    [
      "onnxruntime",
      "no CUDA",
      { [ort]: onnxruntime("libcublasLt.so.13: cannot open shared object file") },
      smi.gpu,
      /needs libcublasLt\.so\.13, .*: install the CUDA toolkit 13/,
    ],
    ["onnxruntime", "a package of another kind", { [ort]: "module.exports = {};" }, smi.gpu, /is not ONNX Runtime as this tool knows it/],
  ] as const)("%s with %s", async (engine, _, packages, driver, words) => {
    machine(packages, driver);
    await expect(chooseEngine({ engine, device: "cuda" })).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringMatching(words),
    });
  });

  test("without --device cuda, a CPU is a CPU and says so", async () => {
    machine({ [tfCpu]: tensorflow(false), [ort]: onnxruntime("no provider") }, smi.gpu);
    expect(await probeDevices("auto")).toMatchObject([
      { engine: "wasm", device: "cpu" },
      { engine: "tensorflow", available: true, device: "cpu", deviceName: "CPU" },
      { engine: "onnxruntime", available: true, device: "cpu", deviceName: "CPU" },
    ]);
    expect(await chooseEngine({ device: "auto" })).toMatchObject({
      engine: { id: "onnxruntime" },
      notes: ["auto chose onnxruntime on the CPU: no engine with a GPU was found (vggtool verify --check-device says why)"],
    });
  });
});
