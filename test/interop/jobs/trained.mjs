import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** Networks trained on the spot, each also with its first dense layer in the other order: what the findings on values say of them. */
export const trainedJobs = ["torch", "keras"].map((framework) => ({
  name: `trained (${framework}): layout-suspect and looks-initial, right and wrong`,
  environment: framework === "keras" ? "tensorflow" : framework,
  async run({ python, out, root }) {
    await python("trained_networks", framework, out);
    const script = [join(root, "node_modules", "tsx", "dist", "cli.mjs"), join(root, "test", "collections", "calibrate-findings.ts"), out];
    const { stdout } = await promisify(execFile)(process.execPath, script, { cwd: root });
    return stdout.trim().split("\n").at(-1);
  },
}));
