import { afterEach, describe, expect, test } from "vitest";
import { chooseEngine, probeDevices } from "../../src/verify/engines/engines.ts";
import { type GpuReport, readDriverAnswer } from "../../src/verify/engines/gpu.ts";
import { broughtTo, explainOrtImport, ortDevice } from "../../src/verify/engines/onnxruntime-device.ts";
import { ENGINES_VARIABLE, failureOf, importOptional } from "../../src/verify/engines/optional-package.ts";
import { explainImport, type TensorflowAnswer, tensorflowDevice } from "../../src/verify/engines/tensorflow-device.ts";

const noDriver: GpuReport = readDriverAnswer({ code: undefined, stdout: "", stderr: "" });
const h100: GpuReport = readDriverAnswer({ code: 0, stdout: "NVIDIA H100 80GB HBM3, 535.161.08\n", stderr: "" });
const cpuAnswer: TensorflowAnswer = { package: "@tensorflow/tfjs-node-gpu", version: "4.22.0", library: "2.9.1", isUsingGpu: false };

describe("nvidia-smi's answers", () => {
  test.each([
    ["no program", { code: undefined, stdout: "", stderr: "" }, /driver is not installed/],
    [
      "no kernel module",
      { code: 9, stdout: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that\n", stderr: "" },
      /does not answer \(nvidia-smi: NVIDIA-SMI has failed/,
    ],
    [
      "library and module apart",
      { code: 18, stdout: "", stderr: "Failed to initialize NVML: Driver/library version mismatch\n" },
      /does not answer .*version mismatch.*reboot/,
    ],
    ["no GPU", { code: 0, stdout: "", stderr: "" }, /finds no GPU/],
  ])("%s", (_, answer, words) => {
    expect(readDriverAnswer(answer)).toMatchObject({ gpus: [], problem: expect.stringMatching(words) });
  });

  test("a GPU", () => {
    expect(h100).toEqual({ gpus: [{ name: "NVIDIA H100 80GB HBM3", driver: "535.161.08" }] });
  });
});

describe("tfjs-node's answers", () => {
  test.each([
    [
      "not installed",
      { code: "ERR_MODULE_NOT_FOUND", message: "Cannot find package '@tensorflow/tfjs-node-gpu' imported from /app/dist/verify/" },
      expect.stringMatching(
        /^the package @tensorflow\/tfjs-node-gpu is not installed: npm install @tensorflow\/tfjs-node-gpu@4\.22\.0 .*VGGTOOL_ENGINES/,
      ),
    ],
    [
      "addon not built",
      {
        code: undefined,
        message:
          "The Node.js native addon module (tfjs_binding.node) can not be found at path: /app/node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node. \nPlease run command …",
      },
      expect.stringMatching(
        /^the native addon of @tensorflow\/tfjs-node-gpu was not built or downloaded: npm rebuild @tensorflow\/tfjs-node-gpu --build-addon-from-source --prefix /,
      ),
    ],
    [
      "TensorFlow library missing",
      { code: "ERR_DLOPEN_FAILED", message: "libtensorflow.so.2: cannot open shared object file: No such file or directory" },
      expect.stringMatching(
        /^the native addon of @tensorflow\/tfjs-node-gpu needs libtensorflow\.so\.2, which is not on this machine: npm rebuild @tensorflow\/tfjs-node-gpu /,
      ),
    ],
    [
      "another library missing",
      { code: "ERR_DLOPEN_FAILED", message: "libcudart.so.11.0: cannot open shared object file: No such file or directory" },
      "the native addon of @tensorflow/tfjs-node-gpu needs libcudart.so.11.0, which is not on this machine: install the CUDA toolkit 11 and put its lib64 folder on LD_LIBRARY_PATH",
    ],
    ["something else", { code: undefined, message: "boom\nat x" }, "@tensorflow/tfjs-node-gpu cannot be imported: boom"],
  ])("%s", (_, failure, sentence) => {
    expect(explainImport(failure)).toEqual(sentence);
  });

  test("a GPU in use is named, in the driver's words", () => {
    expect(tensorflowDevice({ ...cpuAnswer, isUsingGpu: true }, "cuda", h100, "")).toEqual({
      available: true,
      device: "cuda",
      deviceName: "NVIDIA H100 80GB HBM3",
      version: "4.22.0 (TensorFlow 2.9.1)",
    });
  });

  test("without one, cpu and auto run on the CPU and cuda does not run", () => {
    expect(tensorflowDevice(cpuAnswer, "cpu", noDriver, "")).toMatchObject({ available: true, device: "cpu" });
    expect(tensorflowDevice(cpuAnswer, "auto", noDriver, "")).toMatchObject({ available: true, device: "cpu" });
    expect(tensorflowDevice(cpuAnswer, "cuda", noDriver, "")).toMatchObject({ available: false, device: "cpu" });
  });

  const libraries = [
    "W tensorflow/stream_executor/platform/default/dso_loader.cc:64] Could not load dynamic library 'libcudart.so.11.0'; dlerror: libcudart.so.11.0: cannot open shared object file: No such file or directory",
    "W tensorflow/stream_executor/platform/default/dso_loader.cc:64] Could not load dynamic library 'libcudnn.so.8'; dlerror: libcudnn.so.8: cannot open shared object file: No such file or directory",
  ].join("\n");
  test.each([
    [
      "the package for the CPU",
      { ...cpuAnswer, package: "@tensorflow/tfjs-node" },
      h100,
      "",
      /^@tensorflow\/tfjs-node runs on the CPU only: npm install @tensorflow\/tfjs-node-gpu/,
    ],
    ["no driver", cpuAnswer, noDriver, libraries, /^TensorFlow found no GPU: the NVIDIA driver is not installed/],
    [
      "libraries",
      cpuAnswer,
      h100,
      libraries,
      /^TensorFlow 2\.9\.1 misses libcudart\.so\.11\.0, libcudnn\.so\.8: install the CUDA toolkit 11 and put its lib64 folder on LD_LIBRARY_PATH$/,
    ],
    [
      "libraries, as TensorFlow 2.12 and later says it",
      { ...cpuAnswer, library: "2.15.1" },
      h100,
      "W tensorflow/core/common_runtime/gpu/gpu_device.cc:2256] Cannot dlopen some GPU libraries. Please make sure the missing libraries mentioned above are installed properly",
      /^TensorFlow 2\.15\.1 cannot load its CUDA libraries: .*docs\/cuda\.md/,
    ],
    [
      "a device that is hidden",
      cpuAnswer,
      h100,
      "E tensorflow/stream_executor/cuda/cuda_driver.cc:271] failed call to cuInit: CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected",
      /cuInit|CUDA_ERROR_NO_DEVICE.*CUDA_VISIBLE_DEVICES.*535\.161\.08/,
    ],
    [
      "libcuda, as TensorFlow 2.9 says it",
      cpuAnswer,
      h100,
      "W tensorflow/stream_executor/platform/default/dso_loader.cc:64] Could not load dynamic library 'libcuda.so.1'; dlerror: libcuda.so.1: cannot open shared object file: No such file or directory",
      /^TensorFlow 2\.9\.1 misses libcuda\.so\.1: install the NVIDIA driver, or start the container with --gpus all$/,
    ],
    [
      "libcudart, as TensorFlow 2.15 says it",
      { ...cpuAnswer, library: "2.15.1" },
      h100,
      "I external/local_tsl/tsl/cuda/cudart_stub.cc:31] Could not find cuda drivers on your machine, GPU will not be used.\nE external/local_xla/xla/stream_executor/cuda/cuda_dnn.cc:9261] Unable to register cuDNN factory: Attempting to register factory for plugin cuDNN when one has already been registered",
      /^TensorFlow 2\.15\.1 cannot load the CUDA runtime \(libcudart\): install the CUDA and cuDNN versions that docs\/cuda\.md names/,
    ],
    [
      "libcuda, of which TensorFlow 2.15 says nothing",
      { ...cpuAnswer, library: "2.15.1" },
      h100,
      "E external/local_xla/xla/stream_executor/cuda/cuda_dnn.cc:9261] Unable to register cuDNN factory: Attempting to register factory for plugin cuDNN when one has already been registered\nI tensorflow/core/platform/cpu_feature_guard.cc:182] This TensorFlow binary is optimized to use available CPU instructions",
      /^TensorFlow 2\.15\.1 cannot load libcuda\.so\.1: install the NVIDIA driver, or start the container with --gpus all$/,
    ],
    [
      "a library that was built with it",
      { ...cpuAnswer, library: "2.15.1" },
      h100,
      "I tensorflow/core/platform/cpu_feature_guard.cc:182] This TensorFlow binary is optimized to use available CPU instructions in performance-critical operations.",
      /^TensorFlow 2\.15\.1 uses no GPU \(it was built without CUDA\): /,
    ],
  ])("cuda without %s", (_, answer, driver, log, words) => {
    expect(tensorflowDevice(answer, "cuda", driver, log).problem).toMatch(words);
  });
});

describe("onnxruntime-node's answers", () => {
  const provider =
    "OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library\n[ONNXRuntimeError] : 1 : FAIL : Failed to load library /app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_shared.so with error: /app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_shared.so: cannot open shared object file: No such file or directory";
  const cublas =
    "Failed to load library /app/…/libonnxruntime_providers_cuda.so with error: libcublasLt.so.12: cannot open shared object file: No such file or directory";
  test.each([
    [
      "its CUDA provider",
      provider,
      noDriver,
      /^the CUDA provider of onnxruntime-node \(libonnxruntime_providers_shared\.so\) is not installed: npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12 --prefix /,
    ],
    ["a driver", cublas, noDriver, /^ONNX Runtime found no GPU: the NVIDIA driver is not installed/],
    [
      "CUDA",
      cublas,
      h100,
      /^the CUDA provider of onnxruntime-node needs libcublasLt\.so\.12, which is not on this machine: install the CUDA toolkit 12 /,
    ],
    [
      "cuDNN",
      cublas.replace("libcublasLt.so.12", "libcudnn.so.9"),
      h100,
      /needs libcudnn\.so\.9, .*: install cuDNN 9 and put its folder on LD_LIBRARY_PATH$/,
    ],
    [
      "a driver that is new enough",
      "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=0",
      h100,
      /fails \(CUDA driver version is insufficient for CUDA runtime version\): .*535\.161\.08/,
    ],
    ["anything it says", "strange things", h100, /^the CUDA provider of onnxruntime-node does not run: strange things$/],
  ])("cuda without %s", (_, said, driver, words) => {
    expect(ortDevice("1.30.0", "cuda", { ran: false, said }, driver)).toMatchObject({
      available: false,
      device: "cpu",
      problem: expect.stringMatching(words),
    });
  });

  test("which CUDA the provider is for is what the package's own list for its install script says", () => {
    // As in onnxruntime-node 1.30.
    const metadata = { requirements: { "linux/x64": ["cuda12"], "darwin/arm64": [] } };
    const problem = (platform: string, list: unknown) =>
      ortDevice("1.30.0", "cuda", { ran: false, said: provider, brings: broughtTo(platform, list) }, noDriver).problem;
    expect(problem("linux/x64", metadata)).toMatch(
      /--onnxruntime-node-install=cuda12 .*; it is for CUDA 12 \(the package's script\/install-metadata\.js\) and cuDNN 9$/,
    );
    expect(problem("linux/x64", { requirements: { "linux/x64": ["cuda13"] } })).toMatch(/-install=cuda13 .*; it is for CUDA 13 /);
    expect(problem("darwin/arm64", metadata)).toMatch(/^onnxruntime-node brings no CUDA provider to .*; --engine webgpu can use a GPU$/);
    expect(problem("linux/x64", undefined)).not.toMatch(/it is for CUDA/);
  });

  test("a trial that ran is a GPU; without a trial it is the CPU", () => {
    expect(ortDevice("1.30.0", "cuda", { ran: true, said: "ran" }, h100)).toMatchObject({
      available: true,
      device: "cuda",
      deviceName: "NVIDIA H100 80GB HBM3",
    });
    expect(ortDevice("1.30.0", "auto", { ran: false, said: provider }, h100)).toMatchObject({ available: true, device: "cpu" });
    expect(ortDevice("1.30.0", "cpu", undefined, h100)).toMatchObject({ available: true, device: "cpu" });
  });

  test("why it cannot be imported", () => {
    expect(
      explainOrtImport({ code: "ERR_MODULE_NOT_FOUND", message: "Cannot find package 'onnxruntime-node' imported from /app/dist/" }),
    ).toMatch(/^the package onnxruntime-node is not installed: npm install onnxruntime-node .*VGGTOOL_ENGINES/);
    expect(
      explainOrtImport({
        code: "ERR_MODULE_NOT_FOUND",
        message: "Cannot find module '../bin/napi-v6/linux/riscv64/onnxruntime_binding.node'",
      }),
    ).toMatch(/^the native addon of onnxruntime-node is not there for /);
    expect(explainOrtImport({ code: undefined, message: "boom" })).toBe("onnxruntime-node cannot be imported: boom");
  });
});

describe("choosing an engine", () => {
  afterEach(() => {
    delete process.env[ENGINES_VARIABLE];
  });

  test("nobody asks: the embedded one", async () => {
    expect(await chooseEngine({})).toMatchObject({ engine: { id: "wasm" }, device: { available: true, device: "cpu" }, notes: [] });
  });

  test("the embedded one has no GPU", async () => {
    await expect(chooseEngine({ engine: "wasm", device: "cuda" })).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringContaining("CPU only"),
    });
  });

  test("engines that are not installed are named with the command that installs them", async () => {
    // An empty folder: whatever this machine has installed stays out of it.
    process.env[ENGINES_VARIABLE] = import.meta.dirname;
    await expect(chooseEngine({ engine: "tensorflow" })).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringMatching(
        /^the package @tensorflow\/tfjs-node-gpu is not installed: npm install @tensorflow\/tfjs-node-gpu@4\.22\.0 /,
      ),
    });
    await expect(chooseEngine({ engine: "onnxruntime", device: "cuda" })).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringMatching(/the package onnxruntime-node is not installed: npm install onnxruntime-node /),
    });
    await expect(chooseEngine({ device: "cuda" })).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringMatching(/^no engine can use CUDA: .*tensorflow: the package .*; onnxruntime: the package /),
    });
    expect(await probeDevices()).toMatchObject([
      { engine: "wasm", available: true },
      { engine: "tensorflow", available: false },
      { engine: "onnxruntime", available: false },
      { engine: "webgpu", available: false },
      { engine: "onnxruntime-webgpu", available: false },
    ]);
  });

  test("an import that fails says how", async () => {
    expect(await importOptional("no-such-package-here")).toMatchObject({ failure: { code: "ERR_MODULE_NOT_FOUND" } });
    expect(failureOf("a string")).toEqual({ code: undefined, message: "a string" });
  });
});
