/**
 * Builds, tests and demonstrates under every Node that package.json promises: the npm package node-<platform>-<processor> brings
 * each binary. They are kept outside the checkout, with the environments of the interop job. The version that runs this is left out
 * with --others, since the steps before it have used it.
 *
 *     node test/node/run.mjs [--others] [MAJOR]…
 */
import { spawnSync } from "node:child_process";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { environmentNodeItself, must, nodeVersions } from "../interop/environment.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const running = process.versions.node.split(".")[0];
const wanted = process.argv.slice(2).filter((arg) => arg !== "--others");
const majors = Object.keys(nodeVersions).filter((major) => (wanted.length === 0 ? true : wanted.includes(major)));
const chosen = process.argv.includes("--others") ? majors.filter((major) => major !== running) : majors;

let failed = 0;
for (const major of chosen) {
  const version = nodeVersions[major];
  const bin = environmentNodeItself(version);
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
  if (must("node", ["--version"], { env }).trim() !== `v${version}`) throw new Error(`Node ${version} was needed first on the PATH`);
  for (const args of [["run", "build"], ["run", "demo"], ["test"]]) {
    const started = performance.now();
    const { status, stdout, stderr } = spawnSync("npm", args, { cwd: root, env, encoding: "utf8", maxBuffer: 64 << 20 });
    const line = `Node ${version}: npm ${args.join(" ")} (${((performance.now() - started) / 1000).toFixed(1)} s)`;
    if (status === 0) console.log(`ok   ${line}`);
    else {
      failed += 1;
      console.log(`FAIL ${line}\n${stdout}${stderr}`);
    }
  }
}
// The command that later steps use is again that of the Node they run on.
must("npm", ["run", "build"], { cwd: root });
console.log(`node versions: ${chosen.length} tried, ${failed === 0 ? "all right" : `${failed} steps failed`}`);
process.exitCode = failed === 0 && chosen.length > 0 ? 0 : 1;
