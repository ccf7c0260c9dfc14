import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Installation, installCommand } from "../../src/verify/engines/installation.ts";

describe("the command that installs an optional package for this installation", () => {
  const node = join("/", "usr", "local", "bin", "node");
  const at = (root: string, more: Partial<Installation> = {}): Installation => ({
    root,
    execPath: node,
    cwd: "/data/checkpoints",
    engines: undefined,
    exists: () => false,
    ...more,
  });

  test.each<[where: string, installation: Installation, command: string]>([
    ["global, beside Node", at("/usr/local/lib/node_modules/vggtool"), "npm install sharp --global"],
    [
      "global, elsewhere",
      at("/home/me/.npm-packages/lib/node_modules/vggtool"),
      "npm install sharp --global --prefix /home/me/.npm-packages",
    ],
    ["of the project one is in", at("/app/node_modules/vggtool", { cwd: "/app", exists: () => true }), "npm install sharp"],
    ["of another project", at("/my app/node_modules/vggtool", { exists: () => true }), 'npm install sharp --prefix "/my app"'],
    ["a checkout", at("/src/vggtool"), "npm install sharp --no-save --prefix /src/vggtool"],
    ["with VGGTOOL_ENGINES", at("/src/vggtool", { engines: "../engines" }), "npm install sharp --prefix /data/engines"],
  ])("%s", (_, installation, command) => expect(installCommand("sharp", installation)).toBe(command));
});
