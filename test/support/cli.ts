import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command as a person would; never on a terminal. */
export function vggtool(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, "bin", "vggtool"), ...args], {
      cwd: options.cwd ?? root,
      env: { ...process.env, NO_COLOR: "", FORCE_COLOR: "", COLUMNS: "", NODE_OPTIONS: "", ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** Milliseconds that a test may wait for its processes, on a machine that does much else. */
export const PROCESS_TIMEOUT = 120_000;

/** `dist/` is what runs; it is built anew when a source is younger. */
export function ensureBuilt(): void {
  const built = join(root, "dist", "cli", "vggtool.cjs");
  const newest = ["src", "docs", "scripts"]
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => join(root, folder, file)))
    .reduce((time, file) => Math.max(time, statSync(file).mtimeMs), 0);
  if (existsSync(built) && statSync(built).mtimeMs > newest) return;
  const build = spawnSync("npm", ["run", "--silent", "build"], { cwd: root, encoding: "utf8" });
  if (build.status !== 0) throw new Error(`the build failed:\n${build.stdout}${build.stderr}`);
}
