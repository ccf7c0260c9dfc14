import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { doctorText } from "../../src/report/doctor.ts";
import { plain } from "../../src/report/report.ts";
import { examineMachine } from "../../src/verify/doctor.ts";
import { chooseEngine, probeDevices } from "../../src/verify/engines/engines.ts";
import { ENGINES_VARIABLE } from "../../src/verify/engines/optional-package.ts";
import { webgpu } from "../../src/verify/engines/webgpu/webgpu.ts";

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
interface StandInAdapter {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter?: boolean;
}
/** Dawn's binding on a machine with these adapters, the strongest first. */
const dawn = (...adapters: readonly StandInAdapter[]): string => `
  const adapters = ${JSON.stringify(adapters)};
  const requestAdapter = async ({ forceFallbackAdapter }) => {
    const info = adapters.find((each) => forceFallbackAdapter !== true || each.isFallbackAdapter === true);
    return info === undefined ? null : { info };
  };
  exports.create = () => ({ requestAdapter });
  exports.globals = {};`;
const h200: StandInAdapter = { vendor: "nvidia", architecture: "hopper", device: "0x2335", description: "NVIDIA H200" };
const swiftshader: StandInAdapter = {
  vendor: "google",
  architecture: "swiftshader",
  device: "0xc0de",
  description: "SwiftShader driver 5.0.0",
  isFallbackAdapter: true,
};
/** As Mesa's rasteriser would look if it did not call itself a fallback. */
const llvmpipe: StandInAdapter = { vendor: "mesa", architecture: "", device: "0x0", description: "llvmpipe (LLVM 15.0.6, 256 bits)" };
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
const [wgpu, backend] = ["webgpu", "@tensorflow/tfjs-backend-webgpu"];

describe.skipIf(process.platform === "win32")("packages and a driver that answer as recorded", () => {
  test("a GPU is used and named by each engine, and --device auto takes it", async () => {
    machine({ [tfGpu]: tensorflow(true), [ort]: onnxruntime() }, smi.gpu);
    expect(await probeDevices("cuda")).toMatchObject([
      { engine: "wasm", available: false },
      { engine: "tensorflow", available: true, device: "cuda", deviceName: "NVIDIA H100 80GB HBM3", version: "4.22.0 (TensorFlow 2.9.1)" },
      { engine: "onnxruntime", available: true, device: "cuda", deviceName: "NVIDIA H100 80GB HBM3", version: "1.30.0" },
      { engine: "webgpu", available: false, problem: "WebGPU uses Vulkan, Metal or Direct3D 12, not CUDA; --device gpu takes it" },
      { engine: "onnxruntime-webgpu", available: false },
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
      { engine: "webgpu", available: false },
      // The stand-in runs on every provider.
      { engine: "onnxruntime-webgpu", available: true, device: "webgpu", deviceName: "an adapter that it does not name" },
    ]);
    expect(await chooseEngine({ device: "auto" })).toMatchObject({
      engine: { id: "onnxruntime" },
      notes: ["auto chose onnxruntime on the CPU: no engine with a GPU was found (vggtool doctor says why)"],
    });
  });

  const noBackend =
    /^the package @tensorflow\/tfjs-backend-webgpu is not installed: npm install webgpu @tensorflow\/tfjs-backend-webgpu@4\.22\.0 /;
  const rendered = "SwiftShader driver 5.0.0 (google), which computes on the CPU";
  const rasterised = "llvmpipe (LLVM 15.0.6, 256 bits) (mesa), which computes on the CPU";
  type Row = readonly [device: "auto" | "cpu" | "gpu", machine: string, there: readonly StandInAdapter[], wanted: object, problem: RegExp];
  const adapters: readonly Row[] = [
    ["auto", "a GPU", [h200], { device: "gpu", deviceName: "NVIDIA H200 (hopper)" }, /^$/],
    ["gpu", "a GPU beside a software adapter", [h200, swiftshader], { device: "gpu", deviceName: "NVIDIA H200 (hopper)" }, /^$/],
    ["auto", "SwiftShader alone", [swiftshader], { device: "cpu", deviceName: rendered }, /^$/],
    ["cpu", "both", [h200, swiftshader], { device: "cpu", deviceName: rendered }, /^$/],
    ["auto", "llvmpipe", [llvmpipe], { device: "cpu", deviceName: rasterised }, /^$/],
    [
      "gpu",
      "SwiftShader alone",
      [swiftshader],
      { available: false },
      /^WebGPU finds no GPU, only SwiftShader.*; --engine webgpu --device cpu runs there$/,
    ],
    ["gpu", "llvmpipe", [llvmpipe], { available: false }, /^WebGPU finds no GPU, only llvmpipe/],
    ["cpu", "a GPU alone", [h200], { available: false }, /^WebGPU finds NVIDIA H200 \(hopper\) and no software adapter/],
    ["gpu", "no adapter", [], { available: false }, /^WebGPU finds no \S+( 12)? driver on this machine/],
  ];
  test.each(adapters)("WebGPU with --device %s on a machine with %s", async (device, _, found, wanted, problem) => {
    machine({ [wgpu]: dawn(...found), [backend]: "" }, undefined);
    const probed = await webgpu(device).probe();
    expect(probed).toMatchObject({ available: true, ...wanted });
    expect(probed.problem ?? "").toMatch(problem);
  });

  test.each([
    ["neither package", {}, /^the package webgpu is not installed: npm install webgpu @tensorflow/],
    ["Dawn alone", { [wgpu]: dawn(h200) }, noBackend],
    [
      "a binding that does not load",
      { [wgpu]: "throw new Error('dawn.node: cannot open shared object file')", [backend]: "" },
      /^the native part of webgpu is not there for \S+ \S+, or cannot be loaded: Error: dawn\.node/,
    ],
  ])("WebGPU with %s", async (_, packages, words) => {
    machine(packages, undefined);
    await expect(chooseEngine({ engine: "webgpu" })).rejects.toMatchObject({ code: "not-found", message: expect.stringMatching(words) });
  });

  test("--device cuda without CUDA says that there is no driver before it names packages, and what WebGPU could do", async () => {
    machine({ [wgpu]: dawn(h200), [backend]: "" }, undefined);
    await expect(chooseEngine({ device: "cuda" })).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringMatching(
        /^no engine can use CUDA: the NVIDIA driver is not installed .*; tensorflow: the package .*; onnxruntime: the package .*; WebGPU could run on NVIDIA H200 \(hopper\): --device gpu$/,
      ),
      where: { hint: expect.stringContaining("docs/cuda.md") },
    });
    await expect(chooseEngine({ engine: "onnxruntime", device: "cuda" })).rejects.toMatchObject({
      message: expect.stringMatching(/^the NVIDIA driver is not installed .*; the package onnxruntime-node is not installed: npm install/),
    });
  });

  test("--device gpu takes CUDA where an engine has it, else WebGPU, and never a software adapter", async () => {
    machine({ [ort]: onnxruntime(), [wgpu]: dawn(h200), [backend]: "" }, smi.gpu);
    expect(await chooseEngine({ device: "gpu" })).toMatchObject({ engine: { id: "onnxruntime" }, device: { device: "cuda" } });
    machine({ [ort]: onnxruntime("no provider"), [wgpu]: dawn(h200), [backend]: "" }, undefined);
    expect(await chooseEngine({ device: "gpu" })).toMatchObject({ engine: { id: "webgpu" }, device: { device: "gpu" } });
    machine({ [wgpu]: dawn(swiftshader), [backend]: "" }, undefined);
    await expect(chooseEngine({ device: "gpu" })).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringMatching(/^no engine can use a GPU: .*only SwiftShader/),
    });
    expect(await chooseEngine({ device: "auto" })).toMatchObject({ engine: { id: "wasm" } });
  });

  test("doctor says what is there, where it was looked for, and what to type for the rest", async () => {
    machine(
      { [ort]: onnxruntime("libcublasLt.so.13: cannot open shared object file"), [wgpu]: dawn(swiftshader), [backend]: "" },
      smi.none,
    );
    const record = await examineMachine();
    const place = process.env[ENGINES_VARIABLE] ?? "";
    expect(record).toMatchObject({
      schema: "vggtool/doctor/1",
      node: { version: process.versions.node },
      packages: { variable: place },
      engines: [
        { engine: "wasm", available: true, device: "cpu" },
        { engine: "tensorflow", available: false },
        { engine: "onnxruntime", available: true, device: "cpu" },
        { engine: "webgpu", available: true, device: "cpu", deviceName: rendered },
        { engine: "onnxruntime-webgpu" },
      ],
      gpu: [{ available: false }, { available: false }, { available: false }, { available: false }, { available: false }],
      drivers: [{ name: "NVIDIA", devices: [], problem: "the NVIDIA driver finds no GPU in this machine" }],
      decoders: [
        { name: "built in", pictures: "PNG, JPEG", available: true },
        {
          name: "sharp",
          available: false,
          problem: `the package sharp is not installed: npm install sharp --prefix ${place} (VGGTOOL_ENGINES names that folder)`,
        },
      ],
    });
    expect(record.packages.folders[0]).toBe(join(place, "node_modules"));
    const text = doctorText(record, { paint: plain, width: 80 });
    expect(text).toContain(`  webgpu ? (Dawn ?): cpu (${rendered})`);
    expect(text).toContain("  NVIDIA: none: the NVIDIA driver finds no GPU in this machine");
    expect(text.match(/@tensorflow\/tfjs-node-gpu is not installed/g)).toHaveLength(1);
  });
});
