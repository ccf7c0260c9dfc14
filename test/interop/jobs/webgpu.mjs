import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { environmentWebgpu, swiftshader } from "../engines.mjs";
import { environmentNodeItself, nodeVersions } from "../environment.mjs";

const environment = "webgpu";
const variables = () => ({ VGGTOOL_ENGINES: environmentWebgpu(), ...swiftshader() });

/** WebGPU without a GPU: Dawn on SwiftShader, which computes on the CPU, and is never taken for a GPU. */
export const webgpuJobs = [
  {
    name: "webgpu: golden networks on SwiftShader",
    environment,
    needs: ["golden", "swiftshader"],
    async run({ root, program }) {
      // All of them: npx tsx test/collections/verify-golden.ts --engine webgpu
      const sampled = [join(root, "test", "collections", "verify-golden.ts"), "--engine", "webgpu", "--every", "24", "--quiet"];
      const said = await program(sampled, variables());
      const line = said.split("\n").at(-1) ?? "";
      const [, right, tried] = /: (\d+) \/ (\d+);/.exec(line) ?? [];
      if (right === undefined || right !== tried || tried === "0") throw new Error(said);
      return line;
    },
  },
  {
    name: "webgpu: ONNX Runtime's faulty kernels are found",
    environment,
    needs: "swiftshader",
    async run({ root, program }) {
      const said = await program([join(root, "test", "interop", "faulty-kernels.ts")], variables());
      if (!/^NHWC: onnxruntime-webgpu computes conv3_1 \(3×3, stride 1, padding 1, 6 → 8 channels\) wrong: by \d+ %/m.test(said))
        throw new Error(said);
      if (!/^NCHW: 18 layers right, /m.test(said)) throw new Error(said);
      return said.replaceAll("\n", "; ");
    },
  },
  ...Object.entries(nodeVersions).map(([major, version]) => ({
    name: `webgpu: installed beside the packed command, on Node ${major}`,
    run: ({ root, out }) => installed(root, out, environmentNodeItself(version)),
  })),
  {
    name: "webgpu: SwiftShader is used where it is asked for, and is no GPU",
    environment,
    needs: "swiftshader",
    async run({ root, attempted }) {
      const file = join(root, "fixtures", "demo", "vgg_face.mat");
      const refused = await attempted(["verify", file, "--device", "gpu"], variables());
      if (refused.code !== 2 || !/no engine can use a GPU: .*WebGPU finds no GPU, only SwiftShader/.test(refused.stderr))
        throw new Error(`exit code ${refused.code}\n${refused.stderr}${refused.stdout}`);
      const used = await attempted(["verify", file, "--engine", "webgpu", "--json"], variables());
      if (used.code !== 0) throw new Error(`exit code ${used.code}\n${used.stderr}${used.stdout}`);
      const { engine } = JSON.parse(used.stdout);
      if (engine.device !== "cpu" || !/^SwiftShader.*computes on the CPU$/.test(engine.deviceName)) throw new Error(JSON.stringify(engine));
      return `${engine.version} on ${engine.deviceName}`;
    },
  },
];

/** What --device gpu may answer on a machine: it ran, or what the machine lacks. */
const refusals = [/only SwiftShader/, /libvulkan\.so\.1 is not on this machine/, /WebGPU finds no Vulkan driver on this machine/];

/** A fresh folder with the packed command and both packages of WebGPU, as a person installs them with one Node. */
async function installed(root, out, bin) {
  const said = async (command, args, options = {}) => {
    const env = { ...process.env, VGGTOOL_ENGINES: "", ...options.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
    const answer = await promisify(execFile)(command, args, { cwd: out, maxBuffer: 16 << 20, ...options, env }).catch((error) => error);
    return { code: answer.code ?? 0, stdout: answer.stdout, stderr: answer.stderr };
  };
  const wrong = (what, { code, stdout, stderr }) => new Error(`${what}: exit code ${code}\n${stderr}${stdout}`);
  const packed = await said("npm", ["pack", "--ignore-scripts", "--pack-destination", out], { cwd: root });
  const [tarball] = readdirSync(out).filter((name) => name.endsWith(".tgz"));
  if (packed.code !== 0 || tarball === undefined) throw wrong("npm pack", packed);
  const app = join(out, "app");
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), '{ "private": true }\n');
  const { dependencies } = JSON.parse(readFileSync(join(root, "test", "interop", "packages-webgpu.json"), "utf8"));
  const packages = ["webgpu", "@tensorflow/tfjs-backend-webgpu"].map((name) => `${name}@${dependencies[name]}`);
  const npm = await said("npm", ["install", join(out, tarball), ...packages, "--no-audit", "--no-fund", "--loglevel=error"], { cwd: app });
  if (npm.code !== 0) throw wrong("npm install", npm);
  const file = join(app, "node_modules", "vggtool", "fixtures", "demo", "vgg_face.mat");
  const verify = (args, env = {}) =>
    said("node", [join(app, "node_modules", ".bin", "vggtool"), "verify", file, "--json", ...args], { cwd: app, env });
  const lines = [`Node ${(await said("node", ["--version"])).stdout.trim()}`];
  for (const [where, env] of [["as it is", {}], ...(swiftshader() === undefined ? [] : [["SwiftShader", swiftshader()]])]) {
    const found = await verify(["--device", "gpu"], env);
    const isGpu = found.code === 0 && JSON.parse(found.stdout).engine.device !== "cpu";
    const refusal = refusals.map((words) => words.exec(found.stderr + found.stdout)?.[0]).find((words) => words !== undefined);
    if (!isGpu && (found.code !== 2 || refusal === undefined)) throw wrong(`--device gpu, ${where}`, found);
    lines.push(`${where}: ${isGpu ? "a GPU" : refusal}`);
  }
  if (swiftshader() !== undefined) {
    const found = await verify(["--engine", "webgpu"], swiftshader());
    if (found.code !== 0 || JSON.parse(found.stdout).engine.selfTest === null) throw wrong("--engine webgpu", found);
    lines.push(`${JSON.parse(found.stdout).engine.deviceName}`);
  }
  return lines.join("; ");
}
