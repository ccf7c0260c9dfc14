import { join } from "node:path";
import { environmentWebgpu, swiftshader } from "../engines.mjs";

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
