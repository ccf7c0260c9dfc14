import { execFile } from "node:child_process";
import { cpSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { environmentNode } from "../environment.mjs";

const allowed =
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|bin\/vggtool(-layers)?|bin\/package\.json|docs\/[\w/-]+\.(md|png)|scripts\/demo\.mjs|fixtures\/demo\/[^/]+|dist\/.+\.(js|d\.ts)|dist\/cli\/[\w-]+\.cjs(\.cache)?|dist\/vggtool\.1|dist\/app\.html|dist\/vendor\/[\w-]+\.wasm|dist\/THIRD-PARTY-NOTICES\.txt)$/;
const needed = ["bin/vggtool", "dist/app.html", "dist/index.js", "dist/index.d.ts", "dist/cli/vggtool.cjs", "README.md", "LICENSE"];

/** Needs no environment: here because npm takes longer to list the files than a unit test may. */
export const packageJobs = [
  {
    name: "package: the packed files are the command, the library, the demo and the papers, and nothing else",
    async run({ root }) {
      const { stdout } = await promisify(execFile)("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
        cwd: root,
        maxBuffer: 16 << 20,
      });
      const paths = JSON.parse(stdout)[0].files.map(({ path }) => path);
      const strange = paths.filter((path) => !allowed.test(path));
      if (strange.length > 0) throw new Error(`these are packed, too: ${strange.join(", ")}`);
      const missing = needed.filter((path) => !paths.includes(path));
      if (missing.length > 0) throw new Error(`these are not packed: ${missing.join(", ")}`);
      return `${paths.length} files`;
    },
  },
  {
    name: "site: VitePress builds docs/, and every link of its pages leads somewhere",
    environment: "node-site",
    async run({ root, out }) {
      // Beside the packages, in a copy: the pages import Vue from where they are.
      const packages = join(environmentNode("node-site"), "node_modules");
      cpSync(join(root, "docs"), join(out, "docs"), { recursive: true });
      symlinkSync(packages, join(out, "node_modules"));
      await promisify(execFile)(process.execPath, [join(packages, "vitepress", "bin", "vitepress.js"), "build", join(out, "docs")], {
        maxBuffer: 16 << 20,
      });
      const built = readdirSync(join(out, "docs", ".vitepress", "dist"), { recursive: true, encoding: "utf8" });
      return `${built.filter((name) => name.endsWith(".html")).length} pages`;
    },
  },
];
