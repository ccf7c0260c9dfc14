import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { PROCESS_TIMEOUT, root } from "../support/cli.ts";
import { fixtures } from "../support/paths.ts";

vi.setConfig({ testTimeout: PROCESS_TIMEOUT });
const folder = mkdtempSync(join(tmpdir(), "vggtool-ci-"));
const bad = join("my models", "face net.py");

beforeAll(() => {
  mkdirSync(join(folder, "my models"));
  copyFileSync(join(fixtures, "source", "torch-face-question.py"), join(folder, bad));
  copyFileSync(join(fixtures, "source", "torch-vggnet.py"), join(folder, "good.py"));
  writeFileSync(join(folder, "plain.py"), "print(1)\n");
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the pre-commit hook", () => {
  const hook = (...files: readonly string[]) =>
    spawnSync(process.execPath, [join(root, "bin", "vggtool-layers"), ...files], { cwd: folder, encoding: "utf8" });

  test("is the command that .pre-commit-hooks.yaml names, and the package has", () => {
    const entry = /entry: (\S+)/.exec(readFileSync(join(root, ".pre-commit-hooks.yaml"), "utf8"))?.[1];
    const manifest: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect(manifest).toMatchObject({ bin: { [entry ?? ""]: "bin/vggtool-layers" } });
  });

  test("fails where a layer is never registered, and names it", () => {
    const { status, stdout } = hook("good.py", bad);
    expect([status, stdout]).toEqual([1, expect.stringContaining("nn.ModuleList")]);
  });

  test.each([[["good.py"]], [["plain.py"]], [["plain.py", "good.py"]], [[]]])("passes %j", (files) => {
    expect(hook(...files).status).toBe(0);
  });
});

describe.skipIf(process.platform === "win32")("the GitHub action", () => {
  const action = (source: string) =>
    spawnSync("bash", [join(root, "scripts", "action.sh")], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, SOURCE: source, SARIF: "found.sarif" },
    });

  test("writes SARIF, prints the findings and fails where there are any", () => {
    const { status, stdout } = action("**/*.py");
    expect([status, stdout]).toEqual([1, expect.stringContaining("face net.py")]);
    const sarif: unknown = JSON.parse(readFileSync(join(folder, "found.sarif"), "utf8"));
    expect(sarif).toMatchObject({ version: "2.1.0" });
    expect(JSON.stringify(sarif)).toContain("face%20net.py");
  });

  test("passes code without a fault, and code of which nothing can be said", () => {
    expect([action("good.py").status, action("plain.py").status]).toEqual([0, 0]);
  });

  test("fails where no file is named", () => {
    const { status, stderr } = action("none/*.py");
    expect([status, stderr]).toEqual([2, "no file is named by: none/*.py\n"]);
  });
});
