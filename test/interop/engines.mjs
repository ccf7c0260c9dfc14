import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { environment, environmentPython, must } from "./environment.mjs";

const packages = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"];
/** Node-API version of the addon's folder: what tfjs-node 4.22 asks for on Node 20 (`binary.napi_versions` of its package.json). */
const napi = 8;

/**
 * The folder with `node_modules` of the engines that a person may install: onnxruntime-node and sharp as npm has them, and both
 * tfjs-node packages. Their install scripts would download a TensorFlow library; the addon is compiled instead, from the
 * package's own sources, against the library inside the wheel of the environment "tensorflow", which is used where it is.
 */
export function environmentEngines() {
  const python = environmentPython("tensorflow");
  return environment("engines", ["packages-engines.json", "requirements-tensorflow.txt"], (place, [list]) => {
    mkdirSync(place, { recursive: true });
    copyFileSync(list, join(place, "package.json"));
    must("npm", ["install", "--prefix", place, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    const tensorflow = join(must(python, ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).trim(), "tensorflow");
    for (const name of packages) linkLibrary(join(place, "node_modules", name), tensorflow);
    const [first, ...others] = packages.map((name) => join(place, "node_modules", name, "lib", `napi-v${napi}`));
    for (const folder of [first, ...others]) mkdirSync(folder, { recursive: true });
    compile(join(place, "node_modules", packages[0]), join(first, "tfjs_binding.node"));
    for (const folder of others) copyFileSync(join(first, "tfjs_binding.node"), join(folder, "tfjs_binding.node"));
  });
}

/** The folder with `node_modules` of Dawn, TensorFlow.js' WebGPU and ONNX Runtime; nothing of them is built or downloaded by install scripts. */
export function environmentWebgpu() {
  return environment("webgpu", ["packages-webgpu.json"], (place, [list]) => {
    mkdirSync(place, { recursive: true });
    copyFileSync(list, join(place, "package.json"));
    must("npm", ["install", "--prefix", place, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
  });
}

/** Where Debian's chromium-common puts SwiftShader, and the Vulkan loader with it; undefined: it is not there. */
export function swiftshader(folder = "/usr/lib/chromium") {
  const driver = join(folder, "vk_swiftshader_icd.json");
  return existsSync(driver) ? { VK_DRIVER_FILES: driver, LD_LIBRARY_PATH: folder } : undefined;
}

/** Headers and libraries where binding.gyp looks for them, under the names that it links with. */
function linkLibrary(module, tensorflow) {
  const lib = join(module, "deps", "lib");
  mkdirSync(lib, { recursive: true });
  symlinkSync(join(tensorflow, "include"), join(module, "deps", "include"));
  for (const [link, file] of [
    ["libtensorflow_cc.so.2", "libtensorflow_cc.so.2"],
    ["libtensorflow.so", "libtensorflow_cc.so.2"],
    ["libtensorflow_framework.so.2", "libtensorflow_framework.so.2"],
    ["libtensorflow_framework.so", "libtensorflow_framework.so.2"],
  ]) {
    symlinkSync(join(tensorflow, file), join(lib, link));
  }
}

/** node-gyp, as the package's own build does it, in a folder of its own: make cannot build where a path has a space in it. */
function compile(module, addon) {
  const work = mkdtempSync(join(tmpdir(), "vggtool-addon-"));
  try {
    for (const part of ["binding", "binding.gyp", "package.json"]) cpSync(join(module, part), join(work, part), { recursive: true });
    symlinkSync(join(module, "deps"), join(work, "deps"));
    const gyp = join(must("npm", ["root", "-g", "--loglevel=silent"]).trim(), "npm", "node_modules", "node-gyp", "bin", "node-gyp.js");
    const prefix = resolve(dirname(process.execPath), "..");
    const headers = existsSync(join(prefix, "include", "node", "node_api.h")) ? [`--nodedir=${prefix}`] : [];
    const settings = [`--module_path=${join(work, "lib")}`, "--module_name=tfjs_binding", `--napi_build_version=${napi}`];
    must(process.execPath, [gyp, "rebuild", ...headers, ...settings, `--napi_version=${process.versions.napi}`], {
      cwd: work,
      // Libraries come before the objects on the linker's line; it would drop them as not needed.
      env: { ...process.env, LDFLAGS: "-Wl,--no-as-needed" },
    });
    copyFileSync(join(work, "lib", "tfjs_binding.node"), addon);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
