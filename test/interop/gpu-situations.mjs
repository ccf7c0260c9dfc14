import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const gpuPackage = "@tensorflow/tfjs-node-gpu";

/**
 * Every way in which a GPU cannot be used that can be arranged without one: the real packages of `engines` (a folder with
 * node_modules), whole or with a piece taken out, and a stand-in for the driver's nvidia-smi in front of PATH. `words`: what the
 * message has to say.
 */
export function gpuSituations(engines, out) {
  const smi = {
    gpu: program(join(out, "smi-gpu"), 'echo "NVIDIA H100 80GB HBM3, 535.161.08"'),
    broken: program(join(out, "smi-broken"), 'echo "NVIDIA-SMI has failed because it could not talk to the NVIDIA driver."; exit 9'),
    none: program(join(out, "smi-none"), "exit 0"),
  };
  const tensorflow = (what, folder, path, words) => ({ what, engine: "tensorflow", folder, path, words });
  const onnxruntime = (what, folder, path, words) => ({ what, engine: "onnxruntime", folder, path, words });
  const nothing = join(out, "nothing");
  mkdirSync(nothing);
  const provider = withProvider(engines, join(out, "provider"));
  return [
    tensorflow(
      "no package",
      nothing,
      undefined,
      /the package @tensorflow\/tfjs-node-gpu is not installed: npm install @tensorflow\/tfjs-node-gpu@/,
    ),
    tensorflow(
      "the package for the CPU",
      only(engines, join(out, "cpu"), "@tensorflow/tfjs-node"),
      undefined,
      /tfjs-node runs on the CPU only: npm install @tensorflow\/tfjs-node-gpu@/,
    ),
    tensorflow(
      "no addon",
      without(engines, join(out, "no-addon"), "lib"),
      undefined,
      /the native addon of @tensorflow\/tfjs-node-gpu was not built or downloaded: npm rebuild/,
    ),
    tensorflow(
      "no TensorFlow library",
      without(engines, join(out, "no-library"), "deps"),
      undefined,
      /needs libtensorflow\S*\.so\S*, which is not on this machine: npm rebuild/,
    ),
    tensorflow("no driver", engines, undefined, /TensorFlow found no GPU: the NVIDIA driver is not installed .*--gpus all/),
    tensorflow(
      "a driver that does not answer",
      engines,
      smi.broken,
      /TensorFlow found no GPU: the NVIDIA driver does not answer \(nvidia-smi: NVIDIA-SMI has failed/,
    ),
    tensorflow("a driver without a GPU", engines, smi.none, /TensorFlow found no GPU: the NVIDIA driver finds no GPU in this machine/),
    tensorflow(
      "a library built without CUDA",
      engines,
      smi.gpu,
      /TensorFlow 2\.15\.1 uses no GPU \(it was built without CUDA\): .*docs\/cuda\.md/,
    ),
    onnxruntime("no package", nothing, undefined, /the package onnxruntime-node is not installed: npm install onnxruntime-node/),
    onnxruntime(
      "no addon",
      withoutAddon(engines, join(out, "no-binding")),
      undefined,
      /the native addon of onnxruntime-node is not there for linux x64/,
    ),
    onnxruntime(
      "no CUDA provider",
      engines,
      undefined,
      /the CUDA provider of onnxruntime-node \(\S+\.so\) is not installed: npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12/,
    ),
    onnxruntime("a provider, no driver", provider, undefined, /ONNX Runtime found no GPU: the NVIDIA driver is not installed/),
    onnxruntime(
      "a provider and a driver, no cuDNN",
      provider,
      smi.gpu,
      /the CUDA provider of onnxruntime-node needs libcudnn\.so\.9, which is not on this machine: install cuDNN 9/,
    ),
  ];
}

/** A folder with a stand-in for nvidia-smi. */
function program(folder, script) {
  mkdirSync(folder);
  writeFileSync(join(folder, "nvidia-smi"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, "nvidia-smi"), 0o755);
  return folder;
}

/** A folder with one package alone; what it depends on is found where the package really is. */
function only(engines, folder, name) {
  mkdirSync(join(folder, "node_modules", dirname(name)), { recursive: true });
  symlinkSync(join(engines, "node_modules", name), join(folder, "node_modules", name));
  return folder;
}

/** The folder `engines` with a copy of one package, to be changed; all others are links. */
function copied(engines, folder, name) {
  const [scope, own] = [dirname(name), join(folder, "node_modules", name)];
  mkdirSync(dirname(own), { recursive: true });
  for (const entry of readdirSync(join(engines, "node_modules"))) {
    if (entry !== scope && entry !== name) symlinkSync(join(engines, "node_modules", entry), join(folder, "node_modules", entry));
  }
  for (const entry of scope === "." ? [] : readdirSync(join(engines, "node_modules", scope))) {
    if (entry !== basename(name)) symlinkSync(join(engines, "node_modules", scope, entry), join(folder, "node_modules", scope, entry));
  }
  const source = join(engines, "node_modules", name);
  cpSync(source, own, { recursive: true, filter: (path) => !/\/(darwin|win32|linux\/arm64|deps\/include)$/.test(path) });
  return own;
}

function without(engines, folder, part) {
  rmSync(join(copied(engines, folder, gpuPackage), part), { recursive: true });
  return folder;
}

function withoutAddon(engines, folder) {
  rmSync(join(copied(engines, folder, "onnxruntime-node"), "bin"), { recursive: true });
  return folder;
}

/** onnxruntime-node with a CUDA provider that needs a cuDNN which is nowhere: as after its install script, without the libraries. */
function withProvider(engines, folder) {
  const bin = join(copied(engines, folder, "onnxruntime-node"), "bin");
  const binding = readdirSync(bin, { recursive: true, encoding: "utf8" }).find((path) =>
    path.endsWith("linux/x64/onnxruntime_binding.node"),
  );
  const place = dirname(join(bin, binding));
  const source = join(folder, "provider.c");
  writeFileSync(source, "void Provider_SetHost(void *host) { (void)host; }\nvoid *GetProvider(void) { return 0; }\n");
  const compiled = (name, ...more) =>
    execFileSync("cc", ["-shared", "-fPIC", "-Wl,--no-as-needed", "-o", join(place, name), source, ...more]);
  compiled("libcudnn.so.9", "-Wl,-soname,libcudnn.so.9");
  compiled("libonnxruntime_providers_shared.so");
  compiled("libonnxruntime_providers_cuda.so", join(place, "libcudnn.so.9"));
  rmSync(join(place, "libcudnn.so.9"));
  return folder;
}
