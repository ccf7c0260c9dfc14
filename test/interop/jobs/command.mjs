import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Needs no environment: the unit suite runs most of these within its own process, which costs half as much and knows no bundle. */
export const commandJobs = [
  {
    name: "command: every test of the command line through the built command",
    async run({ root }) {
      const { stdout } = await promisify(execFile)("npx", ["vitest", "run", "test/cli"], {
        cwd: root,
        env: { ...process.env, VGGTOOL_TEST_SPAWN: "1", NO_COLOR: "1" },
        maxBuffer: 16 << 20,
      });
      const passed = /^\s*Tests\s+(\d+) passed \(\1\)/m.exec(stdout);
      if (passed === null) throw new Error(`not all of them passed:\n${stdout.slice(-2000)}`);
      return `${passed[1]} tests`;
    },
  },
];
