import { existsSync } from "node:fs";
import { join } from "node:path";
import { environmentEngines } from "../engines.mjs";
import { gpuSituations } from "../gpu-situations.mjs";

const environment = "engines";

/** The engines that a person may have installed run the networks of all golden cases; what is theirs in the unit tests; and no GPU. */
export const enginesJobs = [
  ...["tensorflow", "onnxruntime"].map((engine) => ({
    name: `engines: the golden networks on ${engine}`,
    environment,
    needs: "golden",
    async run({ root, program }) {
      const said = await program([join(root, "test", "collections", "verify-golden.ts"), "--engine", engine, "--quiet"], {
        VGGTOOL_ENGINES: environmentEngines(),
      });
      const line = said.split("\n").at(-1) ?? "";
      const [, right, tried] = /: (\d+) \/ (\d+);/.exec(line) ?? [];
      if (right === undefined || right !== tried) throw new Error(said);
      return line;
    },
  })),
  {
    name: "engines: unit tests with the installed packages",
    environment,
    async run({ root, program }) {
      const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
      const files = ["installed-engines", "pictures"].map((name) => join("test", "verify", `${name}.test.ts`));
      const said = await program([vitest, "run", "--no-color", "--test-timeout=60000", ...files], {
        VGGTOOL_ENGINES: environmentEngines(),
        VGGTOOL_TEST_ENGINES: "tensorflow,onnxruntime,sharp",
        NO_COLOR: "1",
      });
      return / {2}Tests {2}(.*)/.exec(said)?.[1];
    },
  },
  {
    name: "engines: --device cuda without what it needs",
    environment,
    async run({ out, root, attempted }) {
      const [file, wrong] = [join("fixtures", "demo", "vgg_face.mat"), []];
      const situations = gpuSituations(environmentEngines(), out);
      for (const { what, engine, folder, path, words } of situations) {
        const env = { VGGTOOL_ENGINES: folder, ...(path === undefined ? {} : { PATH: `${path}:${process.env.PATH}` }) };
        const { code, stdout, stderr } = await attempted(["verify", join(root, file), "--device", "cuda", "--engine", engine], env);
        if (code !== 2 || stdout !== "" || !words.test(stderr))
          wrong.push(`${engine}, ${what}: exit code ${code}, ${JSON.stringify(stderr)}${stdout}`);
      }
      const nvidia = existsSync("/proc/driver/nvidia/version");
      if (wrong.length > 0) throw new Error(`${wrong.join("\n")}${nvidia ? "\nthis machine has an NVIDIA driver" : ""}`);
      return `${situations.length} refused in the right words`;
    },
  },
];
